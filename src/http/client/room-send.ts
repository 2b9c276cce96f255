/**
 * PUT /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}
 * POST /_matrix/client/v3/rooms/{roomId}/send/{eventType}
 *
 * Specification: Client-Server API, Sending events to a room; Transaction identifiers; Event annotations and reactions.
 */
import { sendEvent } from '../../commands/room-send.js';
import { annotates, refuseSecondAnnotation } from '../../queries/annotations.js';
import { defineRoute, v3, type Context, type Route } from '../route.js';
import { commandContext, done, upToDate, viewerOf, type ClientApi } from './api.js';
import type { SendMessage, SendMessageOnce } from './types.js';

export function roomSendRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<SendMessage, 'required-or-guest'>({
      module: 'room_send',
      name: 'sendMessage',
      method: 'PUT',
      paths: v3('/rooms/{roomId}/send/{eventType}/{txnId}'),
      auth: 'required-or-guest',
      handler: (request) => send(api, request, request.params.txnId),
    }),
    // Not in the specification any more, and not idempotent: old clients and scripts send by it, and servers go on
    // answering them.
    defineRoute<SendMessageOnce, 'required-or-guest'>({
      module: 'room_send',
      name: 'sendMessageOnce',
      method: 'POST',
      paths: v3('/rooms/{roomId}/send/{eventType}'),
      auth: 'required-or-guest',
      handler: (request) => send(api, request, undefined),
    }),
  ];
}

async function send(
  api: ClientApi,
  request: Context<SendMessageOnce, 'required-or-guest'>,
  transactionId: string | undefined,
): Promise<object> {
  const { params, user, body, looseNumbers } = request;
  const message = { type: params.eventType, content: body, transactionId, looseNumbers };
  if (annotates(body)) {
    await refuseSecondAnnotation(await upToDate(api), viewerOf(user), params.roomId, message);
  }
  return done(api, sendEvent(api.write, user, params.roomId, message, commandContext(api, request)));
}
