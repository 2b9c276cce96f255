import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { open, type Database, type RootDatabase, type RootDatabaseOptions } from 'lmdb';
import { systemClock } from '../runtime/clock.js';
import { Courtesy } from '../runtime/courtesy.js';
import { DiskGuard } from '../runtime/disk-guard.js';
import { damageOf, requireAccess } from '../runtime/lmdb-check.js';
import { flushBeside, flushLeft, leaveUnflushed, lossOf } from '../runtime/unflushed.js';
import { ReadModelNotReadyError, ReadStoreFormatError, ReadStoreUnavailableError } from './errors.js';
import { LmdbCatalogue } from './lmdb-catalogue.js';
import {
  asUnavailable,
  dumpSlot,
  LmdbCollection,
  reading,
  slotKey,
  type Databases,
} from './lmdb-collection.js';
import { LmdbScrub } from './lmdb-scrub.js';
import { isDamage, isSoundEntry, TABLES } from './lmdb-stored.js';
import { applyWrite, prepareWrite } from './lmdb-writes.js';
import type {
  Checkpoint,
  Collection,
  CollectionDefinition,
  Document,
  DocumentWrite,
  Key,
  Lease,
  ReadStore,
  Scrubbing,
  Serving,
} from './store.js';

export interface LmdbReadStoreOptions {
  /** Only reads, beside a process that writes; the store must be there. */
  readonly readOnly?: boolean;
  /**
   * Where two threads of this process share the store: one reads it, has it open for longer, and takes care of its file;
   * the other writes it.
   */
  readonly thread?: 'reads' | 'writes';
  /** Other processes write, too: then each write is flushed. */
  readonly shared?: boolean;
  /** Bytes that must be free on the disk for anything to be written. */
  readonly leastFree?: number;
  /** Told of everything that shows that the file is damaged. */
  readonly onDamage?: (error: unknown) => void;
}

/** How often, and after how many milliseconds, a store is looked at again that another process is making. */
const [MOST_LOOKS, LOOK_MS] = [100, 10];

/** Milliseconds for which a look at the disk is enough: what is lost here is made again. */
const DISK_LOOK_MS = 20;

/** Milliseconds after which it is looked for processes that were killed while they read: their pages are not used again. */
const READERS_MS = 60_000;

/** Milliseconds after which writing gives others a turn. */
const LONGEST_TURN = 5;

/** Documents of a dropped version that are deleted in one transaction: some milliseconds' work. */
const PURGE_CHUNK = 1000;

/**
 * Opens the read store in a folder (made with mode 0700 where it is not there): one LMDB environment, `data.mdb`.
 * Any number of processes of one machine may have it open.
 *
 * A write is one transaction, so that all of it is there or nothing, after kill -9. Who is alone leaves the file to the
 * system until it is closed, since flushing it would slow down the log's flushes: after a power loss it is refused, and
 * made again from the log.
 *
 * @throws ReadStoreFormatError when something else is in the folder, or read models of another format, or that were lost
 */
export function openLmdbReadStore(folder: string, options: LmdbReadStoreOptions = {}): ReadStore {
  const { readOnly = false } = options;
  const beside = options.thread === 'writes';
  if (!readOnly) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
  }
  const file = join(folder, READ_MODELS_FILE);
  if (!readOnly) requireAccess(file, `${file}-lock`);
  const loss = beside ? undefined : lossOf(file);
  if (loss !== undefined)
    throw new ReadStoreFormatError(`${file} ${loss}: delete ${folder}, it is made again from the log.`, {
      ours: true,
    });
  const damage = existsSync(file) && !beside ? damageOf(file, false) : undefined;
  if (damage !== undefined) throw new ReadStoreFormatError(`${file} ${damage}.`);
  const isShared = readOnly || options.shared === true;
  if (isShared && !readOnly && !beside) flushLeft(file);
  const noSync = !isShared && leaveUnflushed(file);
  let root: RootDatabase<Buffer, Uint8Array>;
  try {
    root = open<Buffer, Uint8Array>(file, {
      ...BINARY,
      readOnly,
      noSync,
      // Transactions are synchronous here: this would make them wait for two flushes.
      overlappingSync: false,
      maxDbs: 4,
      // Keys may have 4,026 bytes with such pages, and 1,978 otherwise.
      pageSize: 8192,
    });
  } catch (error) {
    throw new ReadStoreFormatError(`${folder} holds no read models that can be opened: ${String(error)}`);
  }
  try {
    return new LmdbReadStore(root, file, options);
  } catch (error) {
    void root.close();
    throw error;
  }
}

