import type { LoggedRecord, RecordBatch, SealedRange } from '../../log/log.js';
import type { ContentForgottenV1, RecordBody } from '../../log/records.js';
import { isEventRecord, roomStream, type EventRecord } from '../aggregates/room.js';
import type { CommandContext } from '../command.js';
import type { WriteSide } from '../write-side.js';

/** The stream that says what is to be forgotten, and nothing else. */
export const FORGOTTEN_STREAM = 'forgotten';

/** So many events, and places, are in one record at most: some 100 kB. */
const MOST_EVENTS = 500;
const MOST_PLACES = 1000;

/** An event, and where the log has content of it that is not forgotten yet. */
export interface SealedEvent {
  readonly event: ContentForgottenV1['events'][number];
  readonly places: readonly SealedRange[];
}

/** Why something is forgotten. */
export type Why = Pick<ContentForgottenV1, 'cause' | 'user_id'>;

/**
 * Records that the content of events is to be forgotten. It is when whoever has its keys has read this (key-keeper.ts);
 * from here on nothing can keep it from that, not even that this process dies.
 */
export async function recordForgotten(
  side: WriteSide,
  why: Why,
  events: readonly SealedEvent[],
  context: CommandContext,
): Promise<void> {
  for (let at = 0; at < events.length;) {
    let end = at;
    let places = 0;
    for (; end < events.length && end - at < MOST_EVENTS; end++) {
      places += events[end]?.places.length ?? 0;
      if (places > MOST_PLACES && end > at) break;
    }
    const some = events.slice(at, end);
    const merged = mergedPlaces(some.flatMap((one) => one.places));
    await record(side, { ...why, places: merged, events: some.map(({ event }) => event) }, context);
    at = end;
  }
}

/** Records that all that lies in a stream up to a revision is to be forgotten. */
export function recordStreamForgotten(
  side: WriteSide,
  why: Why,
  place: SealedRange,
  context: CommandContext,
): Promise<void> {
  return record(side, { ...why, places: [place], events: [] }, context);
}

async function record(side: WriteSide, data: ContentForgottenV1, context: CommandContext): Promise<void> {
  await side.others.handle(FORGOTTEN_STREAM, context, () => ({
    records: [{ type: 'content.forgotten', version: 1, data }],
    result: undefined,
  }));
}

/** Revisions that follow each other as one range. */
function mergedPlaces(places: readonly SealedRange[]): SealedRange[] {
  const merged: SealedRange[] = [];
  for (const place of places) {
    const last = merged.at(-1);
    const follows = last?.stream === place.stream && last.index === undefined && last.to + 1 === place.from;
    if (follows && place.index === undefined) merged[merged.length - 1] = { ...last, to: place.to };
    else merged.push(place);
  }
  return merged;
}

/**
 * What of an event of a room the log has sealed and not forgotten, wherever it was recorded; undefined where that is
 * nothing. Costs a read for each record of it.
 */
export async function sealedEvent(
  side: WriteSide,
  roomId: string,
  eventId: string,
): Promise<SealedEvent | undefined> {
  const { index, log } = side.ports;
  const place = index.place(roomId, eventId);
  if (place === undefined) return undefined;
  const found: SealedEvent[] = [];
  for (const { revision } of [place, ...(place.also ?? [])]) {
    for await (const batch of log.read(roomStream(roomId), { from: revision, limit: 1 })) {
      found.push(...sealedEvents(batch, (record) => record.data.event_id === eventId));
    }
  }
  const [first] = found;
  return first && { event: first.event, places: found.flatMap(({ places }) => places) };
}

/** The events of a batch of a room's records that are wanted, and have content that is not forgotten. */
export function sealedEvents(
  { records, damaged }: RecordBatch,
  wanted: (record: LoggedRecord & EventRecord) => boolean,
): SealedEvent[] {
  const found: SealedEvent[] = [];
  for (const record of records) {
    if (!isEventRecord<LoggedRecord & RecordBody>(record) || !wanted(record)) continue;
    if (record.data.forgettable === undefined) continue;
    const { stream, revision, index, data } = record;
    // Records that share a revision were brought in by a commit, and each of them has a key of its own.
    const isStaged = [...records, ...damaged].some(
      (other) => other !== record && other.revision === revision,
    );
    const room_id = stream.slice(ROOM_PREFIX.length);
    found.push({
      event: { room_id, room_version: data.room_version, event_id: data.event_id },
      places: [{ stream, from: revision, to: revision, ...(isStaged ? { index } : {}) }],
    });
  }
  return found;
}

const ROOM_PREFIX = roomStream('');
