import type { RawLog, RawStored } from '../adapter.js';
import { isSound } from '../codec.js';
import { PLACEHOLDER } from '../placeholder.js';
import { START, type Position } from '../position.js';
import { CopyRefusedError } from './errors.js';
import { findAll, isForeign } from './finding.js';

/**
 * After which position of the source copying goes on: START for an empty target, else a safe distance before its last
 * record, found by looking its last records up in the source. Nothing before that is missing.
 *
 * @param safeDistance more records than are ever on their way at once
 *
 * @throws CopyRefusedError where the target has records that the source does not have
 */
export async function whereToGoOn(source: RawLog, target: RawLog, safeDistance: number): Promise<Position> {
  let lowest = Infinity;
  let found = 0;
  for await (const batch of target.readAll({ direction: 'backwards' })) {
    const records = batch.records.filter(
      (record) => !isForeign(record) && record.type !== PLACEHOLDER && isSound(record),
    );
    const there = await findAll(source, records);
    for (const record of records) {
      const original = there.get(record);
      if (original === undefined) await checkRetired(source, record);
      else if (original.id === record.id) {
        found++;
        lowest = Math.min(lowest, original.position);
      } else if (isAnother(original, record)) throw goneItsOwnWay(record);
    }
    if (found > safeDistance) return lowest - 1;
  }
  return START;
}

/** What the source does not show any more may have been taken by its retention; what it never had may not. */
async function checkRetired(source: RawLog, record: RawStored): Promise<void> {
  if ((await source.revision(record.stream)) < record.revision) throw goneItsOwnWay(record);
}

/** Whether two records of one place cannot be of one history; a placeholder stands for any, and damage may be anything. */
export function isAnother(one: RawStored, other: RawStored): boolean {
  return (
    one.id !== other.id && [one, other].every((record) => record.type !== PLACEHOLDER && isSound(record))
  );
}

export function goneItsOwnWay({ stream, revision }: RawStored): CopyRefusedError {
  return new CopyRefusedError(
    `The target has gone its own way: ${stream} has another record at revision ${revision} than the source, or one more. ` +
      'Copy into an empty place.',
  );
}
