import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { open, type Database, type RootDatabase, type RootDatabaseOptions } from 'lmdb';
import { DiskGuard } from '../runtime/disk-guard.js';
import { damageOf, requireAccess } from '../runtime/lmdb-check.js';
import {
  CheckpointConflictError,
  ReadModelNotReadyError,
  ReadStoreFormatError,
  ReadStoreUnavailableError,
} from './errors.js';
import { encodeDocumentKey, indexEntries } from './keys.js';
import { LmdbCatalogue, type Slot } from './lmdb-catalogue.js';
import {
  asUnavailable,
  dumpSlot,
  LmdbCollection,
  reading,
  slotKey,
  type Databases,
} from './lmdb-collection.js';
import { LmdbScrub } from './lmdb-scrub.js';
import { decodeDocument, encodeDocument, encodeEntry, isDamage, isSoundEntry } from './lmdb-stored.js';
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
  /** Bytes that must be free on the disk for anything to be written. */
  readonly leastFree?: number;
  /** Told of everything that shows that the file is damaged. */
  readonly onDamage?: (error: unknown) => void;
}

/** How often, and after how many milliseconds, a store is looked at again that another process is making. */
const [MOST_LOOKS, LOOK_MS] = [100, 10];

/** Documents of a dropped version that are deleted in one transaction: some milliseconds' work. */
const PURGE_CHUNK = 1000;

/**
 * Opens the read store in a folder (made with mode 0700 where it is not there): one LMDB environment, `data.mdb`.
 * Any number of processes of one machine may have it open.
 *
 * A write is one transaction, so that all of it is there or nothing, after kill -9 and after power loss; it is
 * answered when visible, which is before it is flushed: what a power loss takes is folded again from the log.
 *
 * @throws ReadStoreFormatError when something else is in the folder, or read models of another format.
 */
