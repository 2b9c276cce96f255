/**
 * PUT /_matrix/client/v3/rooms/{roomId}/redact/{eventId}/{txnId}
 *
 * Specification: Client-Server API, Redactions.
 */
import { redactEvent } from '../../commands/room-send.js';
import { defineRoute, v3, type Route } from '../route.js';
import { commandContext, done, type ClientApi } from './api.js';
import type { RedactEvent } from './types.js';

export function redactionRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<RedactEvent, 'required-or-guest'>({
      module: 'redaction',
      name: 'redactEvent',
      method: 'PUT',
      paths: v3('/rooms/{roomId}/redact/{eventId}/{txnId}'),
      // Guests may send events, so they may take back their own.
      auth: 'required-or-guest',
      handler: (request) => {
        const { params, user, body } = request;
        const redaction = {
          target: params.eventId,
          content: body.reason === undefined ? {} : { reason: body.reason },
          transactionId: params.txnId,
        };
        const context = commandContext(api, request);
        return done(api, redactEvent(api.write, user, params.roomId, redaction, context));
      },
    }),
  ];
}
