import {
  BACKWARDS,
  END,
  EventStoreDBClient,
  STREAM_NAME,
  type AllStreamRecordedEvent,
  type AllStreamResolvedEvent,
  type AllStreamSubscription,
  type AppendExpectedRevision,
  type AppendResult,
  type EventData,
  type Position as DriverPosition,
  type StreamingRead,
} from '@eventstore/db-client';
import type { Clock } from '../runtime/clock.js';
import { LogClosedError, LogFormatError } from './errors.js';
import {
  breaksConnection,
  GivenUpError,
  isNotLeader,
  NotBegunError,
  reasonOf,
  troubleOf,
} from './eventstoredb-errors.js';
import { bounded, Places } from './eventstoredb-waiting.js';

/** How long an append may take, in milliseconds, once it is under way. */
export const APPEND_PATIENCE = 5_000;
/** How long a page of a read may take, in milliseconds. */
const READ_PATIENCE = 10_000;
/** How long a line may take to its first answer, in milliseconds. */
const FIRST_PATIENCE = 2_000;
/**
 * What the server is told of how long an append may take, in milliseconds: it makes a time of that by our clock, and
 * compares it with its own.
 */
const TOLD_PATIENCE = 60_000;

/**
 * Appends under way at once. The driver queues what its stream does not take at once, from 16 messages on, and when
 * the stream then breaks, it rejects promises that nobody can hear, which ends the process. Below that it never
 * queues: an append is one message.
 */
export const MOST_APPENDS = 12;
/** Above what an append may be, so that it is one message. */
const MESSAGE_BYTES = 3 * 1_048_576;

/** A subscription tells of its position over what it leaves out after so many times 32 events. */
const CHECKPOINT_INTERVAL = 64;

/** What a page of a read gives. */
export interface Page<E> {
  readonly events: readonly E[];
  /** False where it was cut short for its size. */
  readonly whole: boolean;
}

/** Told about what a subscription sees. */
export interface Follower {
  /** From now on, everything that is appended is told. */
  confirmed(): void;
  event(event: AllStreamResolvedEvent): void;
  /** Everything up to here was looked at. */
  looked(position: DriverPosition): void;
}

/** One client of the driver, with all that hangs on it. */
interface Line {
  readonly client: EventStoreDBClient;
  /** What to do when it is given up, for each call that is under way. */
  readonly breaking: Set<() => void>;
  /** Whether the server has answered anything. */
  answered: boolean;
  /** What is asked before the first call, if nothing was answered by then. */
  question: Promise<unknown> | undefined;
  /** Settles with the first append. */
  first: Promise<unknown> | undefined;
}

/**
 * The driver, made safe. Every call has an end: the driver knows no deadline for reads, nor for what it asks before
 * an append, and keeps the answer to that for good, even a failure. So when something on a line fails in a way that
 * is not an answer of the server, all that hangs on the line is given up, and the next call begins another.
 */
export class Connection {
  readonly #url: string;
  readonly #clock: Clock;
  readonly #places: Places;
  #line: Line | undefined;
  #closed = false;

  /** @param url as `checkUrl` lets it pass */
  constructor(url: string, clock: Clock) {
    this.#url = url;
    this.#clock = clock;
    this.#places = new Places(MOST_APPENDS, clock);
  }

