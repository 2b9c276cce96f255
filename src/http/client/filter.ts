/**
 * POST /_matrix/client/v3/user/{userId}/filter
 * GET /_matrix/client/v3/user/{userId}/filter/{filterId}
 *
 * Specification: Client-Server API, Filtering, API endpoints.
 */
import { createFilter } from '../../commands/filters.js';
import { MatrixError } from '../../protocol/errors.js';
import { compileFilter } from '../../protocol/filters.js';
import type { JsonObject } from '../../protocol/json.js';
import { storedFilter } from '../../queries/filters.js';
import { defineRoute, v3, type Route } from '../route.js';
import { commandContext, done, requireSelf, upToDate, type ClientApi } from './api.js';
import type { DefineFilter, GetFilter } from './types.js';

export function filterRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<DefineFilter>({
      module: 'filter',
      name: 'defineFilter',
      method: 'POST',
      paths: v3('/user/{userId}/filter'),
      auth: 'required',
      handler: async (request) => {
        const { userId } = request.params;
        requireSelf(request, userId);
        const filter = request.body as JsonObject;
        // What cannot be used is refused now, and not at every sync.
        compileFilter(filter);
        return done(api, createFilter(api.write, userId, filter, commandContext(api, request)));
      },
    }),
    defineRoute<GetFilter>({
      module: 'filter',
      name: 'getFilter',
      method: 'GET',
      paths: v3('/user/{userId}/filter/{filterId}'),
      auth: 'required',
      handler: async (request) => {
        const { userId, filterId } = request.params;
        requireSelf(request, userId);
        const filter = await storedFilter(await upToDate(api), userId, filterId);
        if (filter === undefined) throw new MatrixError('M_NOT_FOUND', 'You have no filter with this ID.');
        return filter;
      },
    }),
  ];
}
