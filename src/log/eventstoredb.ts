import { setTimeout as pause } from 'node:timers/promises';
import type { Observable } from 'rxjs';
import type { Clock } from '../runtime/clock.js';
import type { Random } from '../runtime/random.js';
import type { AppendObserver, RawBatch, RawLog, RawReadOptions, RawRecord } from './adapter.js';
import { LogClosedError, LogFormatError, LogUnavailableError } from './errors.js';
import { Connection, MOST_APPENDS } from './eventstoredb-connection.js';
import { reasonOf, troubleOf } from './eventstoredb-errors.js';
import { endHistory, findHistory, openHistory, type History } from './eventstoredb-history.js';
import { StreamNames } from './eventstoredb-names.js';
import { lastPosition, readRecords, readStreamRecords, type Source } from './eventstoredb-reading.js';
import { RetainedStreams } from './eventstoredb-retained.js';
import { readRetention, writeRetention } from './eventstoredb-retention.js';
import { Tail } from './eventstoredb-tail.js';
import { checkUrl } from './eventstoredb-url.js';
import { EventStoreDbWriter, unavailable } from './eventstoredb-writer.js';
import type { Appended, Log, Retention } from './log.js';
import type { Position } from './position.js';
import { RecordLog } from './record-log.js';
import type { SealKeys } from './seal-keys.js';

export interface EventStoreDbLogOptions {
  /** A connection string, as eventstoredb-url.ts describes it. */
  readonly url: string;
  /** What the names of all our streams begin with there. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer?: AppendObserver;
  /** Nothing is written, and appending is refused; there must be a log. */
  readonly readOnly?: boolean;
  /** How long a server that does not answer is waited for when opening, in milliseconds. */
  readonly patience?: number;
  /** Called once, when the log is closed. */
  readonly onClosed?: () => void;
}

/** Long enough for a server that starts at the same time. */
const OPEN_PATIENCE = 15_000;
const OPEN_PAUSE = 250;

/**
 * Opens the log that lies in EventStoreDB under a prefix, or begins one.
 *
 * @throws LogFormatError when what is there is foreign or newer, or the URL or its credentials are refused;
 *   LogUnavailableError when the server does not answer for 15 seconds
 */
export async function openEventStoreDbLog(
  options: EventStoreDbLogOptions & { readonly keys: SealKeys },
): Promise<Log> {
  return new RecordLog(await EventStoreDbLog.open(options), options);
}

/** Whether there is a log under the prefix. @throws as `openEventStoreDbLog` */
export async function hasEventStoreDbLog(
  options: Pick<EventStoreDbLogOptions, 'url' | 'prefix' | 'clock' | 'patience'>,
): Promise<boolean> {
  const hosts = checkUrl(options.url);
  const connection = new Connection(options.url, options.clock);
  try {
    const names = new StreamNames(options.prefix);
    return (await patienceOf(hosts, options)(() => findHistory(connection, names))) !== undefined;
  } finally {
    await connection.close();
  }
}

/**
 * The store of bytes in EventStoreDB. A stream of ours is one there, under the prefix; a position is a commit
 * position, which is where a record begins in the server's transaction file.
 */
export class EventStoreDbLog implements RawLog {
  readonly epoch: string;
  /** One stream takes them to the server, which goes by it; what waits for a place may get another. */
  readonly appendsInOrder = MOST_APPENDS;
  readonly #connection: Connection;
  readonly #names: StreamNames;
  readonly #tail: Tail;
  readonly #source: Source;
  readonly #writer: EventStoreDbWriter;
  readonly #retained: RetainedStreams;
  readonly #random: Random;
  readonly #readOnly: boolean;
  readonly #onClosed: (() => void) | undefined;
  readonly #writing = new Set<Promise<unknown>>();
  #closed = false;

  static async open(options: EventStoreDbLogOptions): Promise<EventStoreDbLog> {
    const hosts = checkUrl(options.url);
    const connection = new Connection(options.url, options.clock);
    const names = new StreamNames(options.prefix);
    const tail = new Tail(connection, names, options.clock);
    try {
      const patience = patienceOf(hosts, options);
      const history = await patience(() => historyOf(connection, names, options));
      await patience(() => tail.start());
      tail.advance(await patience(() => lastPosition({ connection, names, begins: history.begins })));
      return new EventStoreDbLog(options, connection, names, tail, history);
    } catch (error) {
      await tail.stop();
      await connection.close();
      throw error;
    }
  }

