import { MatrixError } from '../protocol/errors.js';
import { isUserId, localpart, newUserId, serverName as serverOf } from '../protocol/identifiers.js';
import { userStream, type ActiveUser, type User } from './aggregates/user.js';
import type { CommandContext, Done } from './command.js';
import { tooMany } from './limits.js';
import { checkPassword } from './passwords.js';
import { deviceIdFor, signedIn } from './registration.js';
import { issueTokens, tokenFields, tokenHash, type IssuedTokens } from './tokens.js';
import type { WriteSide } from './write-side.js';

export interface LoginRequest {
  /** A user ID or its local part. */
  readonly user: string;
  readonly password: string;
  readonly deviceId?: string | undefined;
  readonly displayName?: string | undefined;
  /** Of the access token, in milliseconds; absent where the client cannot refresh it. */
  readonly tokenLifetime?: number | undefined;
}

export interface SignedIn {
  readonly userId: string;
  readonly deviceId: string;
  readonly tokens: IssuedTokens;
}

/** The account that somebody means by a user ID or a local part, in whatever case they typed it. */
export function accountNamed(side: WriteSide, user: string): string | undefined {
  const { serverName } = side.ports;
  if (!user.startsWith('@')) return newUserId(user, serverName);
  return isUserId(user) && serverOf(user) === serverName ? newUserId(localpart(user), serverName) : undefined;
}

/**
 * `POST /login` with a password. The answer and its time are the same for a wrong password and for an account
 * that does not exist (specification: Client-Server API, Login).
 *
 * @throws MatrixError M_FORBIDDEN, M_USER_DEACTIVATED
 */
export async function login(
  side: WriteSide,
  request: LoginRequest,
  context: CommandContext,
): Promise<Done<SignedIn>> {
  const userId = accountNamed(side, request.user);
  const account: User = userId === undefined ? { kind: 'absent' } : await side.user(userId);
  const isRight = await checkPassword(
    account.kind === 'active' ? account.passwordHash : undefined,
    request.password,
  );
  if (userId === undefined || !isRight)
    throw new MatrixError('M_FORBIDDEN', 'The user name or the password is wrong.');
  const deviceId = deviceIdFor(side, request.deviceId);
  const tokens = issueTokens(side.ports.random, userId, request.tokenLifetime);
  return side.users.handle(userStream(userId), context, (user) => {
    const { devices } = requireActive(user);
    const { devices: most } = side.limits;
    if (devices.size >= most && !devices.has(deviceId)) {
      throw tooMany(`This account has ${most} sessions, and can have no more: end some that are not used.`);
    }
    const record = signedIn(deviceId, request.displayName, tokens, context.now);
    return { records: [record], result: { userId, deviceId, tokens } };
  });
}

/** Whether this is the account's password: for user-interactive authentication. */
export async function isPasswordOf(side: WriteSide, userId: string, password: string): Promise<boolean> {
  const user = await side.user(userId);
  return checkPassword(user.kind === 'active' ? user.passwordHash : undefined, password);
}

/**
 * `POST /refresh`: trades a refresh token for new tokens. It can be traded in again as long as what was given for it
 * is not in use, since the answer may have been lost (Client-Server API, Refreshing access tokens). Any other token
 * that was traded in before is in two hands, of which one is a thief's: the device is signed out.
 *
 * @param userId whose token it is, found by its hash
 * @param tokenLifetime of the access token, in milliseconds
 * @returns no tokens for a token that is not valid, or not any more
 */
export async function refresh(
  side: WriteSide,
  userId: string,
  refreshToken: string,
  tokenLifetime: number,
  context: CommandContext,
): Promise<Done<IssuedTokens | undefined>> {
  const handed = tokenHash(refreshToken);
  const tokens = issueTokens(side.ports.random, userId, tokenLifetime);
  return side.users.handle<IssuedTokens | undefined>(userStream(userId), context, (user) => {
    if (user.kind !== 'active') return { records: [], result: undefined };
    for (const [deviceId, device] of user.devices.entries()) {
      const wasLast = device.usedRefreshTokens.at(-1) === handed;
      if (device.refreshTokenHash === handed || (wasLast && !device.isAccessTokenUsed)) {
        const fields = tokenFields(tokens, context.now);
        const data = {
          device_id: deviceId,
          used_refresh_token_hash: handed,
          ...fields,
          refresh_token_hash: fields.refresh_token_hash ?? '',
        };
        return {
          records: [{ type: 'device.tokens.refreshed', version: 1, data }],
          result: tokens,
        };
      }
      if (device.usedRefreshTokens.includes(handed)) {
        const data = { device_ids: [deviceId] };
        return {
          records: [{ type: 'device.deleted', version: 1, data }],
          result: undefined,
        };
      }
    }
    return { records: [], result: undefined };
  });
}

/**
 * The first request with an access token: whoever traded a refresh token for it has it, and nobody may trade that
 * again. A fact, so that a restart does not make it forgotten. Nothing is recorded where no refresh token was traded.
 */
export function noteTokenUse(
  side: WriteSide,
  userId: string,
  deviceId: string,
  accessTokenHash: string,
  context: CommandContext,
): Promise<Done<undefined>> {
  return side.users.handle(userStream(userId), context, (user) => {
    const device = user.kind === 'active' ? user.devices.get(deviceId) : undefined;
    const isNews =
      device?.accessTokenHash === accessTokenHash &&
      device.usedRefreshTokens.length > 0 &&
      !device.isAccessTokenUsed;
    const data = { device_id: deviceId, access_token_hash: accessTokenHash };
    return {
      records: isNews ? [{ type: 'device.tokens.used', version: 1, data }] : [],
      result: undefined,
    };
  });
}

/** @throws MatrixError M_USER_DEACTIVATED, M_UNKNOWN_TOKEN */
export function requireActive(user: User): ActiveUser {
  if (user.kind === 'active') return user;
  if (user.kind === 'deactivated')
    throw new MatrixError('M_USER_DEACTIVATED', 'This account has been closed.');
  throw new MatrixError('M_UNKNOWN_TOKEN', 'There is no such account.');
}
