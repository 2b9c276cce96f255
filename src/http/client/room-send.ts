/**
 * PUT /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}
 *
 * Specification: Client-Server API, Sending events to a room; Transaction identifiers; Event annotations and reactions.
 */
import { sendEvent } from '../../commands/room-send.js';
import { annotates, refuseSecondAnnotation } from '../../queries/annotations.js';
import { defineRoute, v3, type Route } from '../route.js';
import { commandContext, done, upToDate, viewerOf, type ClientApi } from './api.js';
import type { SendMessage } from './types.js';

export function roomSendRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<SendMessage, 'required-or-guest'>({
      module: 'room_send',
      name: 'sendMessage',
      method: 'PUT',
      paths: v3('/rooms/{roomId}/send/{eventType}/{txnId}'),
      auth: 'required-or-guest',
      handler: async (request) => {
        const { params, user, body, looseNumbers } = request;
        const message = {
          type: params.eventType,
          content: body,
          transactionId: params.txnId,
          looseNumbers,
        };
        if (annotates(body)) {
          await refuseSecondAnnotation(await upToDate(api), viewerOf(user), params.roomId, message);
        }
        return done(api, sendEvent(api.write, user, params.roomId, message, commandContext(api, request)));
      },
    }),
  ];
}
