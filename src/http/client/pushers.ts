/**
 * GET /_matrix/client/v3/pushers
 *
 * Specification: Client-Server API, Push Notifications. Clients ask for their pushers at their start; since none can
 * be set up, nobody has any.
 */
import { defineRoute, v3, type Route } from '../route.js';
import type { GetPushers } from './types.js';

export function pushersRoutes(): Route[] {
  return [
    defineRoute<GetPushers>({
      module: 'pushers',
      name: 'getPushers',
      method: 'GET',
      paths: v3('/pushers'),
      auth: 'required',
      handler: () => ({ pushers: [] }),
    }),
  ];
}
