import {
  BACKWARDS,
  END,
  FORWARDS,
  NO_STREAM as NOTHING_YET,
  type AppendExpectedRevision,
  type AppendResult,
} from '@eventstore/db-client';
import type { Clock } from '../runtime/clock.js';
import type { AppendObserver, RawRecord } from './adapter.js';
import { LogUnavailableError, WrongRevisionError } from './errors.js';
import type { Connection } from './eventstoredb-connection.js';
import { actualRevision, neverSent, reasonOf, troubleOf } from './eventstoredb-errors.js';
import { positionOf, toEvent, toNumber, TooOldError } from './eventstoredb-format.js';
import type { StreamNames } from './eventstoredb-names.js';
import { readEvents } from './eventstoredb-pages.js';
import type { Tail } from './eventstoredb-tail.js';
import type { Appended } from './log.js';
import { NO_STREAM, type Position } from './position.js';

/** How long finding out what became of an append may take, in milliseconds. */
const SETTLE_PATIENCE = 2_000;

/** A revision that no stream has. */
const IMPOSSIBLE = BigInt(Number.MAX_SAFE_INTEGER);

/** A stream that was deleted for good: EventStoreDB takes nothing for its name any more. */
export class TombstonedStreamError extends Error {
  constructor(stream: string) {
    super(`The stream ${stream} was deleted for good in EventStoreDB: nothing can be written to it again.`);
    this.name = 'TombstonedStreamError';
  }
}

/** Writes streams, and answers for it as the port of logs demands. */
export class EventStoreDbWriter {
  readonly #connection: Connection;
  readonly #names: StreamNames;
  readonly #tail: Tail;
  readonly #clock: Clock;
  readonly #observer: AppendObserver | undefined;

  constructor(
    connection: Connection,
    names: StreamNames,
    tail: Tail,
    clock: Clock,
    observer: AppendObserver | undefined,
  ) {
    this.#connection = connection;
    this.#names = names;
    this.#tail = tail;
    this.#clock = clock;
    this.#observer = observer;
  }

  async append(stream: string, expected: number, records: readonly RawRecord[]): Promise<Appended> {
    const began = this.#clock.monotonic();
    const write = () => this.#append(stream, expected, records);
    const appended = records.length > 1 ? await this.#tail.holding(stream, write) : await write();
    const milliseconds = this.#clock.monotonic() - began;
    this.#observer?.appended(records.length, bytesOf(records), milliseconds, milliseconds);
    return appended;
  }

  /** The revision of a stream's last record. Where none can be read, the server says it by refusing an append. */
  async revision(stream: string): Promise<number> {
    const name = this.#names.there(stream);
    const { events } = await readEvents(this.#connection, name, END, BACKWARDS, 1);
    const [last] = events;
    if (last !== undefined) return toNumber(last.revision);
    try {
      await this.#connection.append(name, [], IMPOSSIBLE);
    } catch (error) {
      const trouble = troubleOf(error);
      if (trouble === 'wrong revision') return toRevision(actualRevision(error));
      if (trouble === 'tombstoned') throw new TombstonedStreamError(stream);
      throw error;
    }
    throw new Error(`EventStoreDB says that ${stream} is at revision ${IMPOSSIBLE}.`);
  }

  async #append(stream: string, expected: number, records: readonly RawRecord[]): Promise<Appended> {
    const revision: AppendExpectedRevision = expected === NO_STREAM ? NOTHING_YET : BigInt(expected);
    let written: AppendResult;
    try {
      written = await this.#connection.append(this.#names.there(stream), records.map(toEvent), revision);
    } catch (error) {
      return this.#failed(stream, expected, records, error);
    }
    // A stream that was deleted by hand takes an append that expects none, and goes on with its numbering. What was
    // written then is at another revision than its checksum says: a damaged record, which nobody reads.
    const actual = toNumber(written.nextExpectedRevision);
    if (actual !== expected + records.length) throw new WrongRevisionError(stream, expected, actual);
    if (written.position === undefined) throw new TooOldError();
    const last = toNumber(written.position.commit);
    const positions =
      records.length === 1 ? [last] : await this.#positionsOf(stream, expected, records, last);
    return this.#answer(expected, positions);
  }

