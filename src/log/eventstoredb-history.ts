import {
  BACKWARDS,
  END,
  FORWARDS,
  NO_STREAM as NOTHING_YET,
  START as FROM_START,
  type JSONEventData,
} from '@eventstore/db-client';
import { uuid, type Random } from '../runtime/random.js';
import { LogFormatError } from './errors.js';
import type { Connection } from './eventstoredb-connection.js';
import { troubleOf } from './eventstoredb-errors.js';
import { positionOf, type StoredEvent } from './eventstoredb-format.js';
import type { StreamNames } from './eventstoredb-names.js';
import { readEvents } from './eventstoredb-pages.js';
import { isObject } from './json.js';
import { START, type Position } from './position.js';

/*
 * Whose log it is, and its epochs, in a stream of the adapter's own: `started`, with the epoch, when a history begins
 * or begins anew, and `ended`. All of them say which format the streams have.
 */

const MAGIC = 'engram-log';
const FORMAT = 1;

export interface History {
  readonly epoch: string;
  /** Nothing of this log lies before. */
  readonly begins: Position;
}

/** The history as it is; undefined where none was begun. @throws LogFormatError where it is foreign or newer */
export async function findHistory(
  connection: Connection,
  names: StreamNames,
): Promise<{ readonly state: Entry; readonly begins: Position } | undefined> {
  const { events } = await readEvents(connection, names.history, END, BACKWARDS, 1);
  const [last] = events;
  if (last === undefined) return undefined;
  const [first] = (await readEvents(connection, names.history, FROM_START, FORWARDS, 1)).events;
  // Where somebody has removed its beginning, the log may be older than what is left of it.
  const begins = first?.revision === 0n ? positionOf(first) : START;
  return { state: entryOf(last, names), begins };
}

/**
 * Opens the history to write it: begins one, or another epoch after one that was ended. Of several processes that do
 * so at once, one wins, and all have its epoch.
 */
export async function openHistory(
  connection: Connection,
  names: StreamNames,
  random: Random,
): Promise<History> {
  for (;;) {
    const found = await findHistory(connection, names);
    if (found?.state.type === 'started') return { epoch: found.state.epoch, begins: found.begins };
    const expected = found === undefined ? NOTHING_YET : found.state.revision;
    await enter(connection, names, expected, { type: 'started', epoch: uuid(random) }, random);
  }
}

/** Ends the epoch, if it has not been ended already. */
export async function endHistory(connection: Connection, names: StreamNames, random: Random): Promise<void> {
  for (;;) {
    const { state } = (await findHistory(connection, names)) ?? {};
    if (state?.type !== 'started') return;
    await enter(connection, names, state.revision, { type: 'ended', epoch: state.epoch }, random);
  }
}

interface Entry {
  readonly type: 'started' | 'ended';
  readonly epoch: string;
  readonly revision: bigint;
}

/** Where another process is faster nothing is written. */
async function enter(
  connection: Connection,
  names: StreamNames,
  expected: bigint | typeof NOTHING_YET,
  { type, epoch }: Pick<Entry, 'type' | 'epoch'>,
  random: Random,
): Promise<void> {
  const event: JSONEventData = {
    id: uuid(random),
    type,
    contentType: 'application/json',
    data: { magic: MAGIC, format: FORMAT, epoch },
    metadata: undefined,
  };
  try {
    await connection.append(names.history, [event], expected);
  } catch (error) {
    const trouble = troubleOf(error);
    if (trouble === 'tombstoned') {
      throw new LogFormatError(
        `The stream ${names.history} was deleted for good: another prefix has to be used.`,
      );
    }
    if (trouble !== 'wrong revision') throw error;
  }
}

function entryOf({ type, data, revision, streamId }: StoredEvent, names: StreamNames): Entry {
  if (isObject(data) && data['magic'] === MAGIC && typeof data['format'] === 'number') {
    const { epoch, format } = data;
    if (format !== FORMAT) {
      throw new LogFormatError(
        `The log in the streams ${names.start}* has format ${format}; this program knows format ${FORMAT}.`,
      );
    }
    if ((type === 'started' || type === 'ended') && typeof epoch === 'string') {
      return { type, epoch, revision };
    }
  }
  throw new LogFormatError(`The stream ${streamId} does not say that this is a log of ours.`);
}
