/**
 * GET /_matrix/client/v1/rooms/{roomId}/threads
 *
 * Specification: Client-Server API, Threading, Querying threads in a room.
 */
import { threadRoots } from '../../queries/threads.js';
import { JsonText } from '../response.js';
import { defineRoute, v1, type Route } from '../route.js';
import { upToDate, viewerOf, type ClientApi } from './api.js';
import type { GetThreadRoots } from './types.js';

export function threadsRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<GetThreadRoots>({
      module: 'threads',
      name: 'getThreadRoots',
      method: 'GET',
      paths: v1('/rooms/{roomId}/threads'),
      auth: 'required',
      handler: async ({ params, query, user }) => {
        const { include, limit, from } = query;
        const request = { roomId: params.roomId, participated: include === 'participated', limit, from };
        return new JsonText(await threadRoots(await upToDate(api), viewerOf(user), request));
      },
    }),
  ];
}
