import {
  BACKWARDS,
  END,
  FORWARDS,
  type AllStreamResolvedEvent,
  type ReadPosition,
} from '@eventstore/db-client';
import { BehaviorSubject, type Observable } from 'rxjs';
import type { Clock } from '../runtime/clock.js';
import type { RawBatch, RawRecord } from './adapter.js';
import { lastEvent, type Connection } from './eventstoredb-connection.js';
import { breaksConnection, troubleOf } from './eventstoredb-errors.js';
import { driverPosition, fromEvent, positionOf, toNumber } from './eventstoredb-format.js';
import type { StreamNames } from './eventstoredb-names.js';
import { readAllPage } from './eventstoredb-pages.js';
import { RecentRecords } from './eventstoredb-recent.js';
import { pause } from './eventstoredb-waiting.js';
import { START, type Position } from './position.js';

/** Before following again after a failure, in milliseconds. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 5_000;
/** The same after the server has ended the subscription since more came at once than it keeps for one. */
const BUSY_PAUSE = 250;
/** How long what is on its way is waited for, in milliseconds, before it is read instead. */
const MOMENT = 100;
/** How far behind, in bytes of the server's file, the newest records are read to be at hand again. */
const MOST_MISSED = 4 * 1_048_576;
const PAGE = 500;
/** Events that are looked at in one go for the last of ours: others write now and then, such as the server its figures. */
const END_PAGE = 20;

/**
 * The end of the log: its newest records, at hand for all who follow it, and where it is.
 *
 * A subscription tells, filtered by the server, from the end on, and is begun anew when it is lost, as no subscription
 * does by itself. It is lost under load, too: the server ends it when some 64 events wait. Meanwhile what is wanted is
 * read, once for all. Nothing is read by subscription that is already there: one that begins at a position gives what
 * comes after the first event from there on, and where the event at that position was scavenged, that leaves one out.
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
  #reading: Promise<void> | undefined;

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

  /** Begins to follow, and resolves when it does. Rejects if it cannot, and may then be called again. */
  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#following = this.#keepFollowing(resolve, reject);
    });
  }

  /** Moves the head, if that is forwards. */
  advance(position: Position): void {
    if (position > this.head) this.#heads.next(position);
  }

  /** The position of the last record of ours, asked of the server: what is newer than the head is looked at from the end on. */
  async end(): Promise<Position> {
    let from: ReadPosition = END;
    for (;;) {
      const { events, whole } = await readAllPage(this.#connection, from, BACKWARDS, END_PAGE);
      for (const event of events) {
        const position = positionOf(event);
        if (position <= this.head) return this.head;
        if (fromEvent(event, this.#names) !== undefined) return position;
        from = event.position;
      }
      if (whole && events.length < END_PAGE) return this.head;
    }
  }

  /** Whether all records after a position, up to another, are at hand, or can soon be. */
  async holds(after: Position, to: Position): Promise<boolean> {
    return this.#recent.covers(after) && (await this.#obtain(to)) && this.#recent.covers(after);
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
    return (await this.#obtain(last)) ? this.#recent.positionsOf(stream, first, records) : undefined;
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
    this.#rest();
    await this.#following;
    this.#heads.complete();
  }

  async #keepFollowing(began: () => void, failed: (error: unknown) => void): Promise<void> {
    let wait = FIRST_PAUSE;
    while (!this.#stopping()) {
      let busy = false;
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
        busy = !breaksConnection(error);
      }
      this.#rest();
      await pause(this.#clock, busy ? BUSY_PAUSE : wait, this.#stop.signal);
      if (!busy) wait = Math.min(2 * wait, LONGEST_PAUSE);
    }
  }

  #stopping(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Nothing comes by itself: who waits for it has to read. */
  #rest(): void {
    this.#live = false;
    for (const { settle } of this.#waiting.splice(0)) settle(false);
  }

  /** Follows until that fails. */
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
          if (this.#live) this.#passed(toNumber(commit));
        },
      },
      AbortSignal.any([this.#stop.signal, ending.signal]),
    );
    // Heard below, but perhaps not yet when it happens.
    following.catch(() => undefined);
    try {
      await Promise.race([confirmed, following]);
      await this.#catchUp();
      this.#live = true;
      for (const event of arrived.splice(0)) this.#take(event);
      began();
      await following;
    } finally {
      ending.abort();
    }
  }

  /** To the end as it is now, whosever event that is; what is far behind is left to those who follow. */
  async #catchUp(): Promise<void> {
    const last = await lastEvent(this.#connection);
    const end = last === undefined ? START : positionOf(last);
    const missed = end - this.#recent.position;
    if (!this.#begun || missed < 0 || missed > MOST_MISSED || !(await this.#readTo(end))) {
      this.#recent.resume(end);
    }
    // Who follows has to look at what was missed, if only to see that it is nothing of ours.
    if (this.#begun) this.advance(end);
    this.#begun = true;
  }

  #take({ event }: AllStreamResolvedEvent): void {
    const record = event === undefined ? undefined : fromEvent(event, this.#names);
    if (record === undefined || record.position <= this.#recent.position) return;
    this.#recent.add(record);
    this.#seen = record.position;
    if (!this.#held.has(record.stream)) this.advance(record.position);
    this.#moved();
  }

  #passed(position: Position): void {
    this.#recent.passed(position);
    this.#moved();
  }

  #moved(): void {
    if (this.#waiting.length === 0) return;
    const { position } = this.#recent;
    const reached = this.#waiting.filter((one) => one.position <= position);
    this.#waiting = this.#waiting.filter((one) => one.position > position);
    for (const { settle } of reached) settle(true);
  }

  /** Whether all is at hand up to a position: now, within a moment, or after reading it. */
  async #obtain(position: Position): Promise<boolean> {
    if (this.#recent.position >= position) return true;
    return (await this.#arrives(position)) || this.#readTo(position);
  }

  #arrives(position: Position): Promise<boolean> {
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

  /** Reads on to a position, together with whoever else wants to; false where that cannot be. */
  async #readTo(position: Position): Promise<boolean> {
    while (this.#recent.position < position) {
      if (position - this.#recent.position > MOST_MISSED) return false;
      this.#reading ??= this.#readOn(position).finally(() => {
        this.#reading = undefined;
      });
      try {
        await this.#reading;
      } catch (error) {
        if (troubleOf(error) === 'position') return false;
        throw error;
      }
    }
    return true;
  }

  async #readOn(to: Position): Promise<void> {
    const from = this.#recent.position;
    const page = await readAllPage(this.#connection, driverPosition(from), FORWARDS, PAGE, from);
    for (const event of page.events) {
      if (positionOf(event) <= this.#recent.position) continue;
      this.#take({ event });
      this.#recent.passed(positionOf(event));
    }
    if (page.whole && page.events.length < PAGE) this.#recent.passed(to);
    this.#moved();
  }
}
