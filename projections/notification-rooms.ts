import type { RoomEvent } from '../src/protocol/events.js';
import type { JsonObject, JsonValue } from '../src/protocol/json.js';
import { notificationLevel, powerLevels, userLevel, type PowerLevels } from '../src/protocol/power-levels.js';
import type { PushContext } from '../src/protocol/push-rules/conditions.js';
import { roomVersion, type RoomVersion } from '../src/protocol/room-versions.js';
import {
  notificationCounts,
  notificationRooms,
  notificationStateEvents,
  notificationUsers,
  notifiedInvitations,
  type NotificationCount,
  type NotificationRoom,
  type NotificationStateEvent,
  type NotificationUser,
  type NotifiedInvitation,
} from '../src/read-models/collections.js';
import { redactContent } from './client-event.js';
import { follow } from './notification-follows.js';
import { PREDEFINED, settingsName } from './notification-settings.js';
import type { Documents } from './projection.js';
import { recordedEvent, type AcceptedRecord, type StateEventRecord } from './recorded-event.js';
import { removeCounts } from './notified-events.js';

export const MEMBER = 'm.room.member';
export const LEVELS = 'm.room.power_levels';
const CREATE = 'm.room.create';

/** Of each type's content, what push rules depend on. */
const USED: ReadonlyMap<string, readonly string[]> = new Map([
  [MEMBER, ['membership', 'displayname']],
  [LEVELS, ['users', 'users_default', 'notifications']],
  [CREATE, ['creator', 'additional_creators']],
]);

/** Keeps a state event that push rules depend on: some state of the room may hold it, now or later. */
export function keepStateEvent(record: StateEventRecord, documents: Documents): void {
  const { state_key, type } = record.data.event;
  if (typeof state_key !== 'string' || !USED.has(String(type))) return;
  const { event } = recordedEvent(record);
  documents.put(notificationStateEvents, {
    room_id: event.roomId,
    event_id: event.eventId,
    type: event.type,
    state_key,
    sender: event.sender,
    content: used(event.type, event.content),
  });
}

/** The event was redacted: what it says from now on is what is left of it, which is handed back. */
export async function redactStateEvent(
  roomId: string,
  { target, version }: { readonly target: string; readonly version: RoomVersion },
  documents: Documents,
): Promise<NotificationStateEvent | undefined> {
  const kept = await documents.get(notificationStateEvents, [roomId, target]);
  if (kept === undefined) return undefined;
  const content = used(kept.type, redactContent(kept.type, kept.content as JsonObject, version));
  const redacted = { ...kept, content };
  documents.put(notificationStateEvents, redacted);
  if (kept.type !== MEMBER) return redacted;
  const member = await documents.get(notificationCounts, [kept.state_key, roomId]);
  if (member?.member_event !== target) return redacted;
  const { displayname: _, ...nameless } = member;
  documents.put(notificationCounts, nameless);
  return redacted;
}

/** The room with one more event, as it is before the event is judged. Costs a read. */
export async function countedRoom(record: AcceptedRecord, documents: Documents): Promise<NotificationRoom> {
  const { roomId } = recordedEvent(record).event;
  const room = (await documents.get(notificationRooms, [roomId])) ?? newRoom(roomId, record);
  return { ...room, events: room.events + 1 };
}

function newRoom(roomId: string, { data, position: removed }: AcceptedRecord): NotificationRoom {
  return { room_id: roomId, version: data.room_version, events: 0, joined: 0, recent: [], removed };
}

/**
 * Follows the room's current state: who of our users is in it, how many members it has, and by which event power
 * levels are. Costs a few look-ups for each member that changed.
 */
export async function changeRoom(record: AcceptedRecord, documents: Documents): Promise<void> {
  const changed = (record.data.current?.delta ?? []).filter(({ type }) => USED.has(type));
  if (changed.length === 0) return;
  const { roomId } = recordedEvent(record).event;
  const before = (await documents.get(notificationRooms, [roomId])) ?? newRoom(roomId, record);
  const { create: oldCreate = null, power_levels: oldLevels = null, ...room } = before;
  let { joined } = room;
  let [create, levels]: (string | null)[] = [oldCreate, oldLevels];
  for (const { type, state_key, event_id, replaces } of changed) {
    if (type === MEMBER) {
      const [old, next] = [await kept(roomId, replaces, documents), await kept(roomId, event_id, documents)];
      joined += Number(isJoin(next)) - Number(isJoin(old));
      await changeMember(state_key, room, next, record.position, documents);
    } else if (state_key === '') {
      if (type === CREATE) create = event_id;
      else levels = event_id;
    }
  }
  documents.put(notificationRooms, {
    ...room,
    version: record.data.room_version,
    joined,
    ...(create === null ? {} : { create }),
    ...(levels === null ? {} : { power_levels: levels }),
  });
}

