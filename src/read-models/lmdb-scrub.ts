import { setImmediate } from 'node:timers/promises';
import type { Database, RootDatabase, RootDatabaseOptions } from 'lmdb';
import { SCRUB } from './lmdb-stored.js';
import { surveyPages, type Survey, type Untidy } from './lmdb-remains.js';

type Table = Database<Buffer, Uint8Array>;

/** What of LMDB's statistics is used here; its types leave them open. */
interface Statistics {
  readonly lastTxnId: number;
  readonly lastPageNumber: number;
}

/** A write of about so many bytes to the file. Rejects where the disk would not take it. */
type Transaction = (bytes: number, action: () => void) => Promise<void>;

const BINARY: RootDatabaseOptions = { keyEncoding: 'binary', encoding: 'binary' };

/** Bytes: three such values fill a page of 8192. */
const FILLER_VALUE = Buffer.alloc(2600);
const PER_PAGE = 3;

/** Pages that one transaction writes: some milliseconds' work. */
const CHUNK = 64;
const CHUNK_BYTES = CHUNK * 8192;
/** Pages that were freed may be taken again after so many transactions. */
const AGING = 3;
/** When nearly all pages of a chunk are new ones at the file's end, no old ones are left to be taken. */
const GROWTH = CHUNK * 0.75;
const MOST_ROUNDS = 4;

/**
 * Overwrites what deleted and changed documents have left in LMDB's file. Two things are left: whole pages that
 * are free, and bytes of pages in use between what these hold. A page that is written anew has neither: LMDB clears
 * the memory for it first. So pages with old bytes in them are touched, by putting a value as it is, and free pages are
 * taken into a table of zeros, which is then emptied. Whether it is done is seen by looking at all pages.
 *
 * Old pages that a reader may still be reading cannot be taken: it is done later then. Costs reading the file twice or
 * so, and writing what was changed since the last time; the file grows by a chunk of half a megabyte, which the next time uses.
 */
export class LmdbScrub {
  readonly #root: RootDatabase<Buffer, Uint8Array>;
  readonly #file: string;
  readonly #transaction: Transaction;
  #entries = 0;

  constructor(root: RootDatabase<Buffer, Uint8Array>, file: string, transaction: Transaction) {
    this.#root = root;
    this.#file = file;
    this.#transaction = transaction;
  }

  /** True when nothing is left of what was deleted before the call; false when it ended before, or could not be done yet. */
  async run(signal: AbortSignal): Promise<boolean> {
    // A process that was killed while it read would keep pages from being used again.
    this.#root.readerCheck();
    const { lastTxnId } = this.#statistics();
    const filler = this.#root.openDB<Buffer, Uint8Array>(SCRUB, BINARY);
    for (let round = 0; round < MOST_ROUNDS; round++) {
      // What a round that was cut short has left is zeros.
      await this.#empty(filler);
      if (signal.aborted) return false;
      const before = await this.#survey(lastTxnId);
      if (before.untidy.length === 0 && before.stale === 0) return true;
      if (!(await this.#touch(before.untidy, signal))) return false;
      await this.#age(filler);
      if (!(await this.#fill(filler, signal))) return false;
    }
    await this.#empty(filler);
    return false;
  }

  async #survey(lastTransaction: number): Promise<Survey> {
    const reading = this.#root.useReadTransaction();
    try {
      return await surveyPages(this.#file, lastTransaction);
    } finally {
      reading.done();
    }
  }

  /** Writes pages anew. Each lies on the way to a key that is given, or to the next one. */
  async #touch(untidy: readonly Untidy[], signal: AbortSignal): Promise<boolean> {
    const tables = new Map<string, Table>();
    for (const { table } of untidy) {
      if (!tables.has(table)) tables.set(table, this.#root.openDB<Buffer, Uint8Array>(table, BINARY));
    }
    for (let at = 0; at < untidy.length; at += CHUNK) {
      await this.#transaction(CHUNK_BYTES, () => {
        for (const { table: name, key } of untidy.slice(at, at + CHUNK)) {
          const table = tables.get(name);
          for (const entry of table?.getRange({ start: key, limit: 1 }) ?? []) {
            void table?.put(Buffer.from(entry.key), Buffer.from(entry.value));
          }
        }
      });
      await setImmediate();
      if (signal.aborted) return false;
    }
    return true;
  }

  async #age(filler: Table): Promise<void> {
    for (let i = 0; i < AGING; i++) {
      await this.#transaction(0, () => void filler.put(Buffer.alloc(8), Buffer.from([i])));
    }
  }

  async #fill(filler: Table, signal: AbortSignal): Promise<boolean> {
    for (let last = this.#statistics().lastPageNumber; ;) {
      await this.#transaction(CHUNK_BYTES, () => {
        for (let i = 0; i < CHUNK * PER_PAGE; i++) {
          const key = Buffer.alloc(8);
          key.writeUIntBE(++this.#entries, 2, 6);
          void filler.put(key, FILLER_VALUE);
        }
      });
      await setImmediate();
      if (signal.aborted) return false;
      const now = this.#statistics().lastPageNumber;
      if (now - last >= GROWTH) return true;
      last = now;
    }
  }

  async #empty(filler: Table): Promise<void> {
    await this.#transaction(0, () => {
      filler.clearSync();
    });
  }

  #statistics(): Statistics {
    return this.#root.getStats() as Statistics;
  }
}
