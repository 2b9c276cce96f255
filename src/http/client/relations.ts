/**
 * GET /_matrix/client/v1/rooms/{roomId}/relations/{eventId}[/{relType}[/{eventType}]]
 *
 * Specification: Client-Server API, Relationships API.
 */
import { relations } from '../../queries/relations.js';
import { JsonText } from '../response.js';
import { defineRoute, v1, type Route } from '../route.js';
import { upToDate, viewerOf, type ClientApi } from './api.js';
import type {
  GetRelatingEvents,
  GetRelatingEventsWithRelType,
  GetRelatingEventsWithRelTypeAndEventType,
} from './types.js';

const PATH = '/rooms/{roomId}/relations/{eventId}';

export function relationsRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<GetRelatingEvents>({
      module: 'relations',
      name: 'getRelatingEvents',
      method: 'GET',
      paths: v1(PATH),
      auth: 'required',
      handler: (request) => answer(api, request),
    }),
    defineRoute<GetRelatingEventsWithRelType>({
      module: 'relations',
      name: 'getRelatingEventsWithRelType',
      method: 'GET',
      paths: v1(`${PATH}/{relType}`),
      auth: 'required',
      handler: (request) => answer(api, request),
    }),
    defineRoute<GetRelatingEventsWithRelTypeAndEventType>({
      module: 'relations',
      name: 'getRelatingEventsWithRelTypeAndEventType',
      method: 'GET',
      paths: v1(`${PATH}/{relType}/{eventType}`),
      auth: 'required',
      handler: (request) => answer(api, request),
    }),
  ];
}

async function answer(
  api: ClientApi,
  request: {
    readonly params: GetRelatingEvents['params'] & { readonly relType?: string; readonly eventType?: string };
    readonly query: GetRelatingEvents['query'];
    readonly user: { readonly userId: string; readonly deviceId: string };
  },
): Promise<JsonText> {
  const { params, query, user } = request;
  const { roomId, eventId, relType, eventType } = params;
  const { from, to, limit, dir, recurse } = query;
  const wish = { roomId, eventId, relType, eventType, from, to, limit, backwards: dir === 'b', recurse };
  return new JsonText(await relations(await upToDate(api), viewerOf(user), wish));
}
