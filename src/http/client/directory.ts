/**
 * GET, PUT, DELETE /_matrix/client/v3/directory/room/{roomAlias},
 * GET /_matrix/client/v3/rooms/{roomId}/aliases,
 * GET, PUT /_matrix/client/v3/directory/list/room/{roomId},
 * GET, POST /_matrix/client/v3/publicRooms
 *
 * Specification: Client-Server API, Room aliases; Published room directory.
 */
import { createAlias, deleteAlias, setVisibility } from '../../commands/directory.js';
import { MatrixError } from '../../protocol/errors.js';
import { publicRooms } from '../../queries/public-rooms.js';
import { aliasesOf, isListed, roomIdOf } from '../../queries/room-aliases.js';
import { readingLimit } from '../../queries/room-history.js';
import { defineRoute, v3, type Route } from '../route.js';
import { commandContext, done, upToDate, type ClientApi } from './api.js';
import type {
  DeleteRoomAlias,
  GetLocalAliases,
  GetPublicRooms,
  GetRoomIdByAlias,
  GetRoomVisibilityOnDirectory,
  QueryPublicRooms,
  SetRoomAlias,
  SetRoomVisibilityOnDirectory,
} from './types.js';

const MODULE = 'directory';

export function directoryRoutes(api: ClientApi): Route[] {
  return [...aliasRoutes(api), ...listingRoutes(api), ...publicRoomsRoutes(api)];
}

function aliasRoutes(api: ClientApi): Route[] {
  const paths = v3('/directory/room/{roomAlias}');
  return [
    defineRoute<GetRoomIdByAlias, 'none'>({
      module: MODULE,
      name: 'getRoomIdByAlias',
      method: 'GET',
      paths,
      auth: 'none',
      handler: async ({ params }) => ({
        room_id: await roomIdOf(await upToDate(api), params.roomAlias),
        servers: [api.settings.serverName],
      }),
    }),
    defineRoute<SetRoomAlias>({
      module: MODULE,
      name: 'setRoomAlias',
      method: 'PUT',
      paths,
      auth: 'required',
      handler: async (request) => {
        const { params, body, user } = request;
        const context = commandContext(api, request);
        await done(api, createAlias(api.write, params.roomAlias, body.room_id, user.userId, context));
        return {};
      },
    }),
    defineRoute<DeleteRoomAlias>({
      module: MODULE,
      name: 'deleteRoomAlias',
      method: 'DELETE',
      paths,
      auth: 'required',
      handler: async (request) => {
        const { params, user } = request;
        await done(api, deleteAlias(api.write, params.roomAlias, user.userId, commandContext(api, request)));
        return {};
      },
    }),
    defineRoute<GetLocalAliases>({
      module: MODULE,
      name: 'getLocalAliases',
      method: 'GET',
      paths: v3('/rooms/{roomId}/aliases'),
      auth: 'required',
      handler: async ({ params, user }) => {
        const side = await upToDate(api);
        await readingLimit(side, user.userId, params.roomId);
        return { aliases: await aliasesOf(side, params.roomId) };
      },
    }),
  ];
}

function listingRoutes(api: ClientApi): Route[] {
  const paths = v3('/directory/list/room/{roomId}');
  return [
    defineRoute<GetRoomVisibilityOnDirectory, 'none'>({
      module: MODULE,
      name: 'getRoomVisibilityOnDirectory',
      method: 'GET',
      paths,
      auth: 'none',
      handler: async ({ params }) => ({
        visibility: (await isListed(await upToDate(api), params.roomId)) ? 'public' : 'private',
      }),
    }),
    defineRoute<SetRoomVisibilityOnDirectory>({
      module: MODULE,
      name: 'setRoomVisibilityOnDirectory',
      method: 'PUT',
      paths,
      auth: 'required',
      handler: async (request) => {
        const { params, user } = request;
        const { visibility = 'public' } = request.body;
        const context = commandContext(api, request);
        await done(api, setVisibility(api.write, params.roomId, visibility, user.userId, context));
        return {};
      },
    }),
  ];
}

function publicRoomsRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<GetPublicRooms, 'optional'>({
      module: MODULE,
      name: 'getPublicRooms',
      method: 'GET',
      paths: v3('/publicRooms'),
      auth: 'optional',
      handler: async ({ query, user }) => {
        if (user === undefined && !api.settings.roomListWithoutAuth) {
          throw new MatrixError('M_MISSING_TOKEN', 'The room list of this server needs an access token.');
        }
        requireOurs(api, query.server);
        const { limit, since } = query;
        const wish = { limit, since, searchTerm: undefined, roomTypes: undefined };
        return publicRooms(await upToDate(api), wish);
      },
    }),
    defineRoute<QueryPublicRooms, 'required-or-guest'>({
      module: MODULE,
      name: 'queryPublicRooms',
      method: 'POST',
      paths: v3('/publicRooms'),
      // Guests come to look for rooms that they may join.
      auth: 'required-or-guest',
      handler: async ({ query, body }) => {
        requireOurs(api, query.server);
        const { limit, since, filter, third_party_instance_id: network } = body;
        // There are no bridges to other networks here, so their lists are empty.
        if (network !== undefined && network !== null && network !== '') {
          return { chunk: [], total_room_count_estimate: 0 };
        }
        const searchTerm = filter?.generic_search_term ?? undefined;
        const wish = { limit, since, searchTerm, roomTypes: filter?.room_types };
        return publicRooms(await upToDate(api), wish);
      },
    }),
  ];
}

function requireOurs(api: ClientApi, server: string | undefined): void {
  if (server === undefined || server === api.settings.serverName) return;
  throw new MatrixError('M_UNKNOWN', `The room list of ${server} cannot be asked for from here.`, {
    status: 502,
  });
}
