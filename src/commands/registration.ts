import type { RecordBody } from '../log/records.js';
import { MatrixError } from '../protocol/errors.js';
import { isDeviceId, newUserId } from '../protocol/identifiers.js';
import { letters } from '../runtime/random.js';
import { registrationTokenStream } from './aggregates/registration-token.js';
import { userStream, type User } from './aggregates/user.js';
import type { CommandContext, Done } from './command.js';
import { hashPassword } from './passwords.js';
import { issueTokens, tokenFields, tokenHash, type IssuedTokens } from './tokens.js';
import type { WriteSide } from './write-side.js';

/** An account that is wished for. */
export interface Registration {
  /** The local part; absent: one is made up. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly kind: 'user' | 'guest';
  /** The guest who makes a full account of theirs; `username` is then without meaning. */
  readonly upgrading?: string | undefined;
  readonly method: 'open' | 'token' | 'shared_secret' | 'operator' | 'guest';
  readonly admin?: boolean;
  /** The registration token to be spent, where `method` is `token`. */
  readonly token?: string | undefined;
  /** The first device; absent: none is signed in. */
  readonly device?: {
    readonly id?: string | undefined;
    readonly displayName?: string | undefined;
    /** Of its access token, in milliseconds; absent where the client cannot refresh it. */
    readonly tokenLifetime?: number | undefined;
  };
}

export interface Registered {
  readonly userId: string;
  readonly deviceId?: string;
  readonly tokens?: IssuedTokens;
}

/** The user ID for a wished name. @throws MatrixError M_INVALID_USERNAME */
export function userIdFor(side: WriteSide, username: string): string {
  const userId = newUserId(username, side.ports.serverName);
  if (userId === undefined) {
    const rule = 'Use a-z, 0-9 and ._=-/+ in a user name, with at most 255 bytes for the whole user ID.';
    throw new MatrixError('M_INVALID_USERNAME', rule);
  }
  return userId;
}

/** `GET /register/available`. @throws MatrixError M_INVALID_USERNAME, M_USER_IN_USE */
export async function checkAvailable(side: WriteSide, username: string): Promise<void> {
  const user = await side.user(userIdFor(side, username));
  if (user.kind !== 'absent') throw new MatrixError('M_USER_IN_USE', 'This user name is taken.');
}

/**
 * Makes an account, and signs its first device in, in one append (specification: Client-Server API, Account
 * registration). A registration token is spent before, and given back if the account does not come about.
 *
 * @throws MatrixError M_USER_IN_USE, M_INVALID_USERNAME, M_WEAK_PASSWORD, M_INVALID_PARAM, M_UNAUTHORIZED for a void token,
 *   M_FORBIDDEN where who upgrades is no guest
 */
export async function register(
  side: WriteSide,
  registration: Registration,
  context: CommandContext,
): Promise<Done<Registered>> {
  const { random } = side.ports;
  const userId =
    registration.upgrading ??
    userIdFor(side, registration.username ?? generatedName(side, registration.kind));
  const passwordHash =
    registration.password === undefined ? undefined : await hashPassword(registration.password);
  const { device } = registration;
  const deviceId = device === undefined ? undefined : deviceIdFor(side, device.id);
  const tokens = device === undefined ? undefined : issueTokens(random, userId, device.tokenLifetime);
  if (registration.token !== undefined) await spendToken(side, registration.token, userId, context);
  try {
    return await side.users.handle(userStream(userId), context, (user) => {
      const records =
        registration.upgrading === undefined
          ? newAccount(user, userId, registration, passwordHash)
          : upgradedAccount(user, registration, passwordHash);
      if (deviceId !== undefined && tokens !== undefined) {
        records.push(signedIn(deviceId, device?.displayName, tokens, context.now));
      }
      return {
        records,
        result: {
          userId,
          ...(deviceId === undefined ? {} : { deviceId }),
          ...(tokens === undefined ? {} : { tokens }),
        },
      };
    });
  } catch (error) {
    if (registration.token !== undefined && error instanceof MatrixError) {
      await releaseToken(side, registration.token, userId, context);
    }
    throw error;
  }
}

function newAccount(
  user: User,
  userId: string,
  { kind, admin = false, method }: Registration,
  passwordHash: string | undefined,
): RecordBody[] {
  if (user.kind !== 'absent') throw new MatrixError('M_USER_IN_USE', 'This user name is taken.');
  const password = passwordHash === undefined ? {} : { password_hash: passwordHash };
  return [
    { type: 'user.registered', version: 1, data: { user_id: userId, kind, admin, method, ...password } },
  ];
}

