import { MatrixError } from '../protocol/errors.js';

/** A place between records: everything up to `position` is before it. */
export interface SyncToken {
  readonly position: number;
  /** The counter of what is not recorded; 0 for a token of a timeline. */
  readonly ephemeral: number;
  readonly epoch: string;
  /** Up to where messages to the device were delivered, where that is less far than the rest. */
  readonly toDevice?: number;
}

const TOKEN = /^s(\d{1,16})_(\d{1,16})_([A-Za-z0-9-]{1,64})(?:_d(\d{1,16}))?$/;

export function printToken({ position, ephemeral, epoch, toDevice }: SyncToken): string {
  const rest = toDevice === undefined ? '' : `_d${toDevice + 1}`;
  return `s${position + 1}_${ephemeral}_${epoch}${rest}`;
}

/** A token for a place in a timeline. */
export function timelineToken(position: number, epoch: string): string {
  return printToken({ position, ephemeral: 0, epoch });
}

/** @throws MatrixError M_INVALID_PARAM for what was never a token of ours */
export function parseToken(text: string, name: string): SyncToken {
  const [, position, ephemeral, epoch, toDevice] = TOKEN.exec(text) ?? [];
  const numbers = [Number(position), Number(ephemeral), Number(toDevice ?? 0)];
  if (epoch === undefined || !numbers.every((number) => Number.isSafeInteger(number))) {
    throw new MatrixError('M_INVALID_PARAM', `"${name}" is not a token that this server gave out.`);
  }
  return {
    position: Number(position) - 1,
    ephemeral: Number(ephemeral),
    epoch,
    ...(toDevice === undefined ? {} : { toDevice: Number(toDevice) - 1 }),
  };
}

/**
 * A token's place in a timeline. One of another epoch has none: it is of a history that was restored to an earlier state,
 * or moved. It is not refused, since clients keep such tokens for long, and would never ask for anything else: without
 * a place, each query says what is nearest.
 *
 * @throws MatrixError M_INVALID_PARAM for what was never a token of ours
 */
export function parseTimelineToken(text: string, name: string, epoch: string): number | undefined {
  const token = parseToken(text, name);
  return token.epoch === epoch ? token.position : undefined;
}

/**
 * Where a page begins by its `from`, if that has a place. Backwards, a page without one begins at the end: clients have
 * some of that already, which they notice by its event IDs, and come to all that is before.
 *
 * @throws MatrixError M_INVALID_PARAM for what was never a token of ours; forwards for one without a place, too: what
 *   comes next is not known
 */
export function parseFrom(text: string, backwards: boolean, epoch: string): number | undefined {
  const place = parseTimelineToken(text, 'from', epoch);
  if (place === undefined && !backwards) {
    const message = '"from" is from before this server was restored: sync afresh.';
    throw new MatrixError('M_INVALID_PARAM', message);
  }
  return place;
}
