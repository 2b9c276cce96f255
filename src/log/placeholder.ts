import type { RawRecord } from './adapter.js';
import { encode, recordText } from './codec.js';
import { namedUuid } from './named-uuid.js';

export const PLACEHOLDER = 'log.placeholder';
const VERSION = 1;

/** Why a placeholder is read as damage, where it does not stand for what retention had taken anyway. */
export const LOST = 'It was damaged or missing in the log that this one was copied from.';

/**
 * What a copy of the log puts at a revision whose record it could not get. The same place has the same bytes, so
 * that putting it there again is a repeat.
 */
export function placeholder(stream: string, revision: number, retired: boolean): RawRecord {
  const id = namedUuid(JSON.stringify([PLACEHOLDER, stream, revision]));
  const metadata = { correlation_id: 'copy', received_at: 0 };
  return encode(recordText(id, PLACEHOLDER, VERSION, { retired }, metadata), stream, revision);
}
