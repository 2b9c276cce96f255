import type { CommandContext, Done } from '../../commands/command.js';
import type { WriteSide } from '../../commands/write-side.js';
import { MatrixError } from '../../protocol/errors.js';
import type { EventStream } from '../../queries/event-stream.js';
import type { ReadSide, Viewer } from '../../queries/read-side.js';
import type { Sessions } from '../../queries/sessions.js';
import type { Sync } from '../../queries/sync/sync.js';
import type { LoginAttempts } from '../limits/login-attempts.js';
import type { RateLimits } from '../limits/rate-limits.js';
import type { UserInteractive } from '../user-interactive.js';

/** What the configuration decides for clients. */
export interface ClientSettings {
  readonly serverName: string;
  readonly publicBaseurl: string;
  /** Whether an operator has said where clients reach the server; else it is a guess, not to be told on login. */
  readonly baseurlConfigured: boolean;
  readonly defaultRoomVersion: string;
  readonly registration: {
    readonly enabled: boolean;
    /** Whether it takes a registration token. */
    readonly requireToken: boolean;
    readonly allowGuests: boolean;
    readonly sharedSecret: string | null;
    /** Registration tokens of the configuration, valid without limit. */
    readonly tokens: readonly string[];
  };
  /** Whether the public room list answers without a token. */
  readonly roomListWithoutAuth: boolean;
  /** Of access tokens that clients can refresh, in milliseconds. */
  readonly tokenLifetime: number;
  /** The longest that `/sync` waits, in milliseconds. */
  readonly longestPoll: number;
}

/** Everything that the routes of the client API call. */
export interface ClientApi {
  readonly settings: ClientSettings;
  readonly write: WriteSide;
  readonly read: ReadSide;
  readonly userInteractive: UserInteractive;
  readonly rateLimits: RateLimits;
  readonly loginAttempts: LoginAttempts;
  readonly sessions: Sessions;
  readonly sync: Sync;
  readonly eventStream: EventStream;
}

/** How long a read waits for what was acknowledged before it, in milliseconds. */
const READ_PATIENCE = 10_000;

/** What a command is told of a request. */
export function commandContext(api: ClientApi, request: { readonly correlationId: string }): CommandContext {
  return { correlationId: request.correlationId, now: api.write.ports.clock.now() };
}

/** A command's result; every read that begins after the answer will see what it did. */
export async function done<T>(api: ClientApi, command: Promise<Done<T>>): Promise<T> {
  const { result, position } = await command;
  api.read.barrier.acknowledged(position);
  await api.read.pace.keep(position);
  return result;
}

/** `done`, for a command that takes tokens back: no request that begins after the answer gets in by them. */
export async function doneWithTokens<T>(api: ClientApi, command: Promise<Done<T>>): Promise<T> {
  const { result, position } = await command;
  api.read.barrier.acknowledged(position);
  api.sessions.ended(position);
  return result;
}

/** The read side, once it has everything that anybody was told had happened. */
export async function upToDate(api: ClientApi): Promise<ReadSide> {
  await api.read.barrier.reached(READ_PATIENCE);
  return api.read;
}

/** Whose view an answer is. */
export function viewerOf(user: { readonly userId: string; readonly deviceId: string }): Viewer {
  return { userId: user.userId, deviceId: user.deviceId };
}

/** What belongs to one account is touched by nobody else. @throws MatrixError M_FORBIDDEN */
export function requireSelf(request: { readonly user: { readonly userId: string } }, userId: string): void {
  if (request.user.userId === userId) return;
  throw new MatrixError('M_FORBIDDEN', 'This belongs to another user than the one whose token is used.');
}
