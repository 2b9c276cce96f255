import { MatrixError } from '../protocol/errors.js';

/** A place between records: everything up to `position` is before it. */
export interface SyncToken {
  readonly position: number;
  /** The counter of what is not recorded; 0 for a token of a timeline. */
  readonly ephemeral: number;
  readonly epoch: string;
}

const TOKEN = /^s(\d{1,16})_(\d{1,16})_([A-Za-z0-9-]{1,64})$/;

export function printToken({ position, ephemeral, epoch }: SyncToken): string {
  return `s${position + 1}_${ephemeral}_${epoch}`;
}

/** A token for a place in a timeline. */
export function timelineToken(position: number, epoch: string): string {
  return printToken({ position, ephemeral: 0, epoch });
}

/** @throws MatrixError M_INVALID_PARAM for what was never a token of ours */
export function parseToken(text: string, name: string): SyncToken {
  const [, position, ephemeral, epoch] = TOKEN.exec(text) ?? [];
  const numbers = [Number(position), Number(ephemeral)];
  if (epoch === undefined || !numbers.every((number) => Number.isSafeInteger(number))) {
    throw new MatrixError('M_INVALID_PARAM', `"${name}" is not a token that this server gave out.`);
  }
  return { position: Number(position) - 1, ephemeral: Number(ephemeral), epoch };
}

/**
 * A token's place in a timeline for paging. One of another epoch is of a history that this server does not have.
 *
 * @throws MatrixError M_INVALID_PARAM
 */
export function parseTimelineToken(text: string, name: string, epoch: string): number {
  const token = parseToken(text, name);
  if (token.epoch !== epoch) {
    throw new MatrixError(
      'M_INVALID_PARAM',
      `"${name}" is from before this server was restored: sync afresh.`,
    );
  }
  return token.position;
}
