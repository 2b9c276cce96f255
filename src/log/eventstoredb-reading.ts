import {
  BACKWARDS,
  END,
  FORWARDS,
  START as FROM_START,
  type ReadPosition,
  type ReadRevision,
} from '@eventstore/db-client';
import type { RawBatch, RawReadOptions } from './adapter.js';
import { Batch, batchSize } from './eventstoredb-batch.js';
import type { Connection } from './eventstoredb-connection.js';
import { fromEvent, positionOf } from './eventstoredb-format.js';
import type { StreamNames } from './eventstoredb-names.js';
import { pageAfter, pageBefore, readAllPage, readEvents } from './eventstoredb-pages.js';
import type { Tail } from './eventstoredb-tail.js';
import { START, type Position } from './position.js';

/** How many events of others are passed over before a reader is told how far it got. */
const MOST_PASSED = 10_000;

/** What reading needs of an opened log. */
export interface Source {
  readonly connection: Connection;
  readonly names: StreamNames;
  readonly tail: Tail;
  /** Nothing of ours lies before. */
  readonly begins: Position;
}

/** One stream, a batch at a time, as its retention shows it now. */
export async function* readStreamRecords(
  { connection, names }: Pick<Source, 'connection' | 'names'>,
  stream: string,
  options: RawReadOptions & { readonly from?: number },
): AsyncGenerator<RawBatch> {
  const forwards = options.direction === 'forwards';
  const size = batchSize(options.expected);
  const first = forwards ? FROM_START : END;
  let from: ReadRevision = options.from === undefined ? first : BigInt(options.from);
  for (;;) {
    const direction = forwards ? FORWARDS : BACKWARDS;
    const { events, whole } = await readEvents(connection, names.there(stream), from, direction, size);
    const batch = new Batch(size);
    for (const event of events) batch.take(fromEvent(event, names));
    const last = events.at(-1);
    if (last === undefined) return;
    yield batch.finish(positionOf(last));
    if ((whole && events.length < size) || (!forwards && last.revision === 0n)) return;
    from = forwards ? last.revision + 1n : last.revision - 1n;
  }
}

/** The whole log, a batch at a time: what is at hand from the tail, and the rest from the server. */
export async function* readRecords(
  source: Source,
  options: RawReadOptions & { readonly after?: Position; readonly before?: Position },
): AsyncGenerator<RawBatch> {
  const { head } = source.tail;
  const size = batchSize(options.expected);
  const after = options.after ?? START;
  const to = Math.min(head, (options.before ?? Infinity) - 1);
  if (after >= to) return;
  if (options.direction === 'forwards') yield* forwards(source, after, to, size);
  else yield* backwards(source, after, to, size, to < head ? options.before : undefined);
}

/** Always ends with a batch that is at `to`. */
async function* forwards(
  source: Source,
  after: Position,
  to: Position,
  size: number,
): AsyncGenerator<RawBatch> {
  const { connection, names, tail } = source;
  let looked = after;
  let place: ReadPosition | undefined;
  while (looked < to) {
    if (await tail.holds(looked, to)) {
      const recent = tail.batch(looked, to, size);
      yield recent;
      looked = recent.position;
      place = undefined;
      continue;
    }
    const batch = new Batch(size);
    for (let passed = 0; passed < MOST_PASSED && looked < to && !batch.full;) {
      const page =
        place === undefined
          ? await pageAfter(source, looked, size)
          : await readAllPage(connection, place, FORWARDS, size + 1, looked);
      for (const event of page.events) {
        const position = positionOf(event);
        if (position <= looked) continue;
        if (position > to) break;
        looked = position;
        passed++;
        batch.take(fromEvent(event, names));
      }
      const last = page.events.at(-1);
      const ended = page.whole && page.events.length <= size;
      if (last === undefined || ended || positionOf(last) > to) looked = to;
      place = last?.position;
    }
    yield batch.finish(looked);
  }
}

/** Ends where nothing more of ours is before, without saying so. */
async function* backwards(
  { connection, names, begins }: Source,
  after: Position,
  to: Position,
  size: number,
  before: Position | undefined,
): AsyncGenerator<RawBatch> {
  let batch = new Batch(size);
  let looked = to;
  let page = await pageBefore(connection, before, size);
  for (let last = page.events.at(-1); last !== undefined; last = page.events.at(-1)) {
    for (const event of page.events) {
      const position = positionOf(event);
      if (position > to) continue;
      if (position <= after) break;
      looked = position;
      batch.take(fromEvent(event, names));
      if (!batch.full) continue;
      yield batch.finish(looked);
      batch = new Batch(size);
    }
    if (positionOf(last) <= Math.max(after, begins)) break;
    page = await readAllPage(connection, last.position, BACKWARDS, size);
  }
  if (!batch.empty) yield batch.finish(looked);
}

/** How many events are looked through for our last record, when opening: about a second's work. */
const MOST_SEARCHED = 50_000;
const SEARCHED_AT_ONCE = 100;

/**
 * The position of our last record, START where there is none; and where others have written so much since that it
 * would take long to find, the end of all.
 */
export async function lastPosition({ connection, names, begins }: Omit<Source, 'tail'>): Promise<Position> {
  let end: Position | undefined;
  let place: ReadPosition = END;
  for (let searched = 0; searched < MOST_SEARCHED;) {
    const { events } = await readAllPage(connection, place, BACKWARDS, SEARCHED_AT_ONCE);
    for (const event of events) {
      const position = positionOf(event);
      end ??= position;
      if (fromEvent(event, names) !== undefined) return position;
      if (position <= begins) return START;
    }
    const last = events.at(-1);
    if (last === undefined) return START;
    place = last.position;
    searched += events.length;
  }
  return end ?? START;
}
