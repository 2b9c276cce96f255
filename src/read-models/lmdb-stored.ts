import { crc32 } from 'node:zlib';
import type { Document } from './store.js';

/*
 * How a read store's values lie in LMDB: each begins with a CRC-32 over its key and all that follows, since LMDB keeps
 * no checksums, and a reader must not be told what a bad disk makes of a document.
 *
 *   document   0 checksum (4), 4 position of the write that made it (double), 12 JSON text
 *   entry      0 checksum (4), 4 the document's key
 *   fact       0 checksum (4), 4 what the store knows of itself
 *
 * JSON and not MessagePack because Node's parser is as fast on half a kilobyte (0.6 us), keeps `__proto__` a field,
 * and gives the same bytes for the same document.
 */

const CHECKSUM_BYTES = 4;
const POSITION_BYTES = 8;

/** A document as stored, with the position of the write that made it. */
export interface Stored {
  readonly position: number;
  readonly document: Document;
}

/** A value is not what was stored under its key, or an entry leads nowhere. */
export class DamagedEntryError extends Error {
  constructor() {
    super('What is stored is damaged.');
    this.name = 'DamagedEntryError';
  }
}

/** @param text the document's JSON */
export function encodeDocument(key: Uint8Array, position: number, text: string): Buffer {
  const bytes = Buffer.allocUnsafe(CHECKSUM_BYTES + POSITION_BYTES + Buffer.byteLength(text));
  bytes.writeDoubleBE(position, CHECKSUM_BYTES);
  bytes.write(text, CHECKSUM_BYTES + POSITION_BYTES);
  return summed(key, bytes);
}

/** @throws DamagedEntryError */
export function decodeDocument(key: Uint8Array, bytes: Buffer): Stored {
  check(key, bytes, CHECKSUM_BYTES + POSITION_BYTES);
  return {
    position: bytes.readDoubleBE(CHECKSUM_BYTES),
    document: JSON.parse(bytes.toString('utf8', CHECKSUM_BYTES + POSITION_BYTES)) as Document,
  };
}

/** Of the write that made a stored document. */
export function positionOf(bytes: Buffer): number {
  return bytes.readDoubleBE(CHECKSUM_BYTES);
}

/** An index's entry: where the document is. */
export const encodeEntry = encodeFact;

/** What a store knows of itself; `FORMAT_KEY` is for it to say. */
export function encodeFact(key: Uint8Array, fact: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(CHECKSUM_BYTES + fact.byteLength);
  bytes.set(fact, CHECKSUM_BYTES);
  return summed(key, bytes);
}

export const FORMAT_KEY = Buffer.from('format');
export const MAGIC = 'engram read models';

/** The tables of a store; the last is what free pages are taken into to be overwritten, see lmdb-scrub.ts. */
export const TABLES = ['meta', 'documents', 'indexes', 'scrub'] as const;
export const SCRUB = TABLES[3];

/** @throws DamagedEntryError */
export const decodeEntry = decodeFact;

/** @throws DamagedEntryError */
export function decodeFact(key: Uint8Array, bytes: Buffer): Buffer {
  check(key, bytes, CHECKSUM_BYTES);
  return bytes.subarray(CHECKSUM_BYTES);
}

function summed(key: Uint8Array, bytes: Buffer): Buffer {
  bytes.writeUInt32LE(crc32(bytes.subarray(CHECKSUM_BYTES), crc32(key)));
  return bytes;
}

function check(key: Uint8Array, bytes: Buffer, atLeast: number): void {
  if (!isWhole(key, bytes, atLeast)) throw new DamagedEntryError();
}

function isWhole(key: Uint8Array, bytes: Buffer, atLeast: number): boolean {
  return (
    bytes.byteLength >= atLeast && bytes.readUInt32LE() === crc32(bytes.subarray(CHECKSUM_BYTES), crc32(key))
  );
}

/** Whether what lies in a table is what was stored under its key. */
export function isSoundEntry(table: string, key: Uint8Array, bytes: Buffer): boolean {
  if (table === SCRUB) return true;
  if (table === 'meta' && FORMAT_KEY.equals(key)) return bytes.includes(MAGIC);
  return isWhole(key, bytes, CHECKSUM_BYTES);
}

/** LMDB's own words for pages that cannot be: MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_PANIC, MDB_INVALID, MDB_BAD_TXN. */
const LMDB_DAMAGE = new Set([-30796, -30797, -30795, -30793, -30782]);

/** Whether an error says that the file is damaged, and not only that it could not be read now. */
export function isDamage(error: unknown): boolean {
  if (error instanceof DamagedEntryError) return true;
  return error instanceof Error && 'code' in error && LMDB_DAMAGE.has(Number(error.code));
}
