import { BehaviorSubject, type Observable } from 'rxjs';
import type { Clock } from '../runtime/clock.js';
import type { Random } from '../runtime/random.js';
import type { RawBatch, RawLog, RawReadOptions } from './adapter.js';
import { LogClosedError, LogFormatError, LogUnavailableError } from './errors.js';
import { decodeState, readPosition, type StreamState } from './lmdb-format.js';
import { readRecords, readStreamRecords } from './lmdb-reading.js';
import { openLmdbStoreForReading, type LmdbStore } from './lmdb-store.js';
import type { Log, Retention } from './log.js';
import { NO_STREAM, START, type Position } from './position.js';
import { RecordLog } from './record-log.js';
import type { SealKeys } from './seal-keys.js';

/**
 * Opens the embedded log of a folder to read it, also while a server writes it: no lock is taken, nothing is
 * made, and appending is refused (LogUnavailableError). Its head is the one at the time of opening.
 *
 * @throws LogFormatError when there is no log, or a foreign, newer or unreadable one
 */
export function openLmdbLogForReading(options: {
  readonly folder: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly keys: SealKeys;
}): Log {
  return new RecordLog(new LmdbLogReader(options), options);
}

const EPOCH = Buffer.from('epoch');
const HEAD = Buffer.from('head');

class LmdbLogReader implements RawLog {
  readonly epoch: string;
  readonly #store: LmdbStore;
  readonly #heads: BehaviorSubject<Position>;
  readonly #clock: Clock;
  #closed = false;

  constructor(options: { readonly folder: string; readonly clock: Clock }) {
    this.#store = openLmdbStoreForReading(options.folder);
    this.#clock = options.clock;
    const epoch = this.#store.meta.getBinary(EPOCH)?.toString();
    if (epoch === undefined) {
      void this.#store.close();
      throw new LogFormatError(`The log in ${options.folder} was not completely set up.`);
    }
    this.epoch = epoch;
    const head = this.#store.meta.getBinary(HEAD);
    this.#heads = new BehaviorSubject<Position>((head === undefined ? 0 : readPosition(head)) || START);
  }

  get head(): Position {
    return this.#heads.value;
  }

  get heads(): Observable<Position> {
    return this.#heads;
  }

  async end(): Promise<Position> {
    const head = this.#open().meta.getBinary(HEAD);
    return (head === undefined ? 0 : readPosition(head)) || START;
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

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#heads.complete();
    await this.#store.close();
  }

  #state(stream: string): StreamState | undefined {
    const bytes = this.#open().streams.getBinary(Buffer.from(stream));
    return bytes === undefined ? undefined : decodeState(stream, bytes);
  }

  #open(): LmdbStore {
    if (this.#closed) throw new LogClosedError();
    return this.#store;
  }
}

async function refused(): Promise<never> {
  throw new LogUnavailableError('The log is open for reading only.', { outcomeUnknown: false });
}
