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
 * Appends records at exactly these revisions, and gives their positions when all are on disk. What follows each
 * other in one stream is one append; all appends are begun in order, and waited for together. Stores take them in
 * that order, unless one of them fails.
 *
 * @throws LogUnavailableError when some may not have been written; CopyRefusedError where others write there, too
 */
export async function appendPlaced(target: RawLog, placed: readonly Placed[]): Promise<readonly Position[]> {
  const appends = runsOf(placed).map(({ stream, first, records }) =>
    target.append(stream, first - 1, records),
  );
  const outcomes = await Promise.allSettled(appends);
  const reasons = outcomes.flatMap((outcome) =>
    outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
  );
  // A revision may be wrong because the append before it was not written.
  const unavailable = reasons.find((reason) => reason instanceof LogUnavailableError);
  const reason = unavailable ?? reasons[0];
  if (reason instanceof WrongRevisionError) {
    throw new CopyRefusedError(`Something else writes to the target: ${reason.message}`);
  }
  if (reason !== undefined) throw asError(reason);
  return outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value.positions : []));
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

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('An append was refused.', { cause: reason });
}
