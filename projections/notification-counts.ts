import type { LoggedRecord } from '../src/log/log.js';
import type { ReceiptPostedV1 } from '../src/log/records.js';
import type { RoomEvent } from '../src/protocol/events.js';
import type { JsonObject } from '../src/protocol/json.js';
import {
  notificationCounts,
  notificationEvents,
  notificationRooms,
  notificationStateEvents,
  notificationUsers,
  notifiedInvitations,
  notifiedPages,
  notifiedRoomPages,
  type NotificationEvent,
  type NotificationRoom,
} from '../src/read-models/collections.js';
import { MAIN } from '../src/read-models/notified-events.js';
import { forgetInCounts } from './notification-forgetting.js';
import { listInvitation, removeInvitations } from './notification-invitations.js';
import { hearSpeaker, listEvent } from './notification-judging.js';
import { markRead } from './notification-marks.js';
import { changeRoom, countedRoom, keepStateEvent, redactStateEvent } from './notification-rooms.js';
import { changeSettings } from './notification-settings.js';
import { memberList, removeCounts, roomList, withoutEvent } from './notified-events.js';
import type { Documents, Projection } from './projection.js';
import { appliedRedaction, isRefused, recordedEvent, type AcceptedRecord } from './recorded-event.js';
import { searchableFields } from './searchable-fields.js';
import { userOfStream } from './streams.js';

/**
 * What notifies our users in the rooms that they have joined, and what they have read of it (Client-Server API,
 * Receiving notifications; Threaded read receipts; Listing notifications). Each event that notifies somebody is listed
 * until it is redacted, or too many came after it, or the user leaves: what notifies everybody with the predefined
 * settings once, in the room's list, everything else in the user's own. How much of it is unread is counted when
 * somebody asks (src/queries/unread-counts.ts). Of an invitation `/sync` shows no counts, so there are none: it is listed
 * by itself, and once the user has joined as one that was read.
 *
 * An event reads what is before it for its sender, as a receipt would that names the event's thread: what clients
 * take it for. Not so a membership, which follows from a changed profile in all rooms at once.
 *
 * Cost of an event, however many members of ours the room has: some four reads and three writes, of the event, the
 * room, and the sender's mark where others speak there too; every 32 events one more, a page. For each member whom it
 * mentions, a read, an evaluation (0.4 us with the predefined rules) and a write; for each who has settings of their own,
 * an evaluation, and a write where it notifies them. Of a receipt: a read and a write. Of a redaction: a write for each
 * member whose own list had the event, a read for each who has one where it is none of the newest. Of an invitation:
 * three reads and a write. Of changed settings: two reads and a write for each of the user's rooms.
 */
export const notificationCountsProjection: Projection = {
  name: 'notification-counts',
  version: 4,
  collections: [
    notificationCounts,
    notificationUsers,
    notificationStateEvents,
    notificationRooms,
    notificationEvents,
    notifiedPages,
    notifiedRoomPages,
    notifiedInvitations,
  ],
  handles: [
    'room.event.accepted',
    'room.event.soft_failed',
    'room.event.outlier',
    'receipt.posted',
    'account_data.changed',
    'user.registered',
    'user.deactivated',
    'content.forgotten',
  ],
  evolve,
};

const SETTINGS: ReadonlySet<string> = new Set(['m.push_rules', 'm.ignored_user_list']);

async function evolve(record: LoggedRecord, documents: Documents): Promise<void> {
  switch (record.type) {
    case 'room.event.accepted':
      return evolveRoom(record, documents);
    case 'room.event.soft_failed':
    case 'room.event.outlier':
      if (!isRefused(record)) keepStateEvent(record, documents);
      return;
    case 'receipt.posted':
      return read(userOfStream(record.stream), record.data, record.position, documents);
    case 'account_data.changed': {
      const { room_id, type, content } = record.data;
      if (room_id !== null || !SETTINGS.has(type)) return;
      return changeSettings(userOfStream(record.stream), type, content as JsonObject | undefined, documents);
    }
    case 'user.registered':
      documents.put(notificationUsers, { user_id: record.data.user_id, push_rules: '', ignored: [] });
      return;
    case 'user.deactivated': {
      const user = userOfStream(record.stream);
      documents.delete(notificationUsers, [user]);
      const rooms = await documents.find(notificationCounts, { prefix: [user] });
      for (const counts of rooms) await removeCounts(counts, documents);
      await removeInvitations(user, documents);
      return;
    }
    case 'content.forgotten':
      return forgetInCounts(record, documents);
    default:
      return;
  }
}

