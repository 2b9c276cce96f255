/**
 * GET /_matrix/client/v3/rooms/{roomId}/messages
 *
 * Specification: Client-Server API, Getting events for a room; Filtering.
 */
import { messages } from '../../queries/messages.js';
import { JsonText } from '../response.js';
import { defineRoute, v3, type Route } from '../route.js';
import { upToDate, viewerOf, type ClientApi } from './api.js';
import { eventFilterOf } from './event-filter.js';
import type { GetRoomEvents } from './types.js';

export function messagesRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<GetRoomEvents, 'required-or-guest'>({
      module: 'messages',
      name: 'getRoomEvents',
      method: 'GET',
      paths: v3('/rooms/{roomId}/messages'),
      auth: 'required-or-guest',
      handler: async ({ params, query, user }) => {
        const { from, to, dir, limit } = query;
        const filter = eventFilterOf(query.filter);
        const request = { roomId: params.roomId, backwards: dir === 'b', from, to, limit, filter };
        return new JsonText(await messages(await upToDate(api), viewerOf(user), request));
      },
    }),
  ];
}
