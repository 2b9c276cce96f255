import type { RoomEvent } from '../src/protocol/events.js';
import { isJsonObject, type JsonObject } from '../src/protocol/json.js';
import { evaluatePushRules } from '../src/protocol/push-rules/evaluate.js';
import { PreparedEvent } from '../src/protocol/push-rules/event.js';
import {
  notificationCounts,
  type NotificationCount,
  type NotificationRoom,
} from '../src/read-models/collections.js';
import { MAIN, notifiedEvent, type KeptDecision } from '../src/read-models/notified-events.js';
import { clientFormat } from './client-event.js';
import { followAfter } from './notification-follows.js';
import { markRead } from './notification-marks.js';
import { MEMBER, PushRoom, pushRoom } from './notification-rooms.js';
import { PREDEFINED, PREDEFINED_SETTINGS, settingsOf } from './notification-settings.js';
import { keptVerdict } from './notification-verdicts.js';
import { memberList, roomList, withEvent } from './notified-events.js';
import type { Documents } from './projection.js';

/** An accepted event, and where it is. */
export interface PlacedEvent {
  readonly event: RoomEvent;
  readonly position: number;
  readonly ordinal: number;
  /** The root of its thread, or `main`. */
  readonly thread: string;
}

const LONGEST_USER_ID = 255;

/**
 * Lists an event for those of a room's members whom it notifies: once for all with the predefined settings, in the
 * room's shared list, and apart for those whom these rules treat in another way as the event names them, and for those
 * who have settings of their own.
 *
 * @param room as it is when the event is judged
 * @returns the room with its list
 */
export async function listEvent(
  placed: PlacedEvent,
  room: NotificationRoom,
  documents: Documents,
): Promise<NotificationRoom> {
  const { event } = placed;
  const prepared = new PreparedEvent(clientFormat(event));
  const others = await documents.find(notificationCounts, { prefix: [event.roomId] }, 'judged');
  // Of the predefined rules, the one about mentions of the room alone asks for power levels.
  const asksLevels = others.length > 0 || mentionsOf(event)?.['room'] === true;
  const seen = asksLevels ? await pushRoom(room, event.sender, documents) : new PushRoom(room, event.sender);
  const { rules } = PREDEFINED_SETTINGS;
  const shared = keptVerdict(evaluatePushRules(rules, prepared, seen.seenByOthers()));
  for (const member of await namedMembers(event, documents)) {
    // Predefined rules that ask for the user all notify: nobody is named and notified of nothing where others are. So an
    // entry of a member's own takes the place of the shared one, and none has to say that there is nothing.
    const verdict = keptVerdict(evaluatePushRules(rules, prepared, seen.seenBy(member)));
    if (verdict !== undefined && !isSame(verdict, shared)) await listOwn(placed, member, verdict, documents);
  }
  await judgeOthers(placed, others, prepared, seen, documents);
  if (shared === undefined) return room;
  const { recent, isPaged } = await withEvent(roomList(room, documents), listed(placed, shared));
  return { ...room, recent, ...(isPaged ? { paged: placed.position } : {}) };
}

/** Judges the event for members who have settings of their own. */
async function judgeOthers(
  placed: PlacedEvent,
  members: readonly NotificationCount[],
  prepared: PreparedEvent,
  seen: PushRoom,
  documents: Documents,
): Promise<void> {
  const { sender, stateKey } = placed.event;
  for (const member of members) {
    if (member.user_id === sender) continue;
    const found = settingsOf(member, documents);
    const settings = found instanceof Promise ? await found : found;
    // State is shown whoever sent it (Ignoring Users).
    if (stateKey === undefined && settings.ignored.has(sender)) continue;
    const verdict = keptVerdict(evaluatePushRules(settings.rules, prepared, seen.seenBy(member)));
    if (verdict !== undefined) await listOwn(placed, member, verdict, documents);
  }
}

/** Members with the predefined settings whom an event names in such a way that a predefined rule may ask for it. */
async function namedMembers(event: RoomEvent, documents: Documents): Promise<NotificationCount[]> {
  const { type, sender, stateKey, content, roomId } = event;
  const named = new Set<unknown>();
  if (type === MEMBER && stateKey !== undefined && content['membership'] === 'invite') named.add(stateKey);
  const users = mentionsOf(event)?.['user_ids'];
  if (Array.isArray(users)) for (const user of users) named.add(user);
  const members: NotificationCount[] = [];
  for (const user of named) {
    if (typeof user !== 'string' || user === sender || user.length > LONGEST_USER_ID) continue;
    const member = await documents.get(notificationCounts, [user, roomId]);
    if (member?.settings === PREDEFINED) members.push(member);
  }
  return members;
}

function mentionsOf({ content }: RoomEvent): JsonObject | undefined {
  const mentions = content['m.mentions'];
  return isJsonObject(mentions) ? mentions : undefined;
}

async function listOwn(
  placed: PlacedEvent,
  member: NotificationCount,
  verdict: KeptDecision,
  documents: Documents,
): Promise<void> {
  const { recent } = await withEvent(memberList(member, documents), listed(placed, verdict));
  documents.put(notificationCounts, { ...member, recent });
}

function listed({ position, ordinal, thread }: PlacedEvent, verdict: KeptDecision) {
  return notifiedEvent(position, ordinal, verdict, thread === MAIN ? '' : thread);
}

function isSame(a: KeptDecision, b: KeptDecision | undefined): boolean {
  return a.marks === b?.marks && a.actions === b.actions;
}

/**
 * Takes down that whoever sends an event has read what is before it in its thread. Where nobody else has ever sent
 * anything to the room, there is nothing of others in the shared list, and nothing to take down: a message to oneself,
 * or to those who only read, costs no write for its sender.
 *
 * @returns the room with who speaks in it
 */
export async function hearSpeaker(
  { position, ordinal, thread }: PlacedEvent,
  room: NotificationRoom,
  speaker: string,
  documents: Documents,
): Promise<NotificationRoom> {
  const { room_id: roomId, speaker: alone = speaker } = room;
  if (alone !== '' && alone !== speaker) {
    // Until now everything in the shared list was of one sender, who is to be told of nothing of it.
    const other = await documents.get(notificationCounts, [alone, roomId]);
    if (other !== undefined) documents.put(notificationCounts, followAfter(other, ordinal - 1));
  }
  const isAlone = alone === speaker;
  const member = await documents.get(notificationCounts, [speaker, roomId]);
  if (member !== undefined && (!isAlone || member.had_settings === true)) {
    const next = markRead(member, thread, [position, ordinal]);
    if (next !== undefined) documents.put(notificationCounts, { ...next, position });
  }
  return { ...room, speaker: isAlone ? speaker : '' };
}
