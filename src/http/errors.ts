import { LogClosedError, LogUnavailableError, RecordTooLargeError } from '../log/errors.js';
import { MatrixError } from '../protocol/errors.js';
import {
  ReadModelNotReadyError,
  ReadModelsBehindError,
  ReadStoreUnavailableError,
} from '../read-models/errors.js';
import { RoomStateDamagedError } from '../room-state/errors.js';

/** An error as it goes out: status, headers beyond the usual, JSON body. */
export interface ErrorResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
  /** True for what nobody expected: it is logged whole, and answered without details. */
  readonly fault: boolean;
}

/**
 * The answer to a request that is not authenticated yet: 401 with the flows and the session, which is no standard
 * error unless a stage has failed (specification: User-interactive API in the REST API).
 */
export class InteractiveAuthenticationNeeded extends Error {
  readonly body: Readonly<Record<string, unknown>>;

  constructor(body: Record<string, unknown>) {
    super('The request needs user-interactive authentication.');
    this.name = 'InteractiveAuthenticationNeeded';
    this.body = body;
  }
}

/** How far a read model is built, from 0 to 1, where that is known. */
export type ProgressOf = (projection: string) => number | undefined;

const RETRY_AFTER_SECONDS = 5;

/**
 * Turns whatever a request ended with into a response (specification: Standard error response). Refusals go out as
 * they stand, unavailable stores as 503 with `Retry-After`, everything else as 500 without details.
 */
export function errorResponse(error: unknown, progressOf?: ProgressOf): ErrorResponse {
  if (error instanceof MatrixError) return ofMatrixError(error);
  if (error instanceof InteractiveAuthenticationNeeded) {
    return { status: 401, headers: {}, body: error.body, fault: false };
  }
  if (error instanceof LogUnavailableError || error instanceof LogClosedError) {
    return unavailable('Nothing can be changed at the moment: the log cannot be reached. Try again later.');
  }
  if (error instanceof RecordTooLargeError) {
    return ofMatrixError(new MatrixError('M_TOO_LARGE', 'This is larger than this server can keep.'));
  }
  if (error instanceof ReadStoreUnavailableError) {
    return unavailable(
      'Nothing can be read at the moment: the read store cannot be reached. Try again later.',
    );
  }
  if (error instanceof ReadModelNotReadyError) {
    const progress = progressOf?.(error.projection);
    return unavailable(
      `This cannot be read yet: ${error.projection} is being built from the log${percent(progress)}. Try again later.`,
      { projection: error.projection, ...(progress === undefined ? {} : { progress }) },
    );
  }
  if (error instanceof ReadModelsBehindError) {
    return unavailable(
      'The newest changes cannot be read yet: the read models are catching up. Try again later.',
    );
  }
  if (error instanceof RoomStateDamagedError) {
    return unavailable('This cannot be told at the moment: the room index is damaged. Try again later.');
  }
  return ofFrameworkError(error) ?? fault();
}

function ofMatrixError(error: MatrixError): ErrorResponse {
  const milliseconds = error.fields['retry_after_ms'];
  const headers: Record<string, string> =
    typeof milliseconds === 'number'
      ? { 'retry-after': String(Math.max(1, Math.ceil(milliseconds / 1000))) }
      : {};
  return { status: error.status, headers, body: error.toJSON(), fault: false };
}

/** What Fastify itself refuses: the body's size or length, the path's encoding. Its messages quote the request. */
function ofFrameworkError(error: unknown): ErrorResponse | undefined {
  switch (error instanceof Error && 'code' in error ? error.code : undefined) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return ofMatrixError(new MatrixError('M_TOO_LARGE', 'The body is larger than this server accepts.'));
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return ofMatrixError(
        new MatrixError('M_NOT_JSON', 'The body is not as long as its Content-Length says.'),
      );
    case 'FST_ERR_BAD_URL':
      return ofMatrixError(
        new MatrixError('M_INVALID_PARAM', 'The path is not percent-encoded UTF-8.', { status: 400 }),
      );
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return ofMatrixError(
        new MatrixError('M_INVALID_PARAM', 'A part of the path is too long.', { status: 414 }),
      );
    case 'ECONNRESET':
    case 'ERR_STREAM_PREMATURE_CLOSE':
      // The client went away while its body was read: nobody will see this, and it is no fault of ours.
      return ofMatrixError(new MatrixError('M_UNKNOWN', 'The request ended too early.', { status: 400 }));
    default:
      return undefined;
  }
}

function unavailable(message: string, fields: Record<string, unknown> = {}): ErrorResponse {
  const body = new MatrixError('M_UNKNOWN', message, { status: 503, fields }).toJSON();
  return { status: 503, headers: { 'retry-after': String(RETRY_AFTER_SECONDS) }, body, fault: false };
}

function fault(): ErrorResponse {
  return {
    status: 500,
    headers: {},
    body: new MatrixError('M_UNKNOWN', 'Internal server error.').toJSON(),
    fault: true,
  };
}

function percent(progress: number | undefined): string {
  return progress === undefined ? '' : ` (${Math.floor(progress * 100)} %)`;
}
