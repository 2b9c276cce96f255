import {
  membershipEvents,
  memberships,
  strippedRooms,
  type MembershipEvent,
} from '../src/read-models/collections.js';
import type { Documents } from './projection.js';
import { recordedEvent, type AcceptedRecord } from './recorded-event.js';

/** What stripped state is made of, in the order that it is given in (Client-Server API, Stripped state). */
export const STRIPPED_TYPES: ReadonlySet<string> = new Set([
  'm.room.create',
  'm.room.join_rules',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.canonical_alias',
  'm.room.encryption',
]);

/** Notes which events the room's stripped state is made of from here on. */
export async function changeStrippedState(record: AcceptedRecord, documents: Documents): Promise<void> {
  const changes = (record.data.current?.delta ?? []).filter(
    ({ type, state_key }) => state_key === '' && STRIPPED_TYPES.has(type),
  );
  if (changes.length === 0) return;
  const { roomId } = recordedEvent(record).event;
  const before = await documents.get(strippedRooms, [roomId]);
  const events = new Map(before?.events.map(({ type, event_id }) => [type, event_id]));
  for (const { type, event_id } of changes) {
    if (event_id === null) events.delete(type);
    else events.set(type, event_id);
  }
  documents.put(strippedRooms, {
    room_id: roomId,
    events: [...STRIPPED_TYPES].flatMap((type) => {
      const event_id = events.get(type);
      return event_id === undefined ? [] : [{ type, event_id }];
    }),
  });
}

/**
 * The room's stripped state for somebody who is invited or knocks, as JSON text of an array: the room's events, the
 * inviter's member event, and the one that invites or knocks. It shows the room as it is now, and stays so.
 */
export async function strippedState(member: MembershipEvent, documents: Documents): Promise<string> {
  const { room_id } = member;
  const stripped: string[] = [];
  const room = await documents.get(strippedRooms, [room_id]);
  for (const { event_id } of room?.events ?? []) {
    const event = await documents.get(membershipEvents, [room_id, event_id]);
    if (event !== undefined) stripped.push(strip(event));
  }
  if (member.sender !== member.state_key) {
    const inviter = await documents.get(memberships, [member.sender, room_id]);
    const event = inviter && (await documents.get(membershipEvents, [room_id, inviter.event_id]));
    if (event !== undefined) stripped.push(strip(event));
  }
  return `[${[...stripped, strip(member)].join(',')}]`;
}

function strip({ content, sender, state_key, type }: MembershipEvent): string {
  const names = `"sender":${JSON.stringify(sender)},"state_key":${JSON.stringify(state_key)}`;
  return `{"content":${content},${names},"type":${JSON.stringify(type)}}`;
}
