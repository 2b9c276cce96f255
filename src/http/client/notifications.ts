/**
 * GET /_matrix/client/v3/notifications
 *
 * Specification: Client-Server API, Push Notifications, Listing notifications.
 */
import { notificationsOf } from '../../queries/notifications.js';
import { JsonText } from '../response.js';
import { defineRoute, v3, type Route } from '../route.js';
import { upToDate, viewerOf, type ClientApi } from './api.js';
import type { GetNotifications } from './types.js';

export function notificationsRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<GetNotifications>({
      module: 'notifications',
      name: 'getNotifications',
      method: 'GET',
      paths: v3('/notifications'),
      auth: 'required',
      handler: async ({ query, user }) => {
        const { from, limit, only } = query;
        const request = { from, limit, highlights: only === 'highlight' };
        return new JsonText(await notificationsOf(await upToDate(api), viewerOf(user), request));
      },
    }),
  ];
}