/** A guest's account becomes a full one (Client-Server API, Guest Access); its sessions as a guest end. */
function upgradedAccount(
  user: User,
  { method }: Registration,
  passwordHash: string | undefined,
): RecordBody[] {
  if (user.kind !== 'active' || user.account !== 'guest') {
    throw new MatrixError('M_FORBIDDEN', 'This account is no guest’s.');
  }
  const password = passwordHash === undefined ? {} : { password_hash: passwordHash };
  const records: RecordBody[] = [
    {
      type: 'user.upgraded',
      version: 1,
      data: { method: method === 'token' ? 'token' : 'open', ...password },
    },
  ];
  if (user.devices.size > 0) {
    records.push({ type: 'device.deleted', version: 1, data: { device_ids: [...user.devices.keys()] } });
  }
  return records;
}

export function signedIn(
  deviceId: string,
  displayName: string | undefined,
  tokens: IssuedTokens,
  now: number,
): RecordBody {
  const name = displayName === undefined ? {} : { display_name: displayName };
  return {
    type: 'device.signed_in',
    version: 1,
    data: { device_id: deviceId, ...name, ...tokenFields(tokens, now) },
  };
}

/** The device ID that a client wants, or a new one. @throws MatrixError M_INVALID_PARAM */
export function deviceIdFor(side: WriteSide, wish: string | undefined): string {
  if (wish === undefined) return letters(side.ports.random, 10).toUpperCase();
  if (isDeviceId(wish)) return wish;
  throw new MatrixError(
    'M_INVALID_PARAM',
    'This device ID is too long or has characters that are not allowed.',
  );
}

function generatedName(side: WriteSide, kind: 'user' | 'guest'): string {
  const name = letters(side.ports.random, 12).toLowerCase();
  return kind === 'guest' ? `guest-${name}` : name;
}

/** `POST` of an operator: a token by which people can register. */
export function createRegistrationToken(
  side: WriteSide,
  token: string,
  limits: { usesAllowed: number | null; expiresAt: number | null },
  context: CommandContext,
): Promise<Done<undefined>> {
  if (!/^[A-Za-z0-9._~-]{1,64}$/.test(token)) {
    throw new MatrixError(
      'M_INVALID_PARAM',
      'A registration token has 1 to 64 of the characters A-Za-z0-9._~-.',
    );
  }
  const hash = tokenHash(token);
  return side.registrationTokens.handle(registrationTokenStream(hash), context, (current) => {
    if (current.kind !== 'unknown')
      throw new MatrixError('M_INVALID_PARAM', 'There is such a token already.');
    const data = { token_hash: hash, uses_allowed: limits.usesAllowed, expires_at: limits.expiresAt };
    return { records: [{ type: 'registration_token.created', version: 1, data }], result: undefined };
  });
}

/** `GET /register/m.login.registration_token/validity`, and the stage of user-interactive authentication. */
export async function isRegistrationTokenValid(
  side: WriteSide,
  token: string,
  context: CommandContext,
): Promise<boolean> {
  const done = await side.registrationTokens.handle(
    registrationTokenStream(tokenHash(token)),
    context,
    (current) => ({
      records: [],
      result: current.kind === 'valid' && isUsable(current, context.now),
    }),
  );
  return done.result;
}

function isUsable(
  token: { usesAllowed: number | null; expiresAt: number | null; usedBy: ReadonlySet<string> },
  now: number,
): boolean {
  const isExpired = token.expiresAt !== null && token.expiresAt <= now;
  return !isExpired && (token.usesAllowed === null || token.usedBy.size < token.usesAllowed);
}

function spendToken(
  side: WriteSide,
  token: string,
  userId: string,
  context: CommandContext,
): Promise<Done<undefined>> {
  return side.registrationTokens.handle(registrationTokenStream(tokenHash(token)), context, (current) => {
    if (current.kind !== 'valid' || (!current.usedBy.has(userId) && !isUsable(current, context.now))) {
      throw new MatrixError('M_UNAUTHORIZED', 'This registration token is not valid, or not any more.');
    }
    if (current.usedBy.has(userId)) return { records: [], result: undefined };
    return {
      records: [{ type: 'registration_token.used', version: 1, data: { user_id: userId } }],
      result: undefined,
    };
  });
}

function releaseToken(
  side: WriteSide,
  token: string,
  userId: string,
  context: CommandContext,
): Promise<Done<undefined>> {
  return side.registrationTokens.handle(registrationTokenStream(tokenHash(token)), context, (current) => ({
    records:
      current.kind === 'valid' && current.usedBy.has(userId)
        ? [{ type: 'registration_token.released', version: 1, data: { user_id: userId } }]
        : [],
    result: undefined,
  }));
}
