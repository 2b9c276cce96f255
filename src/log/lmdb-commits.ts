import { existsSync, readFileSync, statSync } from 'node:fs';
import { swallowCommitError } from '../runtime/lmdb-errors.js';
import { LogUnavailableError } from './errors.js';
import { positionKey, readPosition } from './lmdb-format.js';
import { entriesAfter, Journal } from './lmdb-journal.js';
import type { Change, OverlaidTable } from './lmdb-overlay.js';
import { overlaidTables, type LmdbStore } from './lmdb-store.js';
import type { Random } from '../runtime/random.js';

/** The sequence of the last entry of the journal that LMDB has, and the salt of the journal. */
const SEQUENCE = Buffer.from('sequence');
const SALT = Buffer.from('salt');
/** Milliseconds after which what is in the journal is brought into LMDB, many groups at once. */
const BRING_IN = 25;
/** And after which that is tried again. */
const TRY_AGAIN = 1000;

/**
 * Makes groups of changes durable, one after the other: a group is on the disk in the journal, and readable over LMDB's
 * tables, until it is in LMDB as well. What the journal has no room for goes to LMDB at once.
 */
export class Commits {
  readonly #store: LmdbStore;
  readonly #journal: Journal;
  #sequence: number;
  /** What is being written to LMDB, or could not be. */
  #frozen: { readonly changes: readonly Change[]; readonly sequence: number } | undefined;
  #isPending = false;
  #bringing: Promise<void> | undefined;
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failed = false;
  /** Set once LMDB has refused to go on: it can be read, and the journal has the rest until the log is opened again. */
  #broken: LogUnavailableError | undefined;

  /** @throws LogFormatError where what the journal should have is missing */
  constructor(store: LmdbStore, random: Random) {
    this.#store = store;
    this.#sequence = bringInJournal(store);
    this.#journal = new Journal(store.journal, random, storedSalt(store), (salt) => {
      store.root.transactionSync(() => void store.meta.stored.put(SALT, Buffer.from(salt)));
    });
  }

  /**
   * Resolves when the changes are on the disk and readable. One at a time.
   *
   * @throws LogUnavailableError
   */
  async commit(changes: readonly Change[]): Promise<void> {
    const sequence = this.#sequence + 1;
    const payload = encodeChanges(changes, overlaidTables(this.#store));
    let outcomeUnknown = false;
    try {
      this.#requireWorking();
      if (await this.#writeJournal(changes, sequence, payload)) return;
    } catch (error) {
      if (error instanceof LogUnavailableError) throw error;
      outcomeUnknown = true;
    }
    await this.#commitAtOnce(changes, sequence, payload, outcomeUnknown);
  }

  /** Brings everything into LMDB, and removes the journal; what cannot be brought in stays there. */
  async finish(): Promise<void> {
    const isDone = await this.#bringIn().then(
      () => true,
      () => false,
    );
    clearTimeout(this.#timer);
    if (isDone) this.#journal.remove();
    else this.#journal.close();
  }

  /** False where it has no room. */
  #writeJournal(changes: readonly Change[], sequence: number, payload: Buffer): Promise<boolean> {
    const written = this.#journal.write(sequence, payload).then((isWritten) => {
      if (isWritten) this.#keep(changes, sequence);
      return isWritten;
    });
    const settled = () => {
      this.#writing = undefined;
    };
    this.#writing = written.then(settled, settled);
    return written;
  }

  #keep(changes: readonly Change[], sequence: number): void {
    for (const { table, key, value } of changes) table.put(key, value);
    this.#sequence = sequence;
    this.#isPending = true;
    this.#bringInLater(BRING_IN);
  }

  /** For what the journal has no room for, or where it cannot be written. */
  async #commitAtOnce(
    changes: readonly Change[],
    sequence: number,
    payload: Buffer,
    outcomeUnknown: boolean,
  ): Promise<void> {
    try {
      await this.#bringIn().catch((error: unknown) => {
        // What failed is in the journal, and is none of what is to be committed now.
        throw error instanceof LogUnavailableError ? known(error) : error;
      });
      if (!outcomeUnknown && (await this.#writeJournal(changes, sequence, payload))) return;
      await this.#write(changes, sequence);
      this.#sequence = sequence;
    } catch (error) {
      if (outcomeUnknown && error instanceof LogUnavailableError && !error.outcomeUnknown) {
        throw new LogUnavailableError(error.message, { outcomeUnknown, cause: error });
      }
      throw error;
    }
  }

  #bringInLater(milliseconds: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#bringIn().catch(() => {
        this.#bringInLater(TRY_AGAIN);
      });
    }, milliseconds).unref();
  }

  /** Until nothing lies over LMDB. */
  async #bringIn(): Promise<void> {
    while (this.#isPending || this.#frozen !== undefined) {
      this.#bringing ??= this.#bringInOnce().finally(() => {
        this.#bringing = undefined;
      });
      await this.#bringing;
    }
  }

  async #bringInOnce(): Promise<void> {
    const tables = overlaidTables(this.#store);
    // What is on its way to this half must be among what is brought in before the half is used again.
    while (this.#writing !== undefined) await this.#writing;
    if (this.#frozen === undefined) {
      this.#frozen = { changes: tables.flatMap((table) => table.freeze()), sequence: this.#sequence };
      this.#isPending = false;
      // Its other half has nothing that LMDB lacks: one part is brought in at a time.
      this.#journal.turn();
    }
    await this.#write(this.#frozen.changes, this.#frozen.sequence);
    for (const table of tables) table.settle();
    this.#frozen = undefined;
  }

  /** One durable transaction of LMDB. */
  async #write(changes: readonly Change[], sequence: number): Promise<void> {
    this.#requireWorking();
    try {
      await this.#store.root.batch(() => {
        putStored(changes);
        void this.#store.meta.stored.put(SEQUENCE, positionKey(sequence));
      });
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * After a failed write, tries whether LMDB still begins a transaction: where a write of its meta page failed it
   * refuses to, and an asynchronous one would then never be answered.
   */
  #requireWorking(): void {
    if (this.#broken !== undefined) throw this.#broken;
    if (!this.#failed) return;
    try {
      this.#store.root.transactionSync(() => undefined);
      this.#failed = false;
    } catch (cause) {
      this.#broken = new LogUnavailableError('The log cannot be written until it is opened again.', {
        outcomeUnknown: false,
        cause,
      });
      throw this.#broken;
    }
  }

  /** A commit that failed wrote nothing that counts, unless it was the meta page that failed. */
  #fail(error: unknown): never {
    this.#failed = true;
    const cause = swallowCommitError(error);
    let outcomeUnknown = false;
    try {
      this.#requireWorking();
    } catch {
      outcomeUnknown = true;
    }
    throw new LogUnavailableError('The log could not be written; the disk may be full.', {
      outcomeUnknown,
      cause,
    });
  }
}