async function evolveRoom(record: AcceptedRecord, documents: Documents): Promise<void> {
  const { event } = recordedEvent(record);
  keepStateEvent(record, documents);
  const room = await notify(record, event, documents);
  const redaction = appliedRedaction(record);
  if (redaction !== undefined) {
    await takeFromLists(event.roomId, redaction.target, record.position, documents);
    await redactStateEvent(event.roomId, redaction, documents);
  }
  await changeRoom(record, documents);
  await listInvitation(record, event, room, documents);
}

/**
 * Keeps the event, with the thread that it is in: that of its `m.thread` relation, or else the one of the event that
 * it relates to, which is known from when that came. A root is itself in the main timeline, and so is what else
 * relates to it.
 */
async function keepEvent(
  event: RoomEvent,
  { position, ordinal }: { readonly position: number; readonly ordinal: number },
  documents: Documents,
): Promise<NotificationEvent> {
  const { type, content, roomId, eventId, sender } = event;
  const { relates_to: relation } = searchableFields(type, content);
  const related = relation?.event_id.startsWith('$') === true ? relation : undefined;
  const isThreaded = related?.rel_type === 'm.thread';
  const parent = related === undefined || isThreaded ? undefined : related.event_id;
  const thread_id = isThreaded
    ? related.event_id
    : parent === undefined
      ? undefined
      : (await documents.get(notificationEvents, [roomId, parent]))?.thread_id;
  const kept: NotificationEvent = {
    room_id: roomId,
    event_id: eventId,
    position,
    ordinal,
    ...(type === 'm.room.member' ? {} : { reader: sender }),
    ...(thread_id === undefined ? {} : { thread_id }),
    ...(parent === undefined ? {} : { related_to: parent }),
  };
  documents.put(notificationEvents, kept);
  return kept;
}

/** Gives the room as it was before the event. */
async function notify(
  record: AcceptedRecord,
  event: RoomEvent,
  documents: Documents,
): Promise<NotificationRoom> {
  const { position } = record;
  const counted = await countedRoom(record, documents);
  const ordinal = counted.events;
  const { reader, thread_id: thread = MAIN } = await keepEvent(event, { position, ordinal }, documents);
  const placed = { event, position, ordinal, thread };
  const room = await listEvent(placed, counted, documents);
  const heard = reader === undefined ? room : await hearSpeaker(placed, room, reader, documents);
  documents.put(notificationRooms, heard);
  return counted;
}

/**
 * What was redacted notifies nobody any more. Costs some reads, a range of those who have lists of their own, and a
 * write for each whose list had the event.
 */
async function takeFromLists(
  roomId: string,
  eventId: string,
  position: number,
  documents: Documents,
): Promise<void> {
  const event = await documents.get(notificationEvents, [roomId, eventId]);
  const room = await documents.get(notificationRooms, [roomId]);
  if (event === undefined || room === undefined) return;
  let isRemoved = false;
  for (const member of await documents.find(notificationCounts, { prefix: [roomId] }, 'listed')) {
    const own = await withoutEvent(memberList(member, documents), event.ordinal);
    if (own === undefined) continue;
    isRemoved = true;
    documents.put(notificationCounts, { ...member, recent: own.recent });
  }
  const shared = await withoutEvent(roomList(room, documents), event.ordinal);
  if (shared === undefined && !isRemoved) return;
  const { recent, isPaged } = shared ?? { recent: room.recent, isPaged: false };
  documents.put(notificationRooms, {
    ...room,
    recent,
    removed: position,
    ...(isPaged ? { paged: position } : {}),
  });
}

/** A receipt for an event whose place is not known reads nothing: it cannot be said what is before it. */
async function read(
  user: string,
  { room_id, receipt_type, thread_id, event_position }: ReceiptPostedV1,
  position: number,
  documents: Documents,
): Promise<void> {
  if (receipt_type === 'm.fully_read' || event_position === null) return;
  const member = await documents.get(notificationCounts, [user, room_id]);
  if (member === undefined) return;
  const next = markRead(member, thread_id, [event_position]);
  if (next !== undefined) documents.put(notificationCounts, { ...next, position });
}
