import { BehaviorSubject, type Observable } from 'rxjs';
import type { Clock } from '../runtime/clock.js';
import type { Random } from '../runtime/random.js';
import type { AppendObserver, RawBatch, RawLog, RawReadOptions, RawRecord } from './adapter.js';
import { LogClosedError } from './errors.js';
import { Commits } from './lmdb-commits.js';
import { requireConsistent } from './lmdb-consistency.js';
import { endEpoch, openEpoch } from './lmdb-epoch.js';
import { decodeState } from './lmdb-format.js';
import { readHead, readRecords, readRetained, readStreamRecords } from './lmdb-reading.js';
import { openLmdbStore, type LmdbStore } from './lmdb-store.js';
import { LmdbWriter } from './lmdb-writer.js';
import type { Appended, Log, Retention } from './log.js';
import { NO_STREAM, type Position } from './position.js';
import { RecordLog } from './record-log.js';
import type { SealKeys } from './seal-keys.js';

export interface LmdbLogOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer?: AppendObserver;
  /** The first size of LMDB's map, in bytes; it grows by itself. */
  readonly mapSize?: number;
  /** Bytes that must be free on the disk for anything to be written. */
  readonly leastFree?: number;
}

/**
 * Opens the embedded log.
 *
 * @throws LogFormatError when the folder is in use, or holds something foreign or newer
 */
export async function openLmdbLog(options: LmdbLogOptions & { readonly keys: SealKeys }): Promise<Log> {
  return new RecordLog(new LmdbLog(options), options);
}

/**
 * The embedded store of bytes: one LMDB environment, one process. Positions are 1, 2, 3...
 *
 * What durability rests on: an append is answered, and readable, when it is in the journal, which is written with
 * O_DSYNC (lmdb-journal.ts). Some milliseconds later it is brought into LMDB, whose environment is opened without
 * `overlappingSync`, so that a commit is LMDB's own (mdb_txn_commit): pages are written, fdatasync, then the meta page
 * through a descriptor with O_DSYNC. Only then is the journal's space used again. `transaction()` of lmdb 3.5.6 is
 * avoided: its callback is not always called on Node 20.
 */
export class LmdbLog implements RawLog {
  readonly epoch: string;
  /** They go into one transaction. */
  readonly appendsInOrder = 500;
  readonly isCounted = true;
  readonly #store: LmdbStore;
  readonly #writer: LmdbWriter;
  readonly #heads: BehaviorSubject<Position>;
  readonly #clock: Clock;
  #closed = false;

  constructor(options: LmdbLogOptions) {
    this.#store = openLmdbStore(options.folder, options);
    this.#clock = options.clock;
    let commits: Commits;
    try {
      commits = new Commits(this.#store, options.random);
      requireConsistent(this.#store, options.folder);
    } catch (error) {
      void this.#store.close();
      throw error;
    }
    this.epoch = openEpoch(this.#store, options.random);
    this.#heads = new BehaviorSubject<Position>(readHead(this.#store));
    this.#writer = new LmdbWriter(this.#store, commits, this.#heads, options.clock, options.observer);
  }

  get head(): Position {
    return this.#heads.value;
  }

  get heads(): Observable<Position> {
    return this.#heads;
  }

  async end(): Promise<Position> {
    this.#open();
    return this.head;
  }

  async append(stream: string, expectedRevision: number, records: readonly RawRecord[]): Promise<Appended> {
    this.#open();
    return this.#writer.append(stream, expectedRevision, records);
  }

  async revision(stream: string): Promise<number> {
    return this.#state(stream)?.revision ?? NO_STREAM;
  }

  readStream(stream: string, options: RawReadOptions & { readonly from?: number }): AsyncIterable<RawBatch> {
    return readStreamRecords(stream, options, {
      open: () => this.#open(),
      state: () => this.#state(stream),
      now: () => this.#clock.now(),
    });
  }

  readAll(
    options: RawReadOptions & { readonly after?: Position; readonly before?: Position },
  ): AsyncIterable<RawBatch> {
    return readRecords(() => this.#open(), this.head, options);
  }

  async setRetention(stream: string, retention: Retention): Promise<void> {
    this.#open();
    return this.#writer.setRetention(stream, retention);
  }

  async retention(stream: string): Promise<Retention> {
    return this.#state(stream)?.retention ?? {};
  }

  retained(): AsyncIterable<string> {
    return readRetained(() => this.#open());
  }

  /**
   * Gives back the space of up to so many records that retention has hidden, and says how many. Appending
   * does this by the way; see LmdbWriter.
   */
  async scavenge(limit: number): Promise<number> {
    this.#open();
    return this.#writer.scavenge(limit);
  }

  async endEpoch(): Promise<void> {
    await endEpoch(this.#open());
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#writer.finish();
    } finally {
      this.#closed = true;
      this.#heads.complete();
      await this.#store.close();
    }
  }

  #state(stream: string): ReturnType<typeof decodeState> | undefined {
    const bytes = this.#open().streams.getBinary(Buffer.from(stream));
    return bytes === undefined ? undefined : decodeState(stream, bytes);
  }

  /** LMDB must not be touched after closing: its memory is gone. */
  #open(): LmdbStore {
    if (this.#closed) throw new LogClosedError();
    return this.#store;
  }
}
