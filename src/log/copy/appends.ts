import { MAX_APPEND_BYTES, rawBytes, type RawLog, type RawRecord } from '../adapter.js';
import { LogUnavailableError, WrongRevisionError } from '../errors.js';
import type { Position } from '../position.js';
import { CopyRefusedError } from './errors.js';

/** A record with its place in the target. */
export interface Placed {
  readonly stream: string;
  readonly revision: number;
  readonly record: RawRecord;
}

interface Run {
  readonly stream: string;
  readonly first: number;
  readonly records: RawRecord[];
  bytes: number;
}

/**
 * Appends records at exactly these revisions, in this order, and gives their positions when all are on disk. What
 * follows each other in one stream is one append; as many are under way at once as stay in order.
 *
 * @throws LogUnavailableError when some may not have been written; CopyRefusedError where others write there, too
 */
export async function appendPlaced(target: RawLog, placed: readonly Placed[]): Promise<readonly Position[]> {
  const positions: Position[] = [];
  const runs = runsOf(placed);
  while (runs.length > 0) {
    const outcomes = await Promise.allSettled(
      runs
        .splice(0, target.appendsInOrder)
        .map(({ stream, first, records }) => target.append(stream, first - 1, records)),
    );
    const reasons = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
    );
    if (reasons.length > 0) throw failure(reasons);
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') positions.push(...outcome.value.positions);
    }
  }
  return positions;
}

/** A revision may be wrong because the append before it was not written. */
function failure(reasons: readonly unknown[]): Error {
  const reason = reasons.find((one) => one instanceof LogUnavailableError) ?? reasons[0];
  if (reason instanceof WrongRevisionError) {
    return new CopyRefusedError(`Something else writes to the target: ${reason.message}`);
  }
  return reason instanceof Error ? reason : new Error('An append was refused.', { cause: reason });
}

function runsOf(placed: readonly Placed[]): Run[] {
  const runs: Run[] = [];
  for (const { stream, revision, record } of placed) {
    const bytes = rawBytes(record);
    const last = runs.at(-1);
    if (last?.stream === stream && last.bytes + bytes <= MAX_APPEND_BYTES) {
      last.records.push(record);
      last.bytes += bytes;
    } else {
      runs.push({ stream, first: revision, records: [record], bytes });
    }
  }
  return runs;
}
