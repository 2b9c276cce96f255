import { isCommandError, ErrorType, type CommandError } from '@eventstore/db-client';

/** What the driver's errors come to. */
export type Trouble =
  /** There is no such stream, or it was deleted and may come again. */
  | 'missing'
  /** The stream was deleted for good. */
  | 'tombstoned'
  | 'wrong revision'
  | 'too large'
  | 'denied'
  /** At a position that was asked for, no record begins. */
  | 'position'
  /** The server, or the way to it, is gone, slow, not ready, or not the leader: it may be there again soon. */
  | 'away'
  /** Nothing that time mends. */
  | 'fault';

/** A call that was given up: nobody knows what became of it. */
export class GivenUpError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'GivenUpError';
  }
}

/** A call that did not begin. */
export class NotBegunError extends GivenUpError {
  constructor(reason: string) {
    super(reason);
    this.name = 'NotBegunError';
  }
}

const BY_TYPE: Readonly<Partial<Record<ErrorType, Trouble>>> = {
  [ErrorType.STREAM_NOT_FOUND]: 'missing',
  [ErrorType.STREAM_DELETED]: 'tombstoned',
  [ErrorType.WRONG_EXPECTED_VERSION]: 'wrong revision',
  [ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED]: 'too large',
  [ErrorType.ACCESS_DENIED]: 'denied',
  [ErrorType.TIMEOUT]: 'away',
  [ErrorType.DEADLINE_EXCEEDED]: 'away',
  [ErrorType.UNAVAILABLE]: 'away',
  [ErrorType.CANCELLED]: 'away',
  [ErrorType.NOT_LEADER]: 'away',
};

/** gRPC's codes, of those errors that the driver does not tell apart. */
const PERMISSION_DENIED = 7;
/** Also what ends a subscription to which more comes at once than the server keeps for it: some 64 events. */
const ABORTED = 10;
const CODES_OF_AWAY: ReadonlySet<number> = new Set([
  1, // cancelled
  4, // deadline exceeded
  8, // resource exhausted
  ABORTED,
  13, // internal: also a server that is shut down in good order
  14, // unavailable
]);

export function troubleOf(error: unknown): Trouble {
  if (error instanceof GivenUpError) return 'away';
  if (!(error instanceof Error)) return 'fault';
  const code = codeOf(error);
  if (isCommandError(error)) {
    const known = BY_TYPE[error.type];
    if (known !== undefined) return known;
    if (error.type !== ErrorType.UNKNOWN) return 'fault';
    if (error.message.includes('ReadAllResult')) return 'position';
    // The server's answer to one append. What the driver cannot recognize is mostly that it is not ready, or too busy.
    if (code === undefined) return error.message.includes('BadRequest') ? 'fault' : 'away';
  }
  if (code === PERMISSION_DENIED) return 'denied';
  if (code !== undefined) return CODES_OF_AWAY.has(code) ? 'away' : 'fault';
  return isDiscoveryError(error) ? 'away' : 'fault';
}

/**
 * Whether a failed append was never sent: connecting failed, or asking what the server can do, which the driver
 * does first. Those errors it passes on as gRPC made them, all others as its own.
 */
export function neverSent(error: unknown): boolean {
  if (error instanceof GivenUpError) return error instanceof NotBegunError;
  if (!(error instanceof Error) || isCommandError(error)) return false;
  return codeOf(error) !== undefined || isDiscoveryError(error);
}

/** Whether the connection is of no more use: everything but an answer that the server has sent. */
export function breaksConnection(error: unknown): boolean {
  if (troubleOf(error) !== 'away' || error instanceof NotBegunError) return false;
  if (!(error instanceof Error) || !isCommandError(error)) return true;
  const code = codeOf(error);
  return code !== undefined && code !== ABORTED && !isNotLeader(error);
}

/** The node is not the leader, or no more. The driver's client goes to the one that is from its next call on. */
export function isNotLeader(error: unknown): boolean {
  return error instanceof Error && isCommandError(error) && error.type === ErrorType.NOT_LEADER;
}

/** The revision that a stream is at, or undefined for none, as the server says when it refuses an append. */
export function actualRevision(error: unknown): bigint | undefined {
  if (!(error instanceof Error) || !isWrongRevision(error)) return undefined;
  return typeof error.actualVersion === 'bigint' ? error.actualVersion : undefined;
}

function isWrongRevision(
  error: Error,
): error is Extract<CommandError, { type: ErrorType.WRONG_EXPECTED_VERSION }> {
  return isCommandError(error) && error.type === ErrorType.WRONG_EXPECTED_VERSION;
}

function codeOf(error: Error): number | undefined {
  return 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}

/** A plain Error, of a cluster none of whose members answers. */
function isDiscoveryError(error: Error): boolean {
  return error.message.startsWith('Failed to discover');
}

/** Why, for people. gRPC's messages name hosts and reasons, and no credentials. */
export function reasonOf(error: unknown): string {
  const [line = ''] = error instanceof Error ? error.message.split('\n', 1) : [];
  // `14 UNAVAILABLE: No connection established. Last error: Error: connect ECONNREFUSED ... Resolution note: `
  const text = line
    .replace(/^\d+ [A-Z_]+: /, '')
    .replace(/^.*Last error: (?:Error: )?/, '')
    .replace(/ *Resolution note:.*$/, '')
    .replace(/[. ]+$/, '');
  return text === '' ? 'no reason is given' : text;
}
