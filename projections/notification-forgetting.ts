import {
  notificationCounts,
  notificationEvents,
  notificationRooms,
  type NotificationEvent,
} from '../src/read-models/collections.js';
import { forgetInvitations } from './notification-invitations.js';
import { LEVELS, MEMBER, redactStateEvent } from './notification-rooms.js';
import type { Documents } from './projection.js';
import { forgottenEvents, type ForgottenEvent, type ForgottenRecord } from './recorded-event.js';
import { settleNotified } from './notified-events.js';

/**
 * Brings unread counts to what they are when the content of events is gone, however it was when they came: a rebuild
 * afterwards, which never knew it, comes to the same. Content has consequences that cannot be taken back one by one,
 * so some of what is listed, read or not, goes:
 *
 * - of everybody: the events themselves, and what relates to them (reactions, edits), which was in their thread;
 * - of who sent one of these: whatever came before it, as sending reads a thread, and which one is not known any more;
 * - of whose display name was in one, all of the room: rules may have looked for the name;
 * - of everybody, all of the room, where one was m.room.power_levels, whose `notifications` rules look at.
 *
 * Cost: for each of the rooms a read of the ranges of its members and invitations, and for each member a write, a read,
 * and one for each 32 of the room's events of which some go; two reads for each event.
 */
export async function forgetInCounts(record: ForgottenRecord, documents: Documents): Promise<void> {
  const rooms = new Map<string, ForgottenEvent[]>();
  for (const event of forgottenEvents(record)) {
    rooms.set(event.roomId, [...(rooms.get(event.roomId) ?? []), event]);
  }
  for (const [roomId, events] of rooms) await forgetInRoom(roomId, events, record.position, documents);
}

async function forgetInRoom(
  roomId: string,
  events: readonly ForgottenEvent[],
  position: number,
  documents: Documents,
): Promise<void> {
  /** Up to which of the room's events users have read, all threads. */
  const read = new Map<string, number>();
  let everybodyRead = 0;
  for (const event of events) {
    const state = await redactStateEvent(roomId, event, documents);
    if (state?.type === LEVELS) everybodyRead = Infinity;
    // Nobody joins but by an event of their own.
    if (state?.type === MEMBER && state.content['membership'] === 'join') read.set(state.sender, Infinity);
  }
  const gone = new Set<number>();
  for (const { ordinal, reader } of await withRelated(roomId, events, documents)) {
    gone.add(ordinal);
    if (reader !== undefined) read.set(reader, Math.max(read.get(reader) ?? 0, ordinal));
  }
  const newest = (await documents.get(notificationRooms, [roomId]))?.events ?? 0;
  const upTo = (userId: string) => Math.max(everybodyRead, read.get(userId) ?? 0);
  for (const member of await documents.find(notificationCounts, { prefix: [roomId] }, 'room')) {
    await settleNotified(member, { upTo: upTo(member.user_id), gone, newest }, position, documents);
  }
  await forgetInvitations(roomId, (user, ordinal) => ordinal <= upTo(user) || gone.has(ordinal), documents);
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
