/**
 * GET, PUT /_matrix/client/v3/presence/{userId}/status
 *
 * Specification: Client-Server API, Presence.
 */
import { presenceFor } from '../../queries/presence.js';
import { defineRoute, v3, type Route } from '../route.js';
import { requireSelf, upToDate, type ClientApi } from './api.js';
import type { GetPresence, SetPresence } from './types.js';

export function presenceRoutes(api: ClientApi): Route[] {
  const paths = v3('/presence/{userId}/status');
  return [
    defineRoute<GetPresence>({
      module: 'presence',
      name: 'getPresence',
      method: 'GET',
      paths,
      auth: 'required',
      handler: async ({ user, params }) => presenceFor(await upToDate(api), user.userId, params.userId),
    }),
    defineRoute<SetPresence>({
      module: 'presence',
      name: 'setPresence',
      method: 'PUT',
      paths,
      auth: 'required',
      handler: (request) => {
        const { userId } = request.params;
        requireSelf(request, userId);
        const { presence, status_msg: message } = request.body;
        api.read.presence.set(userId, presence, message ?? undefined);
        return {};
      },
    }),
  ];
}
