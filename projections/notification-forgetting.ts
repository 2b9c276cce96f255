import {
  notificationCounts,
  notificationEvents,
  notificationRooms,
  type NotificationCount,
  type NotificationEvent,
} from '../src/read-models/collections.js';
import { followAfter } from './notification-follows.js';
import { forgetInvitations } from './notification-invitations.js';
import { withoutMarks } from './notification-marks.js';
import { LEVELS, MEMBER, redactStateEvent } from './notification-rooms.js';
import type { Documents } from './projection.js';
import { forgottenEvents, type ForgottenEvent, type ForgottenRecord } from './recorded-event.js';
import { memberList, roomList, withoutEvents, type Going } from './notified-events.js';

/**
 * Brings what is listed and read to what it is when the content of events is gone, however it was when they came: a
 * rebuild afterwards, which never knew it, comes to the same. Content has consequences that cannot be taken back one by
 * one, so some of what is listed, read or not, goes:
 *
 * - of everybody: the events themselves, and what relates to them (reactions, edits), which was in their thread;
 * - of who sent one of these: whatever came before it, as sending reads a thread, and which one is not known any more.
 *   Marks that are farther stay: they are of other events, and of receipts;
 * - of whose display name was in one, all of the room: rules may have looked for the name;
 * - of everybody, all of the room, where one was m.room.power_levels, whose `notifications` rules look at.
 *
 * When counts became what they are is part of members' documents only as far as no content decides about it, so those of
 * whom nothing goes are not written. What else it may decide about, the room says, and from here on it says: now.
 *
 * Cost: for each of the rooms a read of the ranges of its invitations and of the members who have lists of their own; for
 * each of these, for each sender, and for the room a write, a read, and one for each 32 of the room's events of which
 * some go; two reads for each event.
 */
export async function forgetInCounts(record: ForgottenRecord, documents: Documents): Promise<void> {
  const rooms = new Map<string, ForgottenEvent[]>();
  for (const event of forgottenEvents(record)) {
    rooms.set(event.roomId, [...(rooms.get(event.roomId) ?? []), event]);
  }
  for (const [roomId, events] of rooms) await forgetInRoom(roomId, events, record.position, documents);
}

/** An event's place: up to there all is read, or gone. */
type Place = readonly [position: number, ordinal: number];

async function forgetInRoom(
  roomId: string,
  events: readonly ForgottenEvent[],
  position: number,
  documents: Documents,
): Promise<void> {
  /** Of the room's members, up to which of its events everything goes. */
  const floors = new Map<string, Place>();
  let isAll = false;
  for (const event of events) {
    const state = await redactStateEvent(roomId, event, documents);
    if (state?.type === LEVELS) isAll = true;
    // Nobody joins but by an event of their own.
    if (state?.type === MEMBER && state.content['membership'] === 'join') {
      floors.set(state.sender, [Infinity, Infinity]);
    }
  }
  const gone = new Set<number>();
  for (const { position: at, ordinal, reader } of await withRelated(roomId, events, documents)) {
    gone.add(ordinal);
    if (reader !== undefined && ordinal > (floors.get(reader)?.[1] ?? 0)) floors.set(reader, [at, ordinal]);
  }
  const upTo = (userId: string) => (isAll ? Infinity : (floors.get(userId)?.[1] ?? 0));
  await forgetInvitations(roomId, (user, ordinal) => ordinal <= upTo(user) || gone.has(ordinal), documents);
  const room = await documents.get(notificationRooms, [roomId]);
  if (room === undefined) return;
  const { events: newest } = room;
  for (const member of await membersWithOwn(roomId, floors, documents)) {
    const { user_id: userId } = member;
    const own = await withoutEvents(memberList(member, documents), { upTo: upTo(userId), gone, newest });
    const left = own === undefined ? member : { ...member, recent: own.recent };
    const floor = floors.get(userId);
    if (floor !== undefined) documents.put(notificationCounts, withoutPast(left, floor, newest, position));
    else if (own !== undefined) documents.put(notificationCounts, left);
  }
  const going: Going = { upTo: isAll ? Infinity : 0, gone, newest };
  const shared = await withoutEvents(roomList(room, documents), going);
  const { recent } = shared ?? room;
  documents.put(notificationRooms, {
    ...room,
    recent,
    paged: position,
    removed: position,
    forgotten: position,
  });
}

/** The member for whom nothing of the room counts up to a place. */
function withoutPast(
  member: NotificationCount,
  [at, ordinal]: Place,
  newest: number,
  position: number,
): NotificationCount {
  const { follows, ...left } = withoutMarks(member, [at, ordinal]);
  return { ...left, ...followAfter({ follows }, Math.min(ordinal, newest)), position };
}

/** Those of a room's members of whom something may go besides what the shared list loses. */
async function membersWithOwn(
  roomId: string,
  floors: ReadonlyMap<string, Place>,
  documents: Documents,
): Promise<NotificationCount[]> {
  const listed = await documents.find(notificationCounts, { prefix: [roomId] }, 'listed');
  const found = new Map(listed.map((member) => [member.user_id, member]));
  for (const userId of floors.keys()) {
    const member = found.get(userId) ?? (await documents.get(notificationCounts, [userId, roomId]));
    if (member !== undefined) found.set(userId, member);
  }
  return [...found.values()];
}

/** The events, and all that relates to them by something else than a thread: none of it is in a thread from now on. */
async function withRelated(
  roomId: string,
  events: readonly ForgottenEvent[],
  documents: Documents,
): Promise<NotificationEvent[]> {
  const forgotten = new Set(events.map(({ target }) => target));
  const found = new Map<string, NotificationEvent>();
  const open = [...forgotten];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id)) continue;
    const event = await documents.get(notificationEvents, [roomId, id]);
    if (event === undefined) continue;
    found.set(id, event);
    const { thread_id: _, related_to, ...kept } = event;
    const isRelated = related_to !== undefined && !forgotten.has(id);
    documents.put(notificationEvents, { ...kept, ...(isRelated ? { related_to } : {}) });
    const related = await documents.find(notificationEvents, { prefix: [roomId, id] }, 'related');
    open.push(...related.map(({ event_id }) => event_id));
  }
  return [...found.values()];
}