  #answer(expected: number, positions: readonly Position[]): Appended {
    this.#tail.advance(positions.at(-1) ?? this.#tail.head);
    return { revision: expected + positions.length, positions };
  }

  /** The server tells the last position only. The subscription has seen the others, mostly, or will in a moment. */
  async #positionsOf(
    stream: string,
    expected: number,
    records: readonly RawRecord[],
    last: Position,
  ): Promise<readonly Position[]> {
    const seen = await this.#tail.positionsOf(stream, expected + 1, records, last);
    if (seen !== undefined) return seen;
    let lost: unknown;
    try {
      const { positions } = await this.#readBack(stream, expected, records);
      if (positions !== undefined) return positions;
    } catch (error) {
      lost = error;
    }
    throw unavailable(lost, true);
  }

  async #failed(
    stream: string,
    expected: number,
    records: readonly RawRecord[],
    error: unknown,
  ): Promise<Appended> {
    switch (troubleOf(error)) {
      case 'wrong revision': {
        const actual = toRevision(actualRevision(error));
        const repeated =
          actual >= expected + records.length && (await this.#readBack(stream, expected, records)).positions;
        if (repeated) return this.#answer(expected, repeated);
        throw new WrongRevisionError(stream, expected, actual);
      }
      case 'away':
        if (neverSent(error)) throw unavailable(error, false);
        return this.#settle(stream, expected, records, error);
      case 'tombstoned':
        throw new TombstonedStreamError(stream);
      case 'too large':
        throw new Error(
          `EventStoreDB refused an append of ${bytesOf(records)} bytes: its MaxAppendSize is below the 1 MiB that it has by default.`,
          { cause: error },
        );
      case 'denied':
        throw unavailable(error, false);
      default:
        throw error;
    }
  }

  /**
   * Looks what became of an append whose answer was lost. If its place is empty, the append may still be on its way;
   * if it is taken by others, it can come no more.
   */
  async #settle(
    stream: string,
    expected: number,
    records: readonly RawRecord[],
    lost: unknown,
  ): Promise<Appended> {
    let found;
    let actual = NO_STREAM;
    try {
      found = await this.#readBack(stream, expected, records, SETTLE_PATIENCE);
      if (found.taken) actual = await this.revision(stream);
    } catch {
      throw unavailable(lost, true);
    }
    if (found.positions !== undefined) return this.#answer(expected, found.positions);
    if (found.taken) throw new WrongRevisionError(stream, expected, actual);
    throw unavailable(lost, true);
  }

  /** What follows a revision in the stream: whether anything, and where these records are, if it is they. */
  async #readBack(
    stream: string,
    expected: number,
    records: readonly RawRecord[],
    patience?: number,
  ): Promise<{ readonly taken: boolean; readonly positions: Position[] | undefined }> {
    const name = this.#names.there(stream);
    const positions: Position[] = [];
    let taken = false;
    while (positions.length < records.length) {
      const next = expected + 1 + positions.length;
      const wanted = records.length - positions.length;
      const { events } = await readEvents(this.#connection, name, BigInt(next), FORWARDS, wanted, patience);
      if (events.length === 0) return { taken, positions: undefined };
      taken = true;
      for (const event of events) {
        const there = toNumber(event.revision) === expected + 1 + positions.length;
        if (!there || event.id !== records[positions.length]?.id) return { taken, positions: undefined };
        positions.push(positionOf(event));
      }
    }
    return { taken, positions };
  }
}

/** @param outcomeUnknown whether what was asked for may have happened, or may still */
export function unavailable(error: unknown, outcomeUnknown: boolean): LogUnavailableError {
  return new LogUnavailableError(`EventStoreDB does not answer: ${reasonOf(error)}.`, {
    outcomeUnknown,
    cause: error,
  });
}

function toRevision(actual: bigint | undefined): number {
  return actual === undefined ? NO_STREAM : toNumber(actual);
}

function bytesOf(records: readonly RawRecord[]): number {
  return records.reduce((sum, { data, metadata }) => sum + data.byteLength + metadata.byteLength, 0);
}
