/**
 * GET, POST /_matrix/client/v3/login
 * POST /_matrix/client/v3/refresh
 * POST /_matrix/client/v3/logout
 * POST /_matrix/client/v3/logout/all
 *
 * Specification: Client-Server API, Login; Refreshing access tokens; Identifier types.
 */
import { deleteAllDevices, deleteDevices } from '../../commands/devices.js';
import { accountNamed, login, refresh } from '../../commands/login.js';
import { MatrixError } from '../../protocol/errors.js';
import { tokenHash } from '../../commands/tokens.js';
import { defineRoute, v3, type Route } from '../route.js';
import { commandContext, doneWithTokens, type ClientApi } from './api.js';
import { signedInAnswer, tokenAnswer } from './signed-in.js';
import type { GetLoginFlows, Login, Logout, LogoutAll, Refresh } from './types.js';

export function loginRoutes(api: ClientApi): Route[] {
  const { settings, write } = api;
  const wellKnown = settings.baseurlConfigured
    ? { well_known: { 'm.homeserver': { base_url: settings.publicBaseurl } } }
    : {};
  return [
    defineRoute<GetLoginFlows, 'none'>({
      module: 'login',
      name: 'getLoginFlows',
      method: 'GET',
      paths: v3('/login'),
      auth: 'none',
      handler: () => ({ flows: [{ type: 'm.login.password' }] }),
    }),
    defineRoute<Login, 'none'>({
      module: 'login',
      name: 'login',
      method: 'POST',
      paths: v3('/login'),
      auth: 'none',
      handler: async (request) => {
        const { body } = request;
        if (body.type !== 'm.login.password') {
          throw new MatrixError('M_UNKNOWN', 'This server does not know this type of login.', {
            status: 400,
          });
        }
        const user = userOf(body);
        if (body.password === undefined) throw new MatrixError('M_MISSING_PARAM', 'The body lacks password.');
        const wish = {
          user,
          password: body.password,
          deviceId: body.device_id ?? undefined,
          displayName: body.initial_device_display_name ?? undefined,
          tokenLifetime: body.refresh_token === true ? settings.tokenLifetime : undefined,
        };
        // A device that signs in again has new tokens, and its old ones are void.
        const session = await api.loginAttempts.checked(
          accountNamed(write, user) ?? user,
          request.address,
          () => doneWithTokens(api, login(write, wish, commandContext(api, request))),
        );
        return { ...signedInAnswer(session, settings), ...wellKnown };
      },
    }),
    defineRoute<Refresh, 'none'>({
      module: 'login',
      name: 'refresh',
      method: 'POST',
      paths: v3('/refresh'),
      auth: 'none',
      handler: async (request) => {
        const token = request.body.refresh_token;
        const userId = await api.sessions.ownerOfRefreshToken(tokenHash(token));
        if (userId === undefined) throw unknownRefreshToken();
        const context = commandContext(api, request);
        const { tokenLifetime } = settings;
        const tokens = await doneWithTokens(api, refresh(write, userId, token, tokenLifetime, context));
        if (tokens === undefined) throw unknownRefreshToken();
        return tokenAnswer(tokens);
      },
    }),
    defineRoute<Logout, 'required-or-guest'>({
      module: 'login',
      name: 'logout',
      method: 'POST',
      paths: v3('/logout'),
      auth: 'required-or-guest',
      handler: async (request) => {
        const { userId, deviceId } = request.user;
        await doneWithTokens(api, deleteDevices(write, userId, [deviceId], commandContext(api, request)));
        return {};
      },
    }),
    defineRoute<LogoutAll, 'required-or-guest'>({
      module: 'login',
      name: 'logout_all',
      method: 'POST',
      paths: v3('/logout/all'),
      auth: 'required-or-guest',
      handler: async (request) => {
        const context = commandContext(api, request);
        await doneWithTokens(api, deleteAllDevices(write, request.user.userId, context));
        return {};
      },
    }),
  ];
}

/** Whom a login is for: a user ID or its local part. No account here has an address or a telephone number. */
function userOf({ identifier, user, medium }: Login['body']): string {
  if (identifier === undefined) {
    if (user !== undefined) return user;
    if (medium !== undefined) throw noSuchAddress();
    throw new MatrixError('M_MISSING_PARAM', 'The body lacks identifier.');
  }
  switch (identifier.type) {
    case 'm.id.user':
      if (identifier.user === undefined) {
        throw new MatrixError('M_MISSING_PARAM', 'The identifier lacks user.');
      }
      return identifier.user;
    case 'm.id.thirdparty':
    case 'm.id.phone':
      throw noSuchAddress();
    default:
      throw new MatrixError('M_UNKNOWN', 'This server does not know this type of identifier.', {
        status: 400,
      });
  }
}

function noSuchAddress(): MatrixError {
  return new MatrixError('M_FORBIDDEN', 'Nobody can log in here by an address or a telephone number.');
}

function unknownRefreshToken(): MatrixError {
  return new MatrixError('M_UNKNOWN_TOKEN', 'This refresh token is not valid, or not any more.');
}
