import { MatrixError } from '../protocol/errors.js';
import { timeline, type TimelineEvent } from '../read-models/collections.js';
import { withAggregations } from './aggregations.js';
import type { ReadSide, Viewer } from './read-side.js';
import { eventById, eyesOf, readingLimit, visibleEvents, type Eyes } from './room-history.js';
import { sightOf } from './sight.js';

/** `GET /rooms/{roomId}/event/{eventId}`, as JSON text. @throws MatrixError M_NOT_FOUND */
export async function oneEvent(
  side: ReadSide,
  viewer: Viewer,
  roomId: string,
  eventId: string,
): Promise<string> {
  const sight = await sightOf(side, viewer, roomId);
  const event = await visibleEvent(side, sight.eyes, roomId, eventId);
  const [text = ''] = await withAggregations(side, sight, [event]);
  return text;
}

/** Rooms up to version 2 may share an ID; whatever they are, a reader needs no more than these. */
const MOST_ROOMS = 20;

/** `GET /events/{eventId}`, as JSON text: of the rooms that have it, the first that shows it. @throws MatrixError M_NOT_FOUND */
export async function eventOfAnyRoom(side: ReadSide, viewer: Viewer, eventId: string): Promise<string> {
  const range = { prefix: [eventId], limit: MOST_ROOMS };
  for (const { room_id: roomId } of await side.store.collection(timeline).find(range, 'event')) {
    try {
      return await oneEvent(side, viewer, roomId, eventId);
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error;
    }
  }
  throw new MatrixError('M_NOT_FOUND', NOT_THERE);
}

const NOT_THERE = 'There is no such event, or it is not for you to see.';

/**
 * The event of a room, if it is for the reader's eyes; who may not see it cannot tell whether it is there.
 *
 * @throws MatrixError M_NOT_FOUND, M_FORBIDDEN for who has forgotten the room
 */
export async function visibleEvent(
  side: ReadSide,
  eyes: Eyes,
  roomId: string,
  eventId: string,
): Promise<TimelineEvent> {
  const membership = (await side.joinedRooms.of(eyes.userId)).get(roomId);
  if (membership?.forgotten === true) await readingLimit(side, eyes.userId, roomId);
  const event = await eventById(side, roomId, eventId);
  const [seen] = event === undefined ? [] : await visibleEvents(side, eyes, [event]);
  if (seen === undefined) throw new MatrixError('M_NOT_FOUND', NOT_THERE);
  return seen;
}

const PAGE = 50;
/** Events that the reader may not see are passed over; so many at most. */
const MOST_LOOKED_AT = 1000;

/**
 * `GET /rooms/{roomId}/timestamp_to_event`: the event at a time (milliseconds since the epoch, as senders claim it),
 * or the next one that the reader may see.
 *
 * @throws MatrixError M_FORBIDDEN, M_NOT_FOUND
 */
export async function eventByTimestamp(
  side: ReadSide,
  userId: string,
  roomId: string,
  ts: number,
  backwards: boolean,
): Promise<{ event_id: string; origin_server_ts: number }> {
  await readingLimit(side, userId, roomId);
  const eyes = await eyesOf(side, userId, roomId);
  const collection = side.store.collection(timeline);
  let last: readonly number[] | undefined;
  for (let lookedAt = 0; lookedAt < MOST_LOOKED_AT; lookedAt += PAGE) {
    const near = backwards
      ? last === undefined
        ? { to: [ts] }
        : { before: last }
      : last === undefined
        ? { from: [ts] }
        : { after: last };
    const page = await collection.find(
      { prefix: [roomId], ...near, reverse: backwards, limit: PAGE },
      'timestamp',
    );
    const [found] = await visibleEvents(side, eyes, page);
    if (found !== undefined) {
      const { event_id, origin_server_ts } = found;
      return { event_id, origin_server_ts };
    }
    const end = page.at(-1);
    if (end === undefined || page.length < PAGE) break;
    last = [end.origin_server_ts, end.position];
  }
  throw new MatrixError('M_NOT_FOUND', 'No event was found in that direction.');
}
