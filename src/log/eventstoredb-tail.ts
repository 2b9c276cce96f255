import { BACKWARDS, END, type AllStreamResolvedEvent } from '@eventstore/db-client';
import { BehaviorSubject, type Observable } from 'rxjs';
import type { Clock } from '../runtime/clock.js';
import type { RawBatch, RawRecord } from './adapter.js';
import type { Connection } from './eventstoredb-connection.js';
import { fromEvent, positionOf, toNumber } from './eventstoredb-format.js';
import type { StreamNames } from './eventstoredb-names.js';
import { RecentRecords } from './eventstoredb-recent.js';
import { pause } from './eventstoredb-waiting.js';
import { START, type Position } from './position.js';

/** Milliseconds. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 5_000;
/** How long what is on its way is waited for, in milliseconds, before it is read instead. */
const MOMENT = 100;

/**
 * The end of the log, as a subscription tells it: filtered by the server, from the end on, and begun anew when it is
 * lost, as no subscription does by itself.
 *
 * Nothing is read by subscription that is already there: one that begins at a position gives what comes after the
 * first event from there on, and where the event at that position was scavenged, that leaves one out.
 */
export class Tail {
  readonly #connection: Connection;
  readonly #names: StreamNames;
  readonly #clock: Clock;
  readonly #heads = new BehaviorSubject<Position>(START);
  readonly #recent = new RecentRecords();
  readonly #stop = new AbortController();
  /** Streams that a writer here is appending several records to: the head moves when all are there. */
  readonly #held = new Map<string, number>();
  /** The last record of ours that was seen. */
  #seen: Position = START;
  #waiting: { readonly position: Position; readonly settle: (reached: boolean) => void }[] = [];
  #live = false;
  #begun = false;
  #following: Promise<void> | undefined;

  constructor(connection: Connection, names: StreamNames, clock: Clock) {
    this.#connection = connection;
    this.#names = names;
    this.#clock = clock;
  }

  get head(): Position {
    return this.#heads.value;
  }

  get heads(): Observable<Position> {
    return this.#heads;
  }

  /** Begins to follow; resolves, when it does, with the position that it begins after. Rejects if it cannot. */
  async start(): Promise<Position> {
    await new Promise<void>((resolve, reject) => {
      this.#following = this.#keepFollowing(resolve, reject);
    });
    return this.#recent.position;
  }

  /** Moves the head, if that is forwards. */
  advance(position: Position): void {
    if (position > this.head) this.#heads.next(position);
  }

  /** Whether all records after a position, up to another, are at hand; waits a moment for those that are on their way. */
  async holds(after: Position, to: Position): Promise<boolean> {
    return this.#recent.covers(after) && (await this.#reaches(to)) && this.#recent.covers(after);
  }

  /** Records that `holds` has said to be at hand. */
  batch(after: Position, to: Position, size: number): RawBatch {
    return this.#recent.batch(after, to, size);
  }

  /** Where records lie that were just appended, the last of them at this position; undefined where that was not seen. */
  async positionsOf(
    stream: string,
    first: number,
    records: readonly RawRecord[],
    last: Position,
  ): Promise<Position[] | undefined> {
    await this.#reaches(last);
    return this.#recent.positionsOf(stream, first, records);
  }

  /** While this runs, the head does not move by records of the stream: then it does by all of them. */
  async holding<T>(stream: string, action: () => Promise<T>): Promise<T> {
    this.#held.set(stream, (this.#held.get(stream) ?? 0) + 1);
    try {
      return await action();
    } finally {
      const others = (this.#held.get(stream) ?? 1) - 1;
      if (others > 0) this.#held.set(stream, others);
      else this.#held.delete(stream);
      this.advance(this.#seen);
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#settle(false);
    await this.#following;
    this.#heads.complete();
  }

  async #keepFollowing(began: () => void, failed: (error: unknown) => void): Promise<void> {
    let wait = FIRST_PAUSE;
    while (!this.#stopping()) {
      try {
        await this.#follow(() => {
          wait = FIRST_PAUSE;
          began();
        });
      } catch (error) {
        if (!this.#begun) {
          failed(error);
          return;
        }
      }
      this.#live = false;
      this.#settle(false);
      await pause(this.#clock, wait, this.#stop.signal);
      wait = Math.min(2 * wait, LONGEST_PAUSE);
    }
  }

  #stopping(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Follows until that fails. What was appended while nobody followed is left to be read. */
  async #follow(began: () => void): Promise<void> {
    const ending = new AbortController();
    const arrived: AllStreamResolvedEvent[] = [];
    let confirm = (): void => undefined;
    const confirmed = new Promise<void>((resolve) => {
      confirm = resolve;
    });
    const following = this.#connection.follow(
      this.#names.start,
      {
        confirmed: confirm,
        event: (event) => {
          if (this.#live) this.#take(event);
          else arrived.push(event);
        },
        looked: ({ commit }) => {
          if (!this.#live) return;
          this.#recent.passed(toNumber(commit));
          this.#moved();
        },
      },
      AbortSignal.any([this.#stop.signal, ending.signal]),
    );
    // Heard below, but perhaps not yet when it happens.
    following.catch(() => undefined);
    try {
      await Promise.race([confirmed, following]);
      const end = await this.#end();
      this.#recent.resume(end);
      // Who follows has to look at what was missed, if only to see that it is nothing of ours.
      if (this.#begun) this.advance(end);
      this.#begun = true;
      this.#live = true;
      for (const event of arrived.splice(0)) this.#take(event);
      began();
      this.#moved();
      await following;
    } finally {
      ending.abort();
    }
  }

  /** The position of the last event in the server, whosever it is. */
  async #end(): Promise<Position> {
    const { events } = await this.#connection.page(
      (client) =>
        client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1, requiresLeader: true }),
      () => false,
    );
    const [last] = events;
    return last?.event === undefined ? START : positionOf(last.event);
  }

  #take({ event }: AllStreamResolvedEvent): void {
    const record = event === undefined ? undefined : fromEvent(event, this.#names);
    if (record === undefined || record.position <= this.#recent.position) return;
    this.#recent.add(record);
    this.#seen = record.position;
    if (!this.#held.has(record.stream)) this.advance(record.position);
    this.#moved();
  }

  #moved(): void {
    if (this.#waiting.length === 0) return;
    const { position } = this.#recent;
    const reached = this.#waiting.filter((one) => one.position <= position);
    this.#waiting = this.#waiting.filter((one) => one.position > position);
    for (const { settle } of reached) settle(true);
  }

  /** Whether the subscription has seen a position, now or within a moment. */
  #reaches(position: Position): Promise<boolean> {
    if (this.#recent.position >= position) return Promise.resolve(true);
    if (!this.#live) return Promise.resolve(false);
    return new Promise<boolean>((resolve) => {
      const settle = (reached: boolean): void => {
        timer.cancel();
        resolve(reached);
      };
      const one = { position, settle };
      const timer = this.#clock.after(MOMENT, () => {
        this.#waiting = this.#waiting.filter((other) => other !== one);
        resolve(false);
      });
      this.#waiting.push(one);
    });
  }

  #settle(reached: boolean): void {
    for (const { settle } of this.#waiting.splice(0)) settle(reached);
  }
}
