/**
 * POST /_matrix/client/v3/register
 * GET /_matrix/client/v3/register/available
 * GET /_matrix/client/v1/register/m.login.registration_token/validity
 *
 * Specification: Client-Server API, Account registration and management; Token-authenticated registration; Guest
 * Access.
 */
import {
  checkAvailable,
  isRegistrationTokenValid,
  register,
  type Registration,
} from '../../commands/registration.js';
import { MatrixError } from '../../protocol/errors.js';
import { defineRoute, v1, v3, type Context, type Route } from '../route.js';
import { commandContext, done, type ClientApi } from './api.js';
import { configuredTokens } from './client-api.js';
import { signedInAnswer } from './signed-in.js';
import type { CheckUsernameAvailability, Register, RegistrationTokenValidity } from './types.js';

export function registrationRoutes(api: ClientApi): Route[] {
  const { settings, write } = api;
  const isConfigured = configuredTokens(settings);
  return [
    defineRoute<Register, 'none'>({
      module: 'registration',
      name: 'register',
      method: 'POST',
      paths: v3('/register'),
      auth: 'none',
      handler: (request) =>
        request.query.kind === 'guest' ? registerGuest(api, request) : registerUser(api, request),
    }),
    defineRoute<CheckUsernameAvailability, 'none'>({
      module: 'registration',
      name: 'checkUsernameAvailability',
      method: 'GET',
      paths: v3('/register/available'),
      auth: 'none',
      handler: async ({ query }) => {
        requireEnabled(api);
        await checkAvailable(write, query.username);
        return { available: true };
      },
    }),
    defineRoute<RegistrationTokenValidity, 'none'>({
      module: 'registration',
      name: 'registrationTokenValidity',
      method: 'GET',
      paths: v1('/register/m.login.registration_token/validity'),
      auth: 'none',
      handler: async (request) => {
        requireEnabled(api);
        const { token } = request.query;
        const valid =
          isConfigured(token) || (await isRegistrationTokenValid(write, token, commandContext(api, request)));
        return { valid };
      },
    }),
  ];
}

async function registerUser(api: ClientApi, request: Context<Register, 'none'>): Promise<object> {
  requireEnabled(api);
  const { settings, write } = api;
  // Before authentication begins: nobody wants to hear only after it that the name is taken.
  const { username } = request.body;
  if (username !== undefined) await checkAvailable(write, username);
  const flow = settings.registration.requireToken ? 'm.login.registration_token' : 'm.login.dummy';
  const { body, registrationToken, end } = await api.userInteractive.require(request, [[flow]]);
  if (body.password === undefined) {
    throw new MatrixError('M_MISSING_PARAM', 'An account takes a password.');
  }
  const isSpent = registrationToken !== undefined && !configuredTokens(settings)(registrationToken);
  const answer = await signUp(api, request, {
    username: body.username,
    password: body.password,
    kind: 'user',
    method: registrationToken === undefined ? 'open' : 'token',
    ...(isSpent ? { token: registrationToken } : {}),
    ...(body.inhibit_login === true
      ? {}
      : {
          device: {
            id: body.device_id ?? undefined,
            displayName: body.initial_device_display_name ?? undefined,
            tokenLifetime: body.refresh_token === true ? settings.tokenLifetime : undefined,
          },
        }),
  });
  end();
  return answer;
}

/** A guest's account has no name or password of its own: of the body only the device's display name counts. */
function registerGuest(api: ClientApi, request: Context<Register, 'none'>): Promise<object> {
  if (!api.settings.registration.allowGuests) {
    throw new MatrixError('M_GUEST_ACCESS_FORBIDDEN', 'This server does not let guests in.');
  }
  const displayName = request.body.initial_device_display_name ?? undefined;
  const device = { displayName };
  return signUp(api, request, { kind: 'guest', method: 'guest', device });
}

async function signUp(
  api: ClientApi,
  request: Context<Register, 'none'>,
  registration: Registration,
): Promise<object> {
  const registered = await done(api, register(api.write, registration, commandContext(api, request)));
  return signedInAnswer(registered, api.settings);
}

function requireEnabled({ settings }: ClientApi): void {
  if (settings.registration.enabled) return;
  throw new MatrixError(
    'M_FORBIDDEN',
    'Registration is closed on this server: ask who runs it for an account.',
  );
}
