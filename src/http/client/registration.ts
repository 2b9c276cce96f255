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
  userIdFor,
  type Registration,
} from '../../commands/registration.js';
import { MatrixError } from '../../protocol/errors.js';
import { tokenHash } from '../../commands/tokens.js';
import { defineRoute, v1, v3, type Context, type Route } from '../route.js';
import { commandContext, done, doneWithTokens, type ClientApi } from './api.js';
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
  const { settings } = api;
  const earlier = api.userInteractive.earlierAnswer(request);
  if (earlier !== undefined) return earlier;
  // Before authentication begins: nobody wants to hear only after it that the name is taken.
  await nameFor(api, request.body);
  const flow = settings.registration.requireToken ? 'm.login.registration_token' : 'm.login.dummy';
  const { body, registrationToken, end } = await api.userInteractive.require(request, [[flow]]);
  if (body.password === undefined) {
    throw new MatrixError('M_MISSING_PARAM', 'An account takes a password.');
  }
  const isSpent = registrationToken !== undefined && !configuredTokens(settings)(registrationToken);
  const answer = await signUp(api, request, {
    ...(await nameFor(api, body)),
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
  end(answer);
  return answer;
}

/**
 * The name of a new account, if it is free; or the guest whose account becomes a full one (specification: Guest
 * Access): theirs is the token, and the name is their own.
 *
 * @throws MatrixError M_USER_IN_USE, M_INVALID_USERNAME; M_FORBIDDEN for a token that is not of the guest with that name
 */
async function nameFor(
  api: ClientApi,
  { username, guest_access_token: token }: Pick<Register['body'], 'username' | 'guest_access_token'>,
): Promise<Pick<Registration, 'username' | 'upgrading'>> {
  if (token === undefined) {
    if (username !== undefined) await checkAvailable(api.write, username);
    return { username };
  }
  const guest = await api.sessions.byAccessToken(tokenHash(token), token);
  const isOwn = username === undefined || guest?.user_id === userIdFor(api.write, username);
  if (guest?.kind === 'guest' && isOwn) return { upgrading: guest.user_id };
  throw new MatrixError('M_FORBIDDEN', 'This is not the access token of the guest with that name.');
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
  const registering = register(api.write, registration, commandContext(api, request));
  // Only the tokens of a guest who makes a full account end with it.
  const isNew = registration.upgrading === undefined;
  const registered = await (isNew ? done(api, registering) : doneWithTokens(api, registering));
  return signedInAnswer(registered, api.settings);
}

function requireEnabled({ settings }: ClientApi): void {
  if (settings.registration.enabled) return;
  throw new MatrixError(
    'M_FORBIDDEN',
    'Registration is closed on this server: ask who runs it for an account.',
  );
}
