import { setMaxListeners } from 'node:events';
import {
  END,
  EventStoreDBClient,
  STREAM_NAME,
  type AllStreamResolvedEvent,
  type AllStreamSubscription,
  type AppendExpectedRevision,
  type AppendResult,
  type EventData,
  type Position as DriverPosition,
  type StreamingRead,
} from '@eventstore/db-client';
import type { Clock } from '../runtime/clock.js';
import { LogClosedError } from './errors.js';
import { breaksConnection, GivenUpError } from './eventstoredb-errors.js';
import { bounded, Places } from './eventstoredb-waiting.js';

/** How long an append may take, in milliseconds, once it is under way. */
export const APPEND_PATIENCE = 5_000;
/** How long a page of a read may take, in milliseconds. */
const READ_PATIENCE = 10_000;

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
  readonly broken: AbortController;
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
      return await this.#call(APPEND_PATIENCE, (client) =>
        client.appendToStream(stream, events, {
          expectedRevision,
          batchAppendSize: MESSAGE_BYTES,
          deadline: APPEND_PATIENCE,
          requiresLeader: true,
        }),
      );
    } finally {
      this.#places.leave();
    }
  }

  /** Reads what `start` asks for, until that ends or it is enough, which each event is asked about once. */
  async page<E>(
    start: (client: EventStoreDBClient) => StreamingRead<E>,
    enough: (event: E) => boolean,
    patience = READ_PATIENCE,
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
    const ended = AbortSignal.any([signal, line.broken.signal]);
    let subscription: AllStreamSubscription | undefined;
    try {
      return await new Promise<never>((_, reject) => {
        // A follower that throws would end the process.
        const guarded = (tell: () => void): void => {
          try {
            tell();
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        };
        const giveUp = (reason: string) => () => {
          reject(new GivenUpError(reason));
        };
        const late = this.#clock.after(READ_PATIENCE, giveUp('the subscription was not confirmed'));
        ended.addEventListener('abort', giveUp('the subscription was given up'));
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
      void subscription?.unsubscribe().catch(() => undefined);
    }
  }

  /** Gives up what is under way, and refuses everything. */
  async close(): Promise<void> {
    this.#closed = true;
    const line = this.#line;
    this.#line = undefined;
    line?.broken.abort();
    // Whatever does not end in time ends with the process.
    if (line !== undefined) await bounded(line.client.dispose(), this.#clock, 1_000).catch(() => undefined);
  }

  async #call<T>(patience: number, action: (client: EventStoreDBClient) => Promise<T>): Promise<T> {
    const line = this.#open();
    try {
      return await bounded(action(line.client), this.#clock, patience, line.broken.signal);
    } catch (error) {
      if (this.#closed) throw new LogClosedError();
      if (breaksConnection(error)) this.#give(line);
      throw error;
    }
  }

  #open(): Line {
    if (this.#closed) throw new LogClosedError();
    if (this.#line === undefined) {
      const broken = new AbortController();
      // One for every call that is under way.
      setMaxListeners(0, broken.signal);
      this.#line = { client: EventStoreDBClient.connectionString(this.#url), broken };
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
    line.broken.abort();
    line.client.dispose().catch(() => undefined);
  }
}
