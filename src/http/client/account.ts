/**
 * GET /_matrix/client/v3/account/whoami
 * POST /_matrix/client/v3/account/password
 * POST /_matrix/client/v3/account/deactivate
 * GET /_matrix/client/v3/account/3pid
 *
 * Specification: Client-Server API, Account registration and management; Current account information; Adding Account
 * Administrative Contact Information.
 */
import { changePassword, deactivate } from '../../commands/account.js';
import { MatrixError } from '../../protocol/errors.js';
import { defineRoute, v3, type Route } from '../route.js';
import { commandContext, doneWithTokens, type ClientApi } from './api.js';
import type { ChangePassword, DeactivateAccount, GetAccount3PIDs, GetTokenOwner } from './types.js';

const BY_PASSWORD = [['m.login.password']];

export function accountRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<GetTokenOwner, 'required-or-guest'>({
      module: 'account',
      name: 'getTokenOwner',
      method: 'GET',
      paths: v3('/account/whoami'),
      auth: 'required-or-guest',
      handler: ({ user }) => ({
        user_id: user.userId,
        device_id: user.deviceId,
        is_guest: user.kind === 'guest',
      }),
    }),
    defineRoute<ChangePassword>({
      module: 'account',
      name: 'changePassword',
      method: 'POST',
      paths: v3('/account/password'),
      auth: 'required',
      handler: async (request) => {
        const { body, end } = await api.userInteractive.require(request, BY_PASSWORD);
        const { new_password: password, logout_devices: logoutDevices = true } = body;
        if (password === undefined) throw new MatrixError('M_MISSING_PARAM', 'The body lacks new_password.');
        const { userId, deviceId } = request.user;
        const options = { logoutDevices, keepDevice: deviceId };
        const context = commandContext(api, request);
        await doneWithTokens(api, changePassword(api.write, userId, password, options, context));
        end();
        return {};
      },
    }),
    defineRoute<DeactivateAccount>({
      module: 'account',
      name: 'deactivateAccount',
      method: 'POST',
      paths: v3('/account/deactivate'),
      auth: 'required',
      handler: async (request) => {
        const { body, end } = await api.userInteractive.require(request, BY_PASSWORD);
        const context = commandContext(api, request);
        await doneWithTokens(api, deactivate(api.write, request.user.userId, body.erase === true, context));
        end();
        // Nothing is bound to an identity server, so nothing is left there.
        return { id_server_unbind_result: 'success' };
      },
    }),
    defineRoute<GetAccount3PIDs>({
      module: 'account',
      name: 'getAccount3PIDs',
      method: 'GET',
      paths: v3('/account/3pid'),
      auth: 'required',
      // Accounts have no addresses or telephone numbers here.
      handler: () => ({ threepids: [] }),
    }),
  ];
}