export function openLmdbReadStore(folder: string, options: LmdbReadStoreOptions = {}): ReadStore {
  const readOnly = options.readOnly === true;
  if (!readOnly) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
  }
  const file = join(folder, READ_MODELS_FILE);
  if (!readOnly) requireAccess(file, `${file}-lock`);
  const damage = existsSync(file) ? damageOf(file, false) : undefined;
  if (damage !== undefined) throw new ReadStoreFormatError(`${file} ${damage}.`);
  let root: RootDatabase<Buffer, Uint8Array>;
  try {
    root = open<Buffer, Uint8Array>(file, {
      ...BINARY,
      readOnly,
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
export const READ_MODELS_CONTENT = { tables: ['meta', 'documents', 'indexes'], isSound: isSoundEntry };

const BINARY: RootDatabaseOptions = { keyEncoding: 'binary', encoding: 'binary' };

class LmdbReadStore implements ReadStore {
  readonly #root: RootDatabase<Buffer, Uint8Array>;
  readonly #disk: DiskGuard;
  readonly #readOnly: boolean;
  readonly #databases: Databases;
  readonly #catalogue: LmdbCatalogue;
  #closed = false;
  readonly #closing = new AbortController();
  readonly #transactions = new Set<Promise<void>>();
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
    this.#disk = new DiskGuard(file, options.leastFree ?? 0);
    this.#scrub = new LmdbScrub(root, file, (bytes, action) => this.#transaction(bytes, action));
    this.#readOnly = readOnly;
    const names = [...root.getKeys({ limit: 8 })].map((name) =>
      Buffer.from(name).toString().replace(/\0$/, ''),
    );
    if (names.length > 0 && !names.includes('meta')) {
      throw new ReadStoreFormatError('The database holds no read models of this program.');
    }
    const meta: Database<Buffer, Uint8Array> = root.openDB('meta', BINARY);
    this.#catalogue = new LmdbCatalogue(meta);
    // A synchronous transaction beside one that is under way in this process would wait for itself for ever: only who
    // finds nothing at all begins, and another process that comes at the same moment waits until it has.
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
    if (!readOnly && this.#catalogue.current().dropped.length > 0) this.#startPurge();
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

  /** Costs 0.3 ms for the commit and, with one index, 15 us for each document; another thread writes the file. */
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
      return prepare(write, position);
    });
    let bytes = 0;
    for (const { text = '' } of prepared) bytes += text.length;
    await this.#transaction(bytes, () => {
      for (const { next, expected } of checkpoints) {
        const actual = this.#catalogue.checkpoint(next.projection, next.version)?.position ?? -1;
        if (actual !== expected) throw new CheckpointConflictError(next.projection, expected, actual);
      }
      for (const write of prepared) this.#apply(write);
      for (const { next } of checkpoints) this.#catalogue.writeCheckpoint(next);
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

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing.abort();
    // LMDB may not be read any more once it is being closed.
    await this.#scrubbing;
    await Promise.allSettled(this.#transactions);
    await this.#purging;
    await this.#root.close();
  }

  async #runScrub(position: number, signal: AbortSignal): Promise<boolean> {
    this.#check();
    // Documents of dropped versions are deleted in the background.
    await this.#purging;
    try {
      if (!(await this.#scrub.run(AbortSignal.any([signal, this.#closing.signal])))) return false;
      await this.#transaction(0, () => {
        this.#catalogue.writeScrubbed(position);
      });
      return true;
    } catch (error) {
      if (this.#stopping()) return false;
      throw asUnavailable(error);
    }
  }

  #apply(write: Prepared): void {
    const { documents, indexes } = this.#databases;
    const slot = this.#catalogue.makeSlot(write.collection, write.version);
    const key = slotKey(slot.id, write.bytes);
    const stored = documents.get(key);
    const before = stored && decodeDocument(key, stored);
    if (before !== undefined && before.position >= write.position) return;
    const stale =
      before === undefined ? undefined : indexEntries(write.collection, before.document, write.key);
    for (const [name, entry] of write.entries) {
      const old = stale?.get(name);
      if (old !== undefined && Buffer.compare(old, entry) === 0) stale?.delete(name);
      else {
        const at = indexKey(slot, name, entry);
        void indexes.put(at, encodeEntry(at, key));
      }
    }
    for (const [name, entry] of stale ?? []) void indexes.remove(indexKey(slot, name, entry));
    if (write.text === undefined) void documents.remove(key);
    else void documents.put(key, encodeDocument(key, write.position, write.text));
  }

  /** @param bytes that are about to be written */
  async #transaction(bytes: number, action: () => void): Promise<void> {
    this.#check();
    if (this.#readOnly) throw new ReadStoreUnavailableError('The read store was opened to read only.');
    // A write that fails within LMDB is for the process to survive by luck.
    const objection = this.#disk.objection(2 * bytes);
    if (objection !== undefined) throw new ReadStoreUnavailableError(objection);
    // A child, because only that is undone when the action throws.
    const transaction = this.#root.childTransaction(action);
    this.#transactions.add(transaction);
    try {
      await transaction;
    } catch (error) {
      this.#catalogue.reload();
      if (isDamage(error)) this.#databases.onDamage(error);
      throw asUnavailable(error);
    } finally {
      this.#transactions.delete(transaction);
    }
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
          await setImmediate();
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

interface Prepared extends DocumentWrite {
  readonly version: number;
  readonly position: number;
  readonly bytes: Uint8Array;
  /** The document's JSON. */
  readonly text: string | undefined;
  readonly entries: ReadonlyMap<string, Uint8Array>;
}

function prepare(write: DocumentWrite & { readonly version: number }, position: number): Prepared {
  const { collection, document, key } = write;
  const entries =
    document === undefined ? new Map<string, Uint8Array>() : indexEntries(collection, document, key);
  const text = document && JSON.stringify(document);
  return { ...write, position, bytes: encodeDocumentKey(key), text, entries };
}

function indexKey(slot: Slot, name: string, entry: Uint8Array): Uint8Array {
  return slotKey(slot.indexes[name] ?? 0, entry);
}
