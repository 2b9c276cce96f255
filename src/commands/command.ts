import { MatrixError, type MatrixErrorCode } from '../protocol/errors.js';
import type { RecordMetadata } from '../log/log.js';

/** What every command is told about where it comes from. Time is data: a decision reads no clock. */
export interface CommandContext {
  readonly correlationId: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** A command's outcome, and where in the log it is: reads that wait for this position see it. */
export interface Done<T> {
  readonly result: T;
  /** Of the last record written; the log's head at the time where nothing was. */
  readonly position: number;
}

export function metadataOf(context: CommandContext): RecordMetadata {
  return { correlation_id: context.correlationId, received_at: context.now };
}

/** A refusal that names the authorization rule, so that a person can look it up. */
export function refusedByRule(
  rule: string,
  reason: string,
  code: MatrixErrorCode = 'M_FORBIDDEN',
): MatrixError {
  return new MatrixError(code, `${reason} (rule ${rule})`);
}