async function changeMember(
  userId: string,
  { room_id: roomId, events }: Pick<NotificationRoom, 'room_id' | 'events'>,
  event: NotificationStateEvent | undefined,
  position: number,
  documents: Documents,
): Promise<void> {
  const user = await documents.get(notificationUsers, [userId]);
  if (user === undefined) return;
  const before = await documents.get(notificationCounts, [userId, roomId]);
  const invitation = await documents.get(notifiedInvitations, [userId, roomId]);
  if (invitation !== undefined) documents.delete(notifiedInvitations, [userId, roomId]);
  if (event === undefined || !isJoin(event)) {
    if (before !== undefined) await removeCounts(before, documents);
    return;
  }
  const { displayname: _, ...member } = before ?? newMember(user, { roomId, events, position, invitation });
  const { displayname } = event.content;
  documents.put(notificationCounts, {
    ...member,
    member_event: event.event_id,
    ...(typeof displayname === 'string' ? { displayname } : {}),
  });
}

/** Of whoever has just joined; what was before it, the invitation too, is read. */
function newMember(
  user: NotificationUser,
  {
    roomId,
    events,
    position,
    invitation,
  }: { roomId: string; events: number; position: number; invitation: NotifiedInvitation | undefined },
): NotificationCount {
  const settings = settingsName(user);
  const isPlain = settings === PREDEFINED;
  return {
    user_id: user.user_id,
    room_id: roomId,
    position,
    follows: isPlain ? follow([], events) : [],
    read: [position, events],
    recent: invitation === undefined ? [] : [invitation.event],
    member_event: '',
    settings,
    ...(isPlain ? {} : { had_settings: true }),
  };
}

/** What push rules ask of a room about an event by this sender, as it is before the event. */
export async function pushRoom(
  room: NotificationRoom,
  sender: string,
  documents: Documents,
): Promise<PushRoom> {
  const create = await kept(room.room_id, room.create, documents);
  const levels = await kept(room.room_id, room.power_levels, documents);
  return new PushRoom(room, sender, { create, levels });
}

/** Power levels are read only where a rule asks for them. */
export class PushRoom {
  readonly memberCount: number;
  readonly #sender: string;
  readonly #read: () => PowerLevels;
  #levels: PowerLevels | undefined;

  /** @param state undefined where it is known that no rule asks for power levels */
  constructor(
    room: NotificationRoom,
    sender: string,
    state?: {
      readonly create: NotificationStateEvent | undefined;
      readonly levels: NotificationStateEvent | undefined;
    },
  ) {
    this.memberCount = room.joined;
    this.#sender = sender;
    this.#read = () => {
      const version = roomVersion(room.version);
      if (version === undefined) throw new Error(`The room has the unknown version ${room.version}.`);
      if (state === undefined) throw new Error('A rule asks for power levels, which nobody has read.');
      const { create, levels } = state;
      return powerLevels(levels && roomEvent(levels), create && roomEvent(create), version);
    };
  }

  get senderLevel(): number {
    return userLevel(this.levels, this.#sender);
  }

  get levels(): PowerLevels {
    return (this.#levels ??= this.#read());
  }

  /** As one of its members sees it. */
  seenBy({ user_id, displayname }: Pick<NotificationCount, 'user_id' | 'displayname'>): PushContext {
    return new MemberContext(this, user_id, displayname);
  }

  /** As everybody sees it whom the event does not name. */
  seenByOthers(): PushContext {
    return new MemberContext(this, undefined, undefined);
  }
}

class MemberContext implements PushContext {
  readonly userId: string | undefined;
  readonly displayName: string | undefined;
  readonly #room: PushRoom;

  constructor(room: PushRoom, userId: string | undefined, displayName: string | undefined) {
    this.#room = room;
    this.userId = userId;
    this.displayName = displayName;
  }

  get memberCount(): number {
    return this.#room.memberCount;
  }

  get senderLevel(): number {
    return this.#room.senderLevel;
  }

  notificationLevel(kind: string): number {
    return notificationLevel(this.#room.levels, kind);
  }
}

async function kept(
  roomId: string,
  eventId: string | null | undefined,
  documents: Documents,
): Promise<NotificationStateEvent | undefined> {
  return eventId === null || eventId === undefined
    ? undefined
    : documents.get(notificationStateEvents, [roomId, eventId]);
}

function isJoin(event: NotificationStateEvent | undefined): boolean {
  return event?.content['membership'] === 'join';
}

function used(type: string, content: JsonObject): JsonObject {
  const entries = (USED.get(type) ?? []).map((name): [string, JsonValue | undefined] => [
    name,
    content[name],
  ]);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** As much of the event as power levels are read from. */
function roomEvent({ event_id, room_id, type, sender, content }: NotificationStateEvent): RoomEvent {
  return {
    eventId: event_id,
    roomId: room_id,
    type,
    sender,
    stateKey: '',
    content: content as JsonObject,
    depth: 0,
    originServerTs: 0,
    authEvents: [],
    prevEvents: [],
    redacts: undefined,
    pdu: {},
  };
}
