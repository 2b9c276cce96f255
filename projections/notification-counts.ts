import type { LoggedRecord } from '../src/log/log.js';
import type { ReceiptPostedV1 } from '../src/log/records.js';
import type { RoomEvent } from '../src/protocol/events.js';
import type { JsonObject } from '../src/protocol/json.js';
import { evaluatePushRules } from '../src/protocol/push-rules/evaluate.js';
import { PreparedEvent } from '../src/protocol/push-rules/event.js';
import {
  notificationCounts,
  notificationEvents,
  notificationRooms,
  notificationStateEvents,
  notificationUsers,
  notifiedInvitations,
  notifiedPages,
  type NotificationEvent,
  type NotificationRoom,
} from '../src/read-models/collections.js';
import { forgetInCounts } from './notification-forgetting.js';
import { listInvitation, removeInvitations } from './notification-invitations.js';
import { changeRoom, countEvent, keepStateEvent, pushRoom, redactStateEvent } from './notification-rooms.js';
import { changeSettings, settingsOf } from './notification-settings.js';
import type { Documents, Projection } from './projection.js';
import { appliedRedaction, isRefused, recordedEvent, type AcceptedRecord } from './recorded-event.js';
import { searchableFields } from './searchable-fields.js';
import { userOfStream } from './streams.js';
import { clientFormat } from './client-event.js';
import { keptVerdict } from './notification-verdicts.js';
import { addNotified, forgetNotified, MAIN, markRead, removeCounts } from './notified-events.js';

/**
 * What notifies our users in the rooms that they have joined, and unread counts of it (Client-Server API, Receiving
 * notifications; Threaded read receipts; Listing notifications). Each event that notifies a user is listed, first as
 * unread, then as read, until it is redacted, or too many came after it, or the user leaves; the counts are those of
 * the unread ones. Of an invitation `/sync` shows no counts, so there are none: it is listed by itself, and once the
 * user has joined as one that was read.
 *
 * An event reads what is before it for its sender, as a receipt would that names the event's thread: what clients
 * take it for. Not so a membership, which follows from a changed profile in all rooms at once.
 *
 * Cost of an event in a room with n members of ours: one read of a range of n documents, n evaluations (0.4 us each
 * with the predefined rules), and a write for each member whom it notifies; every 32 events one more for each, a page.
 * With 1,000 members, who are all notified, that is 9 ms of a batch of such messages, and 27 ms of one alone. Of a
 * receipt: a write, and the pages of what it makes read, where that is more than 32 events. Of a redaction: a write for
 * each member whom the event has notified, and a read for each where it is none of the newest. Of an invitation: three
 * reads and a write.
 */
export const notificationCountsProjection: Projection = {
  name: 'notification-counts',
  version: 3,
  collections: [
    notificationCounts,
    notificationUsers,
    notificationStateEvents,
    notificationRooms,
    notificationEvents,
    notifiedPages,
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
    await forgetNotifications(event.roomId, redaction.target, record.position, documents);
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
  ordinal: number,
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
  const { roomId, sender } = event;
  const { position } = record;
  const counted = await countEvent(record, documents);
  const { events: ordinal } = counted;
  const { reader, thread_id: thread = MAIN } = await keepEvent(event, ordinal, documents);
  const members = await documents.find(notificationCounts, { prefix: [roomId] }, 'room');
  if (members.length === 0) return counted;
  const prepared = new PreparedEvent(clientFormat(event));
  const room = await pushRoom(counted, sender, documents);
  for (const member of members) {
    if (member.user_id === sender) {
      if (reader !== undefined) await markRead(member, { thread }, position, documents);
      continue;
    }
    const found = settingsOf(member, documents);
    const settings = found instanceof Promise ? await found : found;
    // State is shown whoever sent it (Ignoring Users).
    if (event.stateKey === undefined && settings.ignored.has(sender)) continue;
    const decision = keptVerdict(evaluatePushRules(settings.rules, prepared, room.seenBy(member)));
    if (decision !== undefined) await addNotified(member, { position, ordinal, decision, thread }, documents);
  }
  return counted;
}

/** What was redacted notifies nobody any more. Costs a read of the range of members, and a write for each whom it has notified. */
async function forgetNotifications(
  roomId: string,
  eventId: string,
  position: number,
  documents: Documents,
): Promise<void> {
  const event = await documents.get(notificationEvents, [roomId, eventId]);
  if (event === undefined) return;
  const members = await documents.find(notificationCounts, { prefix: [roomId] }, 'room');
  for (const member of members) await forgetNotified(member, event.ordinal, position, documents);
}

/** A receipt for an event whose place is not known reads nothing: it cannot be said what is before it. */
async function read(
  user: string,
  { room_id, receipt_type, thread_id, event_position }: ReceiptPostedV1,
  position: number,
  documents: Documents,
): Promise<void> {
  if (receipt_type === 'm.fully_read' || event_position === null) return;
  const counts = await documents.get(notificationCounts, [user, room_id]);
  if (counts === undefined) return;
  await markRead(counts, { upTo: event_position, thread: thread_id }, position, documents);
}
