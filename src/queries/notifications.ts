import { MatrixError } from '../protocol/errors.js';
import { notificationEvents, timeline, type TimelineEvent } from '../read-models/collections.js';
import { actionsText, isHighlighted } from '../read-models/notified-events.js';
import { Courtesy } from '../runtime/courtesy.js';
import { clientEvent, jsonArray } from './client-events.js';
import { notifiedBefore, type Notified, type NotifiedPlace } from './notified-events.js';
import type { ReadSide, Viewer } from './read-side.js';
import { visibleEvents } from './room-history.js';
import { sightOf, type Sight } from './sight.js';
import { isIgnored } from './sync/timeline-window.js';

/** `GET /notifications` as it was asked for, checked in form. */
export interface NotificationsRequest {
  readonly from: string | undefined;
  readonly limit: number;
  /** Only what is highlighted. */
  readonly highlights: boolean;
}

const MOST_NOTIFICATIONS = 100;
/** What is not for the viewer any more is passed over; so many at most. */
const MOST_LOOKED_AT = 1000;

const TOKEN = /^n(\d{1,16})_(\d{1,16})_([A-Za-z0-9-]{1,64})$/;

/**
 * The events that have notified a user, newest first, as JSON text (Client-Server API, Listing notifications): those
 * that are unread, those that were read, and open invitations, by the push rules as they were when the events came.
 *
 * @throws MatrixError M_INVALID_PARAM for what was never a token of ours. One of another epoch has no place here: the
 *   page begins at the newest, as pages backwards do.
 */
export async function notificationsOf(
  side: ReadSide,
  viewer: Viewer,
  { from, limit, highlights }: NotificationsRequest,
): Promise<string> {
  const place = from === undefined ? undefined : parsePlace(from, side.epoch);
  const most = Math.min(limit, MOST_NOTIFICATIONS);
  const sights = new Map<string, Sight>();
  const shown: string[] = [];
  let last: NotifiedPlace | undefined;
  let lookedAt = 0;
  let hasMore = false;
  for await (const notified of notifiedBefore(side, viewer.userId, place, new Courtesy(side.clock))) {
    const { roomId, event } = notified;
    if (highlights && !isHighlighted(event)) continue;
    if (shown.length >= most || lookedAt++ >= MOST_LOOKED_AT) {
      hasMore = true;
      break;
    }
    const sight = sights.get(roomId) ?? (await sightOf(side, viewer, roomId));
    sights.set(roomId, sight);
    const text = await notification(side, sight, notified);
    if (text !== undefined) shown.push(text);
    last = { position: event[0], ordinal: event[1] };
  }
  const next =
    hasMore && last !== undefined ? `,"next_token":${JSON.stringify(printPlace(last, side.epoch))}` : '';
  return `{"notifications":${jsonArray(shown)}${next}}`;
}

/** One of them, if it is for the viewer's eyes still. */
async function notification(side: ReadSide, sight: Sight, notified: Notified): Promise<string | undefined> {
  const found = await timelineEvent(side, notified);
  const { viewer, eyes, now } = sight;
  // What is listed for all members is listed for its sender as well.
  if (found === undefined || found.sender === viewer.userId || isIgnored(found, sight.ignored))
    return undefined;
  // Whoever is invited is told of that event, whatever the room shows of its history.
  const isOwn = found.type === 'm.room.member' && found.state_key === viewer.userId;
  if (!isOwn && (await visibleEvents(side, eyes, [found])).length === 0) return undefined;
  const members = [
    `"actions":${actionsText(notified.event)}`,
    `"event":${clientEvent(found, viewer, now)}`,
    `"read":${notified.isRead}`,
    `"room_id":${JSON.stringify(found.room_id)}`,
    `"ts":${found.origin_server_ts}`,
  ];
  return `{${members.join(',')}}`;
}

/** What one commit brought in is told apart by the events' numbers. */
async function timelineEvent(
  side: ReadSide,
  { roomId, event }: Notified,
): Promise<TimelineEvent | undefined> {
  const [position, ordinal] = event;
  const together = await side.store.collection(timeline).find({ prefix: [roomId, position] });
  if (together.length < 2) return together[0];
  const keys = together.map(({ event_id }) => [roomId, event_id]);
  const numbered = await side.store.collection(notificationEvents).getMany(keys);
  return together[numbered.findIndex((one) => one?.ordinal === ordinal)];
}

function printPlace({ position, ordinal }: NotifiedPlace, epoch: string): string {
  return `n${position}_${ordinal}_${epoch}`;
}

function parsePlace(text: string, epoch: string): NotifiedPlace | undefined {
  const [, position, ordinal, of] = TOKEN.exec(text) ?? [];
  const place = { position: Number(position), ordinal: Number(ordinal) };
  if (of === undefined || !Object.values(place).every(Number.isSafeInteger)) {
    throw new MatrixError('M_INVALID_PARAM', '"from" is not a token that this server gave out.');
  }
  return of === epoch ? place : undefined;
}
