/**
 * POST /_matrix/client/v3/rooms/{roomId}/receipt/{receiptType}/{eventId}
 *
 * Specification: Client-Server API, Receipts.
 */
import { postReceipts } from '../../commands/receipts.js';
import { defineRoute, v3, type Route } from '../route.js';
import { commandContext, done, type ClientApi } from './api.js';
import type { PostReceipt } from './types.js';

export function receiptsRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<PostReceipt, 'required-or-guest'>({
      module: 'receipts',
      name: 'postReceipt',
      method: 'POST',
      paths: v3('/rooms/{roomId}/receipt/{receiptType}/{eventId}'),
      auth: 'required-or-guest',
      handler: async (request) => {
        const { params, user, body } = request;
        const { roomId, receiptType: type, eventId } = params;
        const receipt = { type, eventId, threadId: body.thread_id ?? null };
        await done(
          api,
          postReceipts(api.write, user.userId, roomId, [receipt], commandContext(api, request)),
        );
        return {};
      },
    }),
  ];
}
