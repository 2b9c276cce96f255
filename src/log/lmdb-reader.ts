import { Observable } from 'rxjs';
import type { Clock } from '../runtime/clock.js';
import type { Random } from '../runtime/random.js';
import type { RawBatch, RawLog, RawReadOptions } from './adapter.js';
import { LogClosedError, LogUnavailableError } from './errors.js';
import { holderOf } from './folder-lock.js';
import { JournalView } from './lmdb-commits.js';
import { readEpoch } from './lmdb-epoch.js';
import { decodeState, type StreamState } from './lmdb-format.js';
import { readHead, readRecords, readRetained, readStreamRecords } from './lmdb-reading.js';
import { openLmdbStoreForReading, type LmdbStore } from './lmdb-store.js';
import type { Log, Retention } from './log.js';
import { NO_STREAM, type Position } from './position.js';
import { RecordLog } from './record-log.js';
import type { SealKeys } from './seal-keys.js';

export interface LmdbReaderOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Opens the embedded log of a folder to read it, also while a server writes it: no lock is taken, nothing is
 * made, and appending is refused (LogUnavailableError).
 *
 * @throws LogFormatError when there is no log, or a foreign, newer or unreadable one
 */
export function openLmdbLogForReading(options: LmdbReaderOptions & { readonly keys: SealKeys }): Log {
  return new RecordLog(new LmdbLogReader(options), options);
}

/** Milliseconds between two looks for what another process has written, while somebody waits for it. */
const POLL = 100;

/** The store of bytes of a log that another process may write: its head is looked up whenever it is asked for. */
export class LmdbLogReader implements RawLog {
  readonly epoch: string;
  readonly appendsInOrder = 0;
  readonly #store: LmdbStore;
  readonly #clock: Clock;
  readonly #folder: string;
  readonly #journal: JournalView;
  #head: Position;
  #closed = false;

  constructor(options: LmdbReaderOptions) {
    this.#store = openLmdbStoreForReading(options.folder);
    this.#folder = options.folder;
    this.#journal = new JournalView(this.#store);
    this.#look();
    this.#clock = options.clock;
    this.epoch = readEpoch(this.#store, options.random);
    this.#head = readHead(this.#store);
  }

  get head(): Position {
    if (this.#closed) return this.#head;
    this.#look();
    this.#head = readHead(this.#store);
    return this.#head;
  }

  /** Looks now and then, while it is subscribed to. */
  get heads(): Observable<Position> {
    return new Observable((subscriber) => {
      let last: Position | undefined;
      const look = (): void => {
        if (this.#closed) {
          subscriber.complete();
          return;
        }
        const head = this.head;
        if (head !== last) subscriber.next(head);
        last = head;
        timer = this.#clock.after(POLL, look);
      };
      let timer = this.#clock.after(0, look);
      return () => {
        timer.cancel();
      };
    });
  }

  async end(): Promise<Position> {
    return this.head;
  }

  append(): Promise<never> {
    return refused();
  }

  setRetention(): Promise<never> {
    return refused();
  }

  endEpoch(): Promise<never> {
    return refused();
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

  async retention(stream: string): Promise<Retention> {
    return this.#state(stream)?.retention ?? {};
  }

  retained(): AsyncIterable<string> {
    return readRetained(() => this.#open());
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#store.close();
  }

  #state(stream: string): StreamState | undefined {
    const bytes = this.#open().streams.getBinary(Buffer.from(stream));
    return bytes === undefined ? undefined : decodeState(stream, bytes);
  }

  #look(): void {
    this.#journal.look(holderOf(this.#folder) !== undefined);
  }

  #open(): LmdbStore {
    if (this.#closed) throw new LogClosedError();
    this.#look();
    return this.#store;
  }
}

async function refused(): Promise<never> {
  throw new LogUnavailableError('The log is open for reading only.', { outcomeUnknown: false });
}