/** The database's file in the folder of the read models. */
export const READ_MODELS_FILE = 'data.mdb';

/** What is in it. */
export const READ_MODELS_CONTENT = { tables: TABLES, isSound: isSoundEntry };

const BINARY: RootDatabaseOptions = { keyEncoding: 'binary', encoding: 'binary' };

class LmdbReadStore implements ReadStore {
  readonly #root: RootDatabase<Buffer, Uint8Array>;
  readonly #file: string;
  readonly #disk: DiskGuard;
  readonly #readOnly: boolean;
  readonly #thread: 'reads' | 'writes' | undefined;
  readonly #databases: Databases;
  readonly #catalogue: LmdbCatalogue;
  #closed = false;
  readonly #courtesy = new Courtesy(systemClock, LONGEST_TURN);
  #readersChecked = 0;
  readonly #closing = new AbortController();
  #purging: Promise<void> = Promise.resolve();
  readonly #scrub: LmdbScrub;
  #scrubbing: Promise<unknown> = Promise.resolve();

  readonly scrubbing: Scrubbing = {
    scrubbed: async () => this.#read(() => this.#catalogue.scrubbed()),
    scrub: (position, signal) => {
      const run = this.#runScrub(position, signal);
      this.#scrubbing = run.catch(() => undefined);
      return run;
    },
  };

  constructor(root: RootDatabase<Buffer, Uint8Array>, file: string, options: LmdbReadStoreOptions) {
    const { readOnly = false, onDamage = () => undefined } = options;
    this.#root = root;
    this.#file = file;
    this.#disk = new DiskGuard(file, options.leastFree ?? 0, DISK_LOOK_MS);
    this.#scrub = new LmdbScrub(root, file, (bytes, action) => this.#transaction(bytes, action));
    this.#readOnly = readOnly;
    this.#thread = options.thread;
    const names = [...root.getKeys({ limit: 8 })].map((name) =>
      Buffer.from(name).toString().replace(/\0$/, ''),
    );
    if (names.length > 0 && !names.includes('meta')) {
      throw new ReadStoreFormatError('The database holds no read models of this program.');
    }
    const meta: Database<Buffer, Uint8Array> = root.openDB('meta', BINARY);
    this.#catalogue = new LmdbCatalogue(meta);
    // Only who finds nothing at all begins, and another process that comes at the same moment waits until it has.
    if (!readOnly && names.length === 0) {
      root.transactionSync(() => {
        this.#catalogue.begin();
      });
    }
    for (let looks = 0; looks < MOST_LOOKS && this.#catalogue.isEmpty(); looks++) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_MS);
      root.resetReadTxn();
    }
    this.#catalogue.checkFormat();
    this.#databases = {
      documents: root.openDB<Buffer, Uint8Array>('documents', BINARY),
      indexes: root.openDB<Buffer, Uint8Array>('indexes', BINARY),
      onDamage,
    };
    const isWriter = !readOnly && this.#thread !== 'reads';
    if (isWriter && this.#catalogue.current().dropped.length > 0) this.#startPurge();
  }

