/**
 * GET /_matrix/client/v1/room_summary/{roomIdOrAlias}
 *
 * Specification: Client-Server API, Room summaries. Element X and Web also ask at the path of the proposal (MSC3266).
 */
import { resolveRoom } from '../../queries/room-aliases.js';
import { roomSummary } from '../../queries/room-summary.js';
import { defineRoute, unstable, v1, type Route } from '../route.js';
import { upToDate, type ClientApi } from './api.js';
import type { GetRoomSummary } from './types.js';

export function roomSummaryRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<GetRoomSummary, 'optional'>({
      module: 'room_summary',
      name: 'getRoomSummary',
      method: 'GET',
      paths: [
        ...v1('/room_summary/{roomIdOrAlias}'),
        ...unstable('im.nheko.summary', '/summary/{roomIdOrAlias}', '/rooms/{roomIdOrAlias}/summary'),
      ],
      auth: 'optional',
      handler: async ({ params, user }) => {
        const roomId = await resolveRoom(() => upToDate(api), params.roomIdOrAlias);
        return roomSummary(await upToDate(api), user?.userId, roomId);
      },
    }),
  ];
}
