/**
 * POST /_matrix/client/v3/rooms/{roomId}/read_markers
 *
 * Specification: Client-Server API, Fully read markers.
 */
import { postReceipts } from '../../commands/receipts.js';
import { defineRoute, v3, type Route } from '../route.js';
import { commandContext, done, type ClientApi } from './api.js';
import type { SetReadMarker } from './types.js';

const TYPES = ['m.fully_read', 'm.read', 'm.read.private'] as const;

export function readMarkersRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<SetReadMarker, 'required-or-guest'>({
      module: 'read_markers',
      name: 'setReadMarker',
      method: 'POST',
      paths: v3('/rooms/{roomId}/read_markers'),
      auth: 'required-or-guest',
      handler: async (request) => {
        const { params, user, body } = request;
        const receipts = TYPES.flatMap((type) => {
          const eventId = body[type];
          return eventId === undefined ? [] : [{ type, eventId, threadId: null }];
        });
        const context = commandContext(api, request);
        await done(api, postReceipts(api.write, user.userId, params.roomId, receipts, context));
        return {};
      },
    }),
  ];
}
