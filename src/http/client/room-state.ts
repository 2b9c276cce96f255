/**
 * GET /_matrix/client/v3/rooms/{roomId}/state,
 * GET, PUT /_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}
 *
 * Specification: Client-Server API, Getting events for a room; Sending events to a room.
 */
import { sendState } from '../../commands/room-send.js';
import { jsonArray } from '../../queries/client-events.js';
import { oneStateEvent, roomState } from '../../queries/room-state.js';
import { JsonText } from '../response.js';
import { defineRoute, v3, type Route } from '../route.js';
import { commandContext, done, upToDate, type ClientApi } from './api.js';
import type { GetRoomState, GetRoomStateWithKey, SetRoomStateWithKey } from './types.js';

/** An empty state key may be left out, with or without the slash before it. */
const WITH_KEY = [
  '/rooms/{roomId}/state/{eventType}',
  '/rooms/{roomId}/state/{eventType}/',
  '/rooms/{roomId}/state/{eventType}/{stateKey}',
];

export function roomStateRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<GetRoomState, 'required-or-guest'>({
      module: 'room_state',
      name: 'getRoomState',
      method: 'GET',
      paths: v3('/rooms/{roomId}/state'),
      auth: 'required-or-guest',
      handler: async ({ params, user }) => {
        const events = await roomState(await upToDate(api), user.userId, params.roomId);
        return new JsonText(jsonArray(events.map(({ json }) => json)));
      },
    }),
    defineRoute<GetRoomStateWithKey, 'required-or-guest'>({
      module: 'room_state',
      name: 'getRoomStateWithKey',
      method: 'GET',
      paths: v3(...WITH_KEY),
      auth: 'required-or-guest',
      handler: async ({ params, query, user }) => {
        const key = { type: params.eventType, stateKey: params.stateKey };
        const event = await oneStateEvent(await upToDate(api), user.userId, params.roomId, key);
        if (query.format === 'event') return new JsonText(event.json);
        return (JSON.parse(event.json) as { content: object }).content;
      },
    }),
    defineRoute<SetRoomStateWithKey, 'required-or-guest'>({
      module: 'room_state',
      name: 'setRoomStateWithKey',
      method: 'PUT',
      paths: v3(...WITH_KEY),
      auth: 'required-or-guest',
      handler: (request) => {
        const { params, user, body, looseNumbers } = request;
        const event = { type: params.eventType, stateKey: params.stateKey, content: body, looseNumbers };
        return done(api, sendState(api.write, user, params.roomId, event, commandContext(api, request)));
      },
    }),
  ];
}
