import { uuid, type Random } from '../runtime/random.js';
import { fileIdentity, isSameFile } from './file-identity.js';
import type { LmdbStore } from './lmdb-store.js';

const EPOCH = Buffer.from('epoch');
const FILE = Buffer.from('file');

/**
 * The epoch of an opened log. Another one begins where none is named (a new log, one whose epoch was ended), and
 * where the file is not the one that it was: whoever restored it from a copy has gone back to what was before.
 */
export function openEpoch({ root, meta: { stored: meta }, file }: LmdbStore, random: Random): string {
  const identity = fileIdentity(file);
  const known = meta.getBinary(FILE)?.toString();
  const isAnother = known !== undefined && !isSameFile(known, identity);
  const named = isAnother ? undefined : meta.getBinary(EPOCH)?.toString();
  if (named !== undefined && known === identity) return named;
  const epoch = named ?? uuid(random);
  root.transactionSync(() => {
    meta.putSync(EPOCH, Buffer.from(epoch));
    meta.putSync(FILE, Buffer.from(identity));
  });
  return epoch;
}

/** The epoch that the log has now; for who only reads, one of their own where it was ended. */
export function readEpoch({ meta: { stored: meta } }: LmdbStore, random: Random): string {
  return meta.getBinary(EPOCH)?.toString() ?? uuid(random);
}

/** Whoever opens the log next begins another. */
export async function endEpoch({ meta: { stored: meta } }: LmdbStore): Promise<void> {
  await meta.remove(EPOCH);
}