  collection<D extends Document>(definition: CollectionDefinition<D>): Collection<D> {
    return new LmdbCollection<D>(this.#databases, () => {
      this.#check();
      const version = this.#catalogue.current().serving[definition.projection];
      if (version === undefined) throw new ReadModelNotReadyError(definition.projection);
      return this.#catalogue.slot(definition, version);
    });
  }

  version<D extends Document>(definition: CollectionDefinition<D>, version: number): Collection<D> {
    return new LmdbCollection<D>(this.#databases, () => {
      this.#check();
      return this.#catalogue.slot(definition, version);
    });
  }

  /** One synchronous transaction: handing it to lmdb's own thread and back costs more than most writes take. */
  async write(
    writes: readonly (DocumentWrite & { readonly projection: string; readonly version: number })[],
    checkpoints: readonly { readonly next: Checkpoint; readonly expected: number }[],
  ): Promise<void> {
    const positions = new Map(
      checkpoints.map(({ next }) => [`${next.projection}@${next.version}`, next.position]),
    );
    const prepared = writes.map((write) => {
      const position = positions.get(`${write.projection}@${write.version}`);
      if (position === undefined)
        throw new Error(`A document of ${write.projection} is written without a checkpoint.`);
      return prepareWrite(write, position);
    });
    let bytes = 0;
    for (const { text = '' } of prepared) bytes += text.length;
    await this.#transaction(bytes, () => {
      this.#catalogue.moveCheckpoints(checkpoints);
      for (const write of prepared) applyWrite(this.#databases, this.#catalogue, write);
    });
  }

  async checkpoint(projection: string, version: number): Promise<Checkpoint | undefined> {
    return this.#read(() => this.#catalogue.checkpoint(projection, version));
  }

  async checkpoints(): Promise<Checkpoint[]> {
    return this.#read(() => this.#catalogue.checkpoints());
  }

  async serving(): Promise<Serving[]> {
    return this.#read(() => this.#catalogue.serving());
  }

  async serve(projection: string, version: number): Promise<void> {
    // Nothing is written for what is so already, so that a server starts on a full disk.
    if (this.#read(() => this.#catalogue.current().serving[projection]) === version) return;
    await this.#transaction(0, () => {
      this.#catalogue.serve(projection, version);
    });
  }

  /** The documents themselves are deleted in the background. */
  async drop(projection: string, version: number): Promise<void> {
    await this.#transaction(0, () => {
      this.#catalogue.drop(projection, version);
    });
    this.#startPurge();
  }

  async *dump<D extends Document>(
    definition: CollectionDefinition<D>,
    version: number,
  ): AsyncGenerator<{ key: Key; bytes: Uint8Array }> {
    const slot = this.#read(() => this.#catalogue.slot(definition, version));
    if (slot !== undefined) yield* dumpSlot(this.#databases, slot, definition);
  }

  async lease(name: string): Promise<Lease | undefined> {
    return this.#read(() => this.#catalogue.lease(name));
  }

  async changeLease(next: Lease, expected: Lease | undefined): Promise<boolean> {
    let changed = false;
    await this.#transaction(0, () => {
      changed = this.#catalogue.changeLease(next, expected);
    });
    return changed;
  }

  refresh(): void {
    this.#check();
    this.#root.resetReadTxn();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing.abort();
    // LMDB may not be read any more once it is being closed.
    await this.#scrubbing;
    await this.#purging;
    await this.#root.close();
    if (!this.#readOnly && this.#thread !== 'writes') flushLeft(this.#file);
  }

  async #runScrub(position: number, signal: AbortSignal): Promise<boolean> {
    this.#check();
    // Documents of dropped versions are deleted in the background.
    await this.#purging;
    try {
      if (!(await this.#scrub.run(AbortSignal.any([signal, this.#closing.signal])))) return false;
      await flushBeside(this.#file);
      await this.#transaction(0, () => {
        this.#catalogue.writeScrubbed(position);
      });
      return true;
    } catch (error) {
      if (this.#stopping()) return false;
      throw asUnavailable(error);
    }
  }

  /** @param bytes that are about to be written */
  async #transaction(bytes: number, action: () => void): Promise<void> {
    this.#check();
    if (this.#readOnly) throw new ReadStoreUnavailableError('The read store was opened to read only.');
    // A write that fails within LMDB is for the process to survive by luck.
    const objection = this.#disk.objection(2 * bytes);
    if (objection !== undefined) throw new ReadStoreUnavailableError(objection);
    const now = performance.now();
    if (now - this.#readersChecked > READERS_MS) {
      this.#readersChecked = now;
      this.#root.readerCheck();
    }
    try {
      this.#root.transactionSync(action);
    } catch (error) {
      this.#catalogue.reload();
      if (isDamage(error)) this.#databases.onDamage(error);
      throw asUnavailable(error);
    }
    // Who writes in a loop must not keep everybody else waiting.
    await this.#courtesy.turn();
  }

  #startPurge(): void {
    this.#purging = this.#purging.then(() => this.#purge()).catch(() => undefined);
  }

  /** Deletes the entries of dropped versions, in small transactions; what is left is done when the store is opened again. */
  async #purge(): Promise<void> {
    if (this.#closed) return;
    for (const id of this.#catalogue.current().dropped) {
      const range = {
        start: slotKey(id, Buffer.alloc(0)),
        end: slotKey(id + 1, Buffer.alloc(0)),
        limit: PURGE_CHUNK,
      };
      for (const database of [this.#databases.documents, this.#databases.indexes]) {
        while (true) {
          if (this.#stopping()) return;
          const keys = [...database.getKeys(range)];
          if (keys.length === 0) break;
          await this.#transaction(0, () => {
            for (const key of keys) void database.remove(key);
          });
          await nextTurn();
        }
      }
      await this.#transaction(0, () => {
        this.#catalogue.purged(id);
      });
      if (this.#stopping()) return;
    }
  }

  #stopping(): boolean {
    return this.#closed;
  }

  #read<T>(read: () => T): T {
    this.#check();
    return reading(read, this.#databases.onDamage);
  }

  #check(): void {
    if (this.#closed) throw new ReadStoreUnavailableError('The read store is closed.');
  }
}
