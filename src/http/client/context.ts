/**
 * GET /_matrix/client/v3/rooms/{roomId}/context/{eventId}
 *
 * Specification: Client-Server API, Event Context.
 */
import { eventContext } from '../../queries/context.js';
import { JsonText } from '../response.js';
import { defineRoute, v3, type Route } from '../route.js';
import { upToDate, viewerOf, type ClientApi } from './api.js';
import { eventFilterOf } from './event-filter.js';
import type { GetEventContext } from './types.js';

export function contextRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<GetEventContext, 'required-or-guest'>({
      module: 'context',
      name: 'getEventContext',
      method: 'GET',
      paths: v3('/rooms/{roomId}/context/{eventId}'),
      auth: 'required-or-guest',
      handler: async ({ params, query, user }) => {
        const request = { ...params, limit: query.limit, filter: eventFilterOf(query.filter) };
        return new JsonText(await eventContext(await upToDate(api), viewerOf(user), request));
      },
    }),
  ];
}
