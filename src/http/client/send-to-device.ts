/**
 * PUT /_matrix/client/v3/sendToDevice/{eventType}/{txnId}
 *
 * Specification: Client-Server API, Send-to-Device messaging.
 */
import { sendToDevice } from '../../commands/send-to-device.js';
import { defineRoute, v3, type Route } from '../route.js';
import { commandContext, done, type ClientApi } from './api.js';
import type { SendToDevice } from './types.js';

export function sendToDeviceRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<SendToDevice, 'required-or-guest'>({
      module: 'send_to_device',
      name: 'sendToDevice',
      method: 'PUT',
      paths: v3('/sendToDevice/{eventType}/{txnId}'),
      auth: 'required-or-guest',
      handler: async (request) => {
        const { params, body, user } = request;
        const wish = { type: params.eventType, transactionId: params.txnId, messages: body.messages };
        await done(api, sendToDevice(api.write, user, wish, commandContext(api, request)));
        return {};
      },
    }),
  ];
}