  private constructor(
    options: EventStoreDbLogOptions,
    connection: Connection,
    names: StreamNames,
    tail: Tail,
    history: History,
  ) {
    this.epoch = history.epoch;
    this.#connection = connection;
    this.#names = names;
    this.#tail = tail;
    this.#source = { connection, names, tail, begins: history.begins };
    this.#writer = new EventStoreDbWriter(connection, names, tail, options.clock, options.observer);
    this.#retained = new RetainedStreams(this.#source);
    this.#random = options.random;
    this.#readOnly = options.readOnly ?? false;
    this.#onClosed = options.onClosed;
  }

  get head(): Position {
    return this.#tail.head;
  }

  get heads(): Observable<Position> {
    return this.#tail.heads;
  }

  async end(): Promise<Position> {
    this.#open();
    return telling(this.#tail.end());
  }

  append(stream: string, expectedRevision: number, records: readonly RawRecord[]): Promise<Appended> {
    return this.#write(() => this.#writer.append(stream, expectedRevision, records));
  }

  async revision(stream: string): Promise<number> {
    this.#open();
    return telling(this.#writer.revision(stream));
  }

  readStream(stream: string, options: RawReadOptions & { readonly from?: number }): AsyncIterable<RawBatch> {
    return this.#reading(() => readStreamRecords(this.#source, stream, options));
  }

  readAll(
    options: RawReadOptions & { readonly after?: Position; readonly before?: Position },
  ): AsyncIterable<RawBatch> {
    return this.#reading(() => readRecords(this.#source, options));
  }

  setRetention(stream: string, retention: Retention): Promise<void> {
    return this.#write(() => writeRetention(this.#connection, this.#names, stream, retention, this.#random));
  }

  async retention(stream: string): Promise<Retention> {
    this.#open();
    return telling(readRetention(this.#connection, this.#names, stream));
  }

  retained(): AsyncIterable<string> {
    return this.#reading(() => this.#retained.list());
  }

  endEpoch(): Promise<void> {
    return this.#write(() => endHistory(this.#connection, this.#names, this.#random));
  }

  /** Waits for what was accepted, then refuses everything. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.allSettled(this.#writing);
    await this.#tail.stop();
    await this.#connection.close();
    this.#onClosed?.();
  }

  async #write<T>(action: () => Promise<T>): Promise<T> {
    this.#open();
    if (this.#readOnly) {
      throw new LogUnavailableError('The log is open for reading only.', { outcomeUnknown: false });
    }
    const writing = telling(action(), true);
    this.#writing.add(writing);
    try {
      return await writing;
    } finally {
      this.#writing.delete(writing);
    }
  }

  async *#reading<T>(read: () => AsyncIterable<T>): AsyncGenerator<T> {
    this.#open();
    const batches: AsyncIterator<T, unknown> = read()[Symbol.asyncIterator]();
    for (;;) {
      const step = await telling(batches.next());
      // What is at hand needs no connection, which would refuse.
      this.#open();
      if (step.done === true) return;
      yield step.value;
    }
  }

  #open(): void {
    if (this.#closed) throw new LogClosedError();
  }
}

async function historyOf(
  connection: Connection,
  names: StreamNames,
  { readOnly, random }: EventStoreDbLogOptions,
): Promise<History> {
  if (readOnly !== true) return openHistory(connection, names, random);
  const found = await findHistory(connection, names);
  if (found === undefined) {
    throw new LogFormatError(
      `There is no log in EventStoreDB under ${names.start}*: no server has run there.`,
    );
  }
  return { epoch: found.state.epoch, begins: found.begins };
}

/** Runs actions, and repeats them while the server does not answer, until the patience for all of them is used up. */
function patienceOf(
  hosts: string,
  { clock, patience = OPEN_PATIENCE }: Pick<EventStoreDbLogOptions, 'clock' | 'patience'>,
): <T>(action: () => Promise<T>) => Promise<T> {
  const end = clock.monotonic() + patience;
  return async (action) => {
    for (;;) {
      try {
        return await action();
      } catch (error) {
        const trouble = troubleOf(error);
        if (trouble === 'denied') {
          throw new LogFormatError(
            `EventStoreDB at ${hosts} refuses access: log.url has to name an account that may read $all and write our streams.`,
          );
        }
        if (trouble !== 'away') throw error;
        if (clock.monotonic() >= end) {
          throw new LogUnavailableError(`EventStoreDB at ${hosts} cannot be reached: ${reasonOf(error)}`, {
            outcomeUnknown: false,
            cause: error,
          });
        }
      }
      // A timer that keeps the process alive: there may be nothing else yet.
      await pause(OPEN_PAUSE);
    }
  };
}

/** The driver's errors as those of the port. */
async function telling<T>(work: Promise<T>, outcomeUnknown = false): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const trouble = troubleOf(error);
    if (trouble === 'away' || trouble === 'denied') throw unavailable(error, outcomeUnknown);
    throw error;
  }
}
