/**
 * POST /_matrix/client/v3/user_directory/search
 *
 * Specification: Client-Server API, User Directory.
 */
import { searchUsers } from '../../queries/user-directory.js';
import { defineRoute, v3, type Route } from '../route.js';
import { upToDate, type ClientApi } from './api.js';
import type { SearchUserDirectory } from './types.js';

const DEFAULT_LIMIT = 10;

export function userDirectoryRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<SearchUserDirectory>({
      module: 'user_directory',
      name: 'searchUserDirectory',
      method: 'POST',
      paths: v3('/user_directory/search'),
      auth: 'required',
      handler: async ({ user, body }) =>
        searchUsers(await upToDate(api), user.userId, body.search_term, body.limit ?? DEFAULT_LIMIT),
    }),
  ];
}
