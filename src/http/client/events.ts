/**
 * GET /_matrix/client/v3/rooms/{roomId}/event/{eventId},
 * GET /_matrix/client/v1/rooms/{roomId}/timestamp_to_event
 *
 * Specification: Client-Server API, Getting events for a room; Jumping to a particular point in time. Beyond it:
 * MSC2815, by which moderators see what was redacted.
 */
import { eventByTimestamp, oneEvent } from '../../queries/events.js';
import { unredactedEvent } from '../../queries/unredacted.js';
import { JsonText } from '../response.js';
import { defineRoute, v1, v3, type Route } from '../route.js';
import { upToDate, viewerOf, type ClientApi } from './api.js';
import type { GetEventByTimestamp, GetOneRoomEvent } from './types.js';

export function eventsRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<GetOneRoomEvent, 'required-or-guest'>({
      module: 'events',
      name: 'getOneRoomEvent',
      method: 'GET',
      paths: v3('/rooms/{roomId}/event/{eventId}'),
      auth: 'required-or-guest',
      handler: async ({ params, query, user }) => {
        const { roomId, eventId } = params;
        const read = query['fi.mau.msc2815.include_unredacted_content'] ? unredactedEvent : oneEvent;
        return new JsonText(await read(await upToDate(api), viewerOf(user), roomId, eventId));
      },
    }),
    defineRoute<GetEventByTimestamp>({
      module: 'events',
      name: 'getEventByTimestamp',
      method: 'GET',
      paths: v1('/rooms/{roomId}/timestamp_to_event'),
      auth: 'required',
      handler: async ({ params, query, user }) => {
        const side = await upToDate(api);
        return eventByTimestamp(side, user.userId, params.roomId, query.ts, query.dir === 'b');
      },
    }),
  ];
}