  /** Appends, or rejects with the driver's error, a GivenUpError, or a LogClosedError. */
  async append(
    stream: string,
    events: EventData[],
    expectedRevision: AppendExpectedRevision,
  ): Promise<AppendResult> {
    await this.#places.take(APPEND_PATIENCE);
    try {
      await this.#reach();
      return await this.#afterFirst(() =>
        this.#call(APPEND_PATIENCE, (client) =>
          client.appendToStream(stream, events, {
            expectedRevision,
            batchAppendSize: MESSAGE_BYTES,
            deadline: TOLD_PATIENCE,
            requiresLeader: true,
          }),
        ),
      );
    } finally {
      this.#places.leave();
    }
  }

  /** The driver makes its stream of appends with the first on a line: those that come meanwhile would overtake it. */
  async #afterFirst<T>(append: () => Promise<T>): Promise<T> {
    for (let line = this.#open(); line.first !== undefined; line = this.#open()) {
      await line.first;
      if (line === this.#line) return append();
    }
    const first = append();
    this.#open().first = first.catch(() => undefined);
    return first;
  }

  /** Reads what `start` asks for, until that ends or it is enough, which each event is asked about once. */
  async page<E>(
    start: (client: EventStoreDBClient) => StreamingRead<E>,
    enough: () => (event: E) => boolean,
    patience = READ_PATIENCE,
  ): Promise<Page<E>> {
    await this.#reach();
    try {
      return await this.#page(start, enough(), patience);
    } catch (error) {
      if (!isNotLeader(error)) throw error;
      return this.#page(start, enough(), patience);
    }
  }

  async #page<E>(
    start: (client: EventStoreDBClient) => StreamingRead<E>,
    enough: (event: E) => boolean,
    patience: number,
  ): Promise<Page<E>> {
    return this.#call(
      patience,
      (client) =>
        new Promise<Page<E>>((resolve, reject) => {
          const events: E[] = [];
          let done = false;
          const reading = start(client);
          const finish = (whole: boolean): void => {
            done = true;
            resolve({ events, whole });
          };
          // Stays: an error that nobody hears would end the process.
          reading.on('error', reject);
          reading.on('end', () => {
            finish(true);
          });
          reading.on('data', (event) => {
            if (done) return;
            events.push(event);
            if (!enough(event)) return;
            finish(false);
            reading.cancel().catch(() => undefined);
          });
        }),
    );
  }

  /**
   * Follows what is appended, from the time of `confirmed` on, to streams whose names begin so. Never resolves: it
   * rejects when the subscription ends, as all do that lose their server, or the signal aborts.
   */
  async follow(start: string, follower: Follower, signal: AbortSignal): Promise<never> {
    const line = this.#open();
    let end = (): void => undefined;
    let over = false;
    let subscription: AllStreamSubscription | undefined;
    try {
      return await new Promise<never>((_, reject) => {
        // A follower that throws would end the process. One whose subscription has ended here is told nothing
        // more, although that may still be on its way: the next one may know less.
        const guarded = (tell: () => void): void => {
          try {
            if (!over) tell();
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        };
        const giveUp = (reason: string) => () => {
          reject(new GivenUpError(reason));
        };
        const late = this.#clock.after(READ_PATIENCE, giveUp('the subscription was not confirmed'));
        end = giveUp('the subscription was given up');
        line.breaking.add(end);
        signal.addEventListener('abort', end);
        if (signal.aborted) end();
        subscription = line.client.subscribeToAll({
          fromPosition: END,
          requiresLeader: true,
          filter: {
            filterOn: STREAM_NAME,
            prefixes: [start],
            checkpointInterval: CHECKPOINT_INTERVAL,
            checkpointReached: (_subscription, position) => {
              guarded(() => {
                follower.looked(position);
              });
            },
          },
        });
        subscription.on('error', reject);
        subscription.on('end', giveUp('the subscription ended'));
        subscription.on('confirmation', () => {
          late.cancel();
          line.answered = true;
          guarded(() => {
            follower.confirmed();
          });
        });
        subscription.on('data', (event) => {
          guarded(() => {
            follower.event(event);
          });
        });
      });
    } catch (error) {
      if (breaksConnection(error) && !signal.aborted) this.#give(line);
      throw error;
    } finally {
      over = true;
      line.breaking.delete(end);
      signal.removeEventListener('abort', end);
      void subscription?.unsubscribe().catch(() => undefined);
    }
  }

  /** Gives up what is under way, and refuses everything. */
  async close(): Promise<void> {
    this.#closed = true;
    const line = this.#line;
    this.#line = undefined;
    for (const giveUp of line?.breaking ?? []) giveUp();
    // Whatever does not end in time ends with the process.
    if (line !== undefined) await bounded(line.client.dispose(), this.#clock, 1_000).catch(() => undefined);
  }

  /**
   * Makes sure of a line on which nothing was answered yet, by asking something small. What hangs already here is known
   * not to be written.
   */
  async #reach(): Promise<void> {
    const line = this.#open();
    if (line.answered) return;
    line.question ??= this.#page(readLast, () => false, FIRST_PATIENCE);
    try {
      await line.question;
    } catch (error) {
      if (isNotLeader(error)) return;
      throw troubleOf(error) === 'away' ? new NotBegunError(reasonOf(error)) : error;
    }
  }

  async #call<T>(patience: number, action: (client: EventStoreDBClient) => Promise<T>): Promise<T> {
    const line = this.#open();
    try {
      const answer = await bounded(action(line.client), this.#clock, patience, line.breaking);
      line.answered = true;
      return answer;
    } catch (error) {
      if (this.#closed) throw new LogClosedError();
      if (breaksConnection(error)) this.#give(line);
      else line.answered = true;
      throw error;
    }
  }

  #open(): Line {
    if (this.#closed) throw new LogClosedError();
    if (this.#line === undefined) {
      this.#line = {
        client: clientFor(this.#url),
        breaking: new Set(),
        answered: false,
        question: undefined,
        first: undefined,
      };
    }
    return this.#line;
  }

  /**
   * Gives a line up. Disposing of its client ends the stream of its appends before another client has one: when
   * such a stream ends, the driver rejects the appends of all clients of the process.
   */
  #give(line: Line): void {
    if (this.#line !== line) return;
    this.#line = undefined;
    for (const giveUp of line.breaking) giveUp();
    line.client.dispose().catch(() => undefined);
  }
}

/** @throws LogFormatError where files that it names cannot be used */
function clientFor(url: string): EventStoreDBClient {
  try {
    return EventStoreDBClient.connectionString(url);
  } catch (error) {
    // What the driver says of the string itself quotes it.
    const quotes = !(error instanceof Error) || 'connectionString' in error;
    throw new LogFormatError(`log.url cannot be used${quotes ? '' : `: ${error.message}`}`);
  }
}

/** The last event in the server, whosever it is. */
export async function lastEvent(connection: Connection): Promise<AllStreamRecordedEvent | undefined> {
  const { events } = await connection.page(readLast, () => () => false);
  return events[0]?.event;
}

function readLast(client: EventStoreDBClient): StreamingRead<AllStreamResolvedEvent> {
  return client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1, requiresLeader: true });
}
