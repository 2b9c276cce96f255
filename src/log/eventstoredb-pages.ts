import {
  END,
  BACKWARDS,
  FORWARDS,
  START as FROM_START,
  type AllStreamRecordedEvent,
  type Direction,
  type ReadPosition,
  type ReadRevision,
} from '@eventstore/db-client';
import { enoughForBatch } from './eventstoredb-batch.js';
import type { Connection, Page } from './eventstoredb-connection.js';
import { troubleOf } from './eventstoredb-errors.js';
import { driverPosition, positionOf, type StoredEvent } from './eventstoredb-format.js';
import { START, type Position } from './position.js';

/** A stream's events from a revision on, at most so many. Nothing, where there is no such stream any more or yet. */
export async function readEvents(
  connection: Connection,
  name: string,
  fromRevision: ReadRevision,
  direction: Direction,
  maxCount: number,
  patience?: number,
): Promise<Page<StoredEvent>> {
  try {
    const { events, whole } = await connection.page(
      (client) => client.readStream(name, { fromRevision, direction, maxCount, requiresLeader: true }),
      () => {
        const enough = enoughForBatch();
        return ({ event }) => event !== undefined && enough(event);
      },
      patience,
    );
    return { events: events.flatMap(({ event }) => (event === undefined ? [] : [event])), whole };
  } catch (error) {
    const trouble = troubleOf(error);
    if (trouble === 'missing' || trouble === 'tombstoned') return { events: [], whole: true };
    throw error;
  }
}

/** Some events of the whole server. @param seen those up to here do not count for the page's weight */
export async function readAllPage(
  connection: Connection,
  fromPosition: ReadPosition,
  direction: Direction,
  maxCount: number,
  seen: Position = START,
): Promise<Page<AllStreamRecordedEvent>> {
  const { events, whole } = await connection.page(
    (client) => client.readAll({ fromPosition, direction, maxCount, requiresLeader: true }),
    () => {
      const enough = enoughForBatch();
      return ({ event }) => event !== undefined && positionOf(event) > seen && enough(event);
    },
  );
  return { events: events.flatMap(({ event }) => (event === undefined ? [] : [event])), whole };
}

/*
 * The server reads on from a position only where a record begins, or where one has been scavenged; forwards it gives
 * the record there, backwards the one before. A reader goes on from positions that it was given, or by one beside,
 * to have that record, too. From any other, all is read.
 */

/** At most `size` events after a position, and perhaps the one there. */
export async function pageAfter(
  { connection, begins }: { readonly connection: Connection; readonly begins: Position },
  after: Position,
  size: number,
): Promise<Page<AllStreamRecordedEvent>> {
  const read = (place: ReadPosition) => readAllPage(connection, place, FORWARDS, size + 1, after);
  if (after > begins) {
    for (const position of [after, after + 1]) {
      const page = await unlessMisplaced(() => read(driverPosition(position)));
      if (page !== undefined) return page;
    }
  }
  return read(begins === START ? FROM_START : driverPosition(begins));
}

export async function pageBefore(
  connection: Connection,
  before: Position | undefined,
  size: number,
): Promise<Page<AllStreamRecordedEvent>> {
  const read = (place: ReadPosition) => readAllPage(connection, place, BACKWARDS, size);
  if (before === undefined) return read(END);
  const page = await unlessMisplaced(() => read(driverPosition(before)));
  if (page !== undefined) return page;
  const last = driverPosition(before - 1);
  const there = await unlessMisplaced(() => readAllPage(connection, last, FORWARDS, 1));
  if (there === undefined) return read(END);
  const { events, whole } = await read(last);
  return { events: [...there.events.filter((event) => positionOf(event) < before), ...events], whole };
}

async function unlessMisplaced<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (troubleOf(error) === 'position') return undefined;
    throw error;
  }
}
