/**
 * GET /_matrix/client/v3/events, /_matrix/client/v3/events/{eventId}, /_matrix/client/v3/initialSync,
 * /_matrix/client/v3/rooms/{roomId}/initialSync
 *
 * Specification: Client-Server API, Room previews; Getting events for a room (deprecated endpoints).
 */
import { MatrixError } from '../../protocol/errors.js';
import { eventOfAnyRoom } from '../../queries/events.js';
import { initialSync, roomInitialSync } from '../../queries/initial-sync.js';
import { parseToken } from '../../queries/tokens.js';
import { JsonText } from '../response.js';
import { defineRoute, v3, type Route } from '../route.js';
import { upToDate, viewerOf, type ClientApi } from './api.js';
import type { GetEvents, GetOneEvent, InitialSync, RoomInitialSync } from './types.js';

const MODULE = 'old_sync';

export function oldSyncRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<GetEvents, 'required-or-guest'>({
      module: MODULE,
      name: 'getEvents',
      method: 'GET',
      paths: v3('/events'),
      auth: 'required-or-guest',
      handler: async ({ user, query, signal }) => {
        const { room_id: roomId, limit } = query;
        if (user.kind === 'guest' && roomId === undefined) {
          throw new MatrixError('M_GUEST_ACCESS_FORBIDDEN', 'Guests may listen to one room at a time.');
        }
        await upToDate(api);
        const text = await api.eventStream.answer({
          viewer: viewerOf(user),
          from: query.from === undefined ? undefined : parseToken(query.from, 'from'),
          roomId,
          limit,
          timeout: Math.min(query.timeout, api.settings.longestPoll),
          signal,
        });
        return new JsonText(text);
      },
    }),
    defineRoute<GetOneEvent>({
      module: MODULE,
      name: 'getOneEvent',
      method: 'GET',
      paths: v3('/events/{eventId}'),
      auth: 'required',
      handler: async ({ user, params }) =>
        new JsonText(await eventOfAnyRoom(await upToDate(api), viewerOf(user), params.eventId)),
    }),
    defineRoute<InitialSync>({
      module: MODULE,
      name: 'initialSync',
      method: 'GET',
      paths: v3('/initialSync'),
      auth: 'required',
      handler: async ({ user, query }) =>
        new JsonText(await initialSync(await upToDate(api), viewerOf(user), query)),
    }),
    defineRoute<RoomInitialSync, 'required-or-guest'>({
      module: MODULE,
      name: 'roomInitialSync',
      method: 'GET',
      paths: v3('/rooms/{roomId}/initialSync'),
      auth: 'required-or-guest',
      handler: async ({ user, params, query }) => {
        const side = await upToDate(api);
        return new JsonText(await roomInitialSync(side, viewerOf(user), params.roomId, query.limit));
      },
    }),
  ];
}
