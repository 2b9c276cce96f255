import { LogFormatError } from './errors.js';
import { positionKey, readPosition } from './lmdb-format.js';
import type { LmdbStore } from './lmdb-store.js';

/** Of a key in `places`: its stream's number. */
const STREAM_NUMBER_BYTES = 6;

/**
 * What the log goes on from must be beyond all that it has: otherwise positions and streams' numbers would be given
 * twice, and records overwritten. Costs two look-ups.
 *
 * @throws LogFormatError
 */
export function requireConsistent(store: LmdbStore, folder: string): void {
  const head = numberOf(store.meta.getBinary(Buffer.from('head')));
  const streams = numberOf(store.meta.getBinary(Buffer.from('streams')));
  const [lastRecord] = store.records.getKeys({ reverse: true, limit: 1 });
  const [lastPlace] = store.places.getKeys({ reverse: true, limit: 1 });
  const isBehind = lastRecord !== undefined && Buffer.compare(lastRecord, positionKey(head)) > 0;
  const lastStream = lastPlace === undefined ? 0 : readPosition(lastPlace.subarray(0, STREAM_NUMBER_BYTES));
  if (isBehind || lastStream > streams) {
    throw new LogFormatError(
      `The log in ${folder} is damaged: it has more than its head says. Restore it from a backup.`,
    );
  }
}

function numberOf(bytes: Buffer | undefined): number {
  return bytes?.byteLength === STREAM_NUMBER_BYTES ? readPosition(bytes) : 0;
}