function known({ message, cause }: LogUnavailableError): LogUnavailableError {
  return new LogUnavailableError(message, { outcomeUnknown: false, cause });
}

/** Brings what only the journal has into LMDB, in one transaction; gives the sequence of the last. */
function bringInJournal(store: LmdbStore): number {
  const sequence = storedSequence(store);
  const bytes = existsSync(store.journal) ? readFileSync(store.journal) : Buffer.alloc(0);
  const entries = entriesAfter(sequence, bytes, store.journal, storedSalt(store));
  const last = entries.at(-1)?.sequence;
  if (last === undefined) return sequence;
  store.root.transactionSync(() => {
    for (const { payload } of entries) putStored(decodeChanges(payload, overlaidTables(store)));
    void store.meta.stored.put(SEQUENCE, positionKey(last));
  });
  return last;
}

/** What only the journal has, shown over LMDB's tables to who only reads. */
export class JournalView {
  readonly #store: LmdbStore;
  #seen = '';

  constructor(store: LmdbStore) {
    this.#store = store;
  }

  /**
   * Brings it up to date. Costs little where nothing was written since, else reading the journal.
   *
   * @param isWritten whether a process has the log open: then the journal changes while it is read, and may be ahead
   * @throws LogFormatError where something is missing that nobody is about to write
   */
  look(isWritten: boolean): void {
    const { journal, root } = this.#store;
    const written = statSync(journal, { bigint: true, throwIfNoEntry: false })?.mtimeNs ?? 0n;
    root.resetReadTxn();
    if (this.#seen === `${written} ${storedSequence(this.#store)}`) return;
    // In this order: what is not in the journal any more, LMDB has by then.
    const bytes = written === 0n ? undefined : readFileSync(journal);
    root.resetReadTxn();
    const sequence = storedSequence(this.#store);
    this.#seen = `${written} ${sequence}`;
    const tables = overlaidTables(this.#store);
    for (const table of tables) table.clear();
    if (bytes === undefined) return;
    for (const { payload } of entriesAfter(sequence, bytes, journal, storedSalt(this.#store), isWritten)) {
      for (const { table, key, value } of decodeChanges(payload, tables)) table.put(key, value);
    }
  }
}

/** Within a transaction of LMDB. */
function putStored(changes: Iterable<Change>): void {
  for (const { table, key, value } of changes) {
    void (value === undefined ? table.stored.remove(key) : table.stored.put(key, value));
  }
}

function storedSalt({ meta }: LmdbStore): string | undefined {
  return meta.stored.getBinary(SALT)?.toString();
}

function storedSequence({ meta }: LmdbStore): number {
  const bytes = meta.stored.getBinary(SEQUENCE);
  return bytes === undefined ? 0 : readPosition(bytes);
}

/** Of each change: table (1), whether it has a value (1), lengths of key (2) and value (4), key, value. */
const CHANGE_HEADER = 8;

function encodeChanges(changes: readonly Change[], tables: readonly OverlaidTable[]): Buffer {
  const parts: Buffer[] = [];
  for (const { table, key, value } of changes) {
    const header = Buffer.allocUnsafe(CHANGE_HEADER);
    header.writeUInt8(tables.indexOf(table), 0);
    header.writeUInt8(value === undefined ? 0 : 1, 1);
    header.writeUInt16BE(key.byteLength, 2);
    header.writeUInt32BE(value?.byteLength ?? 0, 4);
    parts.push(header, key);
    if (value !== undefined) parts.push(value);
  }
  return Buffer.concat(parts);
}

/** Copies, since what they came from is read into again. */
function* decodeChanges(bytes: Buffer, tables: readonly OverlaidTable[]): Generator<Change> {
  for (let at = 0; at < bytes.byteLength;) {
    const table = tables[bytes.readUInt8(at)];
    if (table === undefined) throw new Error('The journal names a table that there is not.');
    const keyEnd = at + CHANGE_HEADER + bytes.readUInt16BE(at + 2);
    const valueEnd = keyEnd + bytes.readUInt32BE(at + 4);
    const hasValue = bytes.readUInt8(at + 1) === 1;
    const key = Buffer.from(bytes.subarray(at + CHANGE_HEADER, keyEnd));
    yield { table, key, value: hasValue ? Buffer.from(bytes.subarray(keyEnd, valueEnd)) : undefined };
    at = valueEnd;
  }
}
