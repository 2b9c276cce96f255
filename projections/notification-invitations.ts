import type { RoomEvent } from '../src/protocol/events.js';
import { evaluatePushRules } from '../src/protocol/push-rules/evaluate.js';
import { PreparedEvent } from '../src/protocol/push-rules/event.js';
import {
  notificationUsers,
  notifiedInvitations,
  type NotificationRoom,
} from '../src/read-models/collections.js';
import { notifiedEvent } from '../src/read-models/notified-events.js';
import { MEMBER, pushRoom } from './notification-rooms.js';
import { settingsName, settingsOf } from './notification-settings.js';
import { clientFormat } from './client-event.js';
import { keptVerdict } from './notification-verdicts.js';
import type { Documents } from './projection.js';
import type { AcceptedRecord } from './recorded-event.js';

/**
 * Lists an invitation of one of our users, if it became the room's state and their rules say that it notifies them.
 *
 * @param room as it was before the event
 */
export async function listInvitation(
  { data: { current }, position }: AcceptedRecord,
  event: RoomEvent,
  room: NotificationRoom,
  documents: Documents,
): Promise<void> {
  const { type, stateKey, content, eventId, roomId, sender } = event;
  if (type !== MEMBER || stateKey === undefined || content['membership'] !== 'invite') return;
  if (current?.delta.every(({ event_id }) => event_id !== eventId) ?? true) return;
  const user = await documents.get(notificationUsers, [stateKey]);
  if (user === undefined) return;
  const invited = { user_id: stateKey, settings: settingsName(user) };
  const { rules, ignored } = await settingsOf(invited, documents);
  // Invitations of ignored users are not shown (Client-Server API, Ignoring Users).
  if (ignored.has(sender)) return;
  const seen = (await pushRoom(room, sender, documents)).seenBy(invited);
  const verdict = keptVerdict(evaluatePushRules(rules, new PreparedEvent(clientFormat(event)), seen));
  if (verdict === undefined) return;
  documents.put(notifiedInvitations, {
    user_id: stateKey,
    room_id: roomId,
    event_id: eventId,
    position,
    event: notifiedEvent(position, room.events, verdict, ''),
  });
}

/** Lists no invitations of a user any more. */
export async function removeInvitations(userId: string, documents: Documents): Promise<void> {
  const found = await documents.find(notifiedInvitations, { prefix: [userId] });
  for (const { room_id } of found) documents.delete(notifiedInvitations, [userId, room_id]);
}

/** Lists those of a room's invitations no longer of which the number in the room is among those that go. */
export async function forgetInvitations(
  roomId: string,
  goes: (userId: string, ordinal: number) => boolean,
  documents: Documents,
): Promise<void> {
  const found = await documents.find(notifiedInvitations, { prefix: [roomId] }, 'room');
  for (const { user_id, event } of found) {
    if (goes(user_id, event[1])) documents.delete(notifiedInvitations, [user_id, roomId]);
  }
}
