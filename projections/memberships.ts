import type { LoggedRecord } from '../src/log/log.js';
import type { RecordOf } from '../src/log/records.js';
import type { JsonObject } from '../src/protocol/json.js';
import {
  membershipChanges,
  membershipEvents,
  memberships,
  strippedRooms,
  type Membership,
  type MembershipEvent,
} from '../src/read-models/collections.js';
import { redactContent } from './client-event.js';
import type { Documents, Projection } from './projection.js';
import {
  appliedRedaction,
  forgottenEvents,
  isRefused,
  isStateEvent,
  recordedEvent,
  type AcceptedRecord,
  type ForgottenEvent,
  type StateEventRecord,
} from './recorded-event.js';
import { userOfStream } from './streams.js';
import { changeStrippedState, STRIPPED_TYPES, strippedState } from './stripped-state.js';

/**
 * Who is in which room, since when, and how that came about. It follows the rooms' current states, so that a
 * membership which state resolution brings back or takes away is one here too.
 *
 * Cost of a message: nothing.
 */
export const membershipsProjection: Projection = {
  name: 'memberships',
  version: 2,
  collections: [memberships, membershipChanges, membershipEvents, strippedRooms],
  handles: [
    'room.event.accepted',
    'room.event.soft_failed',
    'room.event.outlier',
    'room.forgotten',
    'content.forgotten',
  ],
  async evolve(record, documents) {
    switch (record.type) {
      case 'room.event.accepted':
        keepEvent(record, record.position, documents);
        await changeStrippedState(record, documents);
        await changeMemberships(record, documents);
        await applyRedaction(record, documents);
        return;
      case 'room.event.soft_failed':
      case 'room.event.outlier':
        if (!isRefused(record)) keepEvent(record, record.position, documents);
        return;
      case 'room.forgotten':
        await forget(record, documents);
        return;
      case 'content.forgotten':
        for (const event of forgottenEvents(record)) await redactEvent(event, documents);
        return;
      default:
    }
  },
};

function keepEvent(record: StateEventRecord, position: number, documents: Documents): void {
  const type = record.data.event['type'];
  if (!isStateEvent(record) || (type !== 'm.room.member' && !STRIPPED_TYPES.has(String(type)))) return;
  const { event } = recordedEvent(record);
  documents.put(membershipEvents, {
    room_id: event.roomId,
    event_id: event.eventId,
    type: event.type,
    state_key: event.stateKey ?? '',
    sender: event.sender,
    content: JSON.stringify(event.content),
    position,
  });
}

async function changeMemberships(record: AcceptedRecord, documents: Documents): Promise<void> {
  const changed = (record.data.current?.delta ?? []).filter(({ type }) => type === 'm.room.member');
  if (changed.length === 0) return;
  const { roomId } = recordedEvent(record).event;
  const asking: { document: Membership; event: MembershipEvent }[] = [];
  for (const { state_key, event_id } of changed) {
    const before = await documents.get(memberships, [state_key, roomId]);
    const event = event_id === null ? undefined : await documents.get(membershipEvents, [roomId, event_id]);
    const document = event === undefined ? gone(record, before) : member(record, before, event);
    if (document === undefined) continue;
    documents.put(memberships, document);
    noteChange(record, before, document, documents);
    const { membership } = document;
    if (event !== undefined && (membership === 'invite' || membership === 'knock')) {
      asking.push({ document, event });
    }
  }
  // Last, so that what others become in the same record is in the stripped states.
  for (const { document, event } of asking) {
    documents.put(memberships, { ...document, stripped_state: await strippedState(event, documents) });
  }
}

function member(record: AcceptedRecord, before: Membership | undefined, event: MembershipEvent): Membership {
  const content = parseContent(event);
  const membership = membershipOf(content);
  const isChange = membership !== before?.membership;
  const comesBack = isChange && membership !== 'leave' && membership !== 'ban';
  return {
    user_id: event.state_key,
    room_id: event.room_id,
    membership,
    event_id: event.event_id,
    sender: event.sender,
    position: isChange ? record.position : before.position,
    event_position: record.position,
    ...profile(content),
    forgotten: comesBack ? false : (before?.forgotten ?? false),
  };
}

/** Resolution may leave a user without a member event: as good as having left, by the event that brought it about. */
function gone(record: AcceptedRecord, before: Membership | undefined): Membership | undefined {
  if (before === undefined) return undefined;
  const { eventId, sender } = recordedEvent(record).event;
  const isChange = before.membership !== 'leave';
  return {
    user_id: before.user_id,
    room_id: before.room_id,
    membership: 'leave',
    event_id: eventId,
    sender,
    position: isChange ? record.position : before.position,
    event_position: record.position,
    forgotten: before.forgotten,
  };
}

function noteChange(
  record: AcceptedRecord,
  before: Membership | undefined,
  after: Membership,
  documents: Documents,
): void {
  const previous = before?.membership ?? 'leave';
  if (after.membership === previous) return;
  const { user_id, room_id, membership, event_id, sender } = after;
  const { position, index } = record;
  documents.put(membershipChanges, {
    user_id,
    room_id,
    position,
    index,
    membership,
    previous,
    event_id,
    sender,
  });
}

async function applyRedaction(record: AcceptedRecord, documents: Documents): Promise<void> {
  const redaction = appliedRedaction(record);
  if (redaction === undefined) return;
  const { roomId } = recordedEvent(record).event;
  await redactEvent({ roomId, ...redaction }, documents);
}

/** A redacted member event keeps the membership, and loses the rest. */
async function redactEvent(event: ForgottenEvent, documents: Documents): Promise<void> {
  const { roomId } = event;
  const target = await documents.get(membershipEvents, [roomId, event.target]);
  if (target === undefined) return;
  const content = redactContent(target.type, parseContent(target), event.version);
  documents.put(membershipEvents, { ...target, content: JSON.stringify(content) });
  if (target.type === 'm.room.member') {
    const current = await documents.get(memberships, [target.state_key, roomId]);
    if (current?.event_id === target.event_id) {
      const { displayname: _, avatar_url: __, ...kept } = current;
      documents.put(memberships, kept);
    }
  }
  await refreshStrippedStates(target, documents);
}

/** A stripped state shows the room as it was then, but not what has been redacted since. */
async function refreshStrippedStates(target: MembershipEvent, documents: Documents): Promise<void> {
  const { room_id, type, state_key } = target;
  for (const membership of ['invite', 'knock']) {
    for (const pending of await documents.find(memberships, { prefix: [room_id, membership] }, 'room')) {
      const isShown = type !== 'm.room.member' || [pending.user_id, pending.sender].includes(state_key);
      const event = isShown && (await documents.get(membershipEvents, [room_id, pending.event_id]));
      if (!event) continue;
      documents.put(memberships, { ...pending, stripped_state: await strippedState(event, documents) });
    }
  }
}

/** Nobody forgets a room that they are in: whoever came back meanwhile is in it. */
async function forget(
  { stream, data }: LoggedRecord & RecordOf<'room.forgotten'>,
  documents: Documents,
): Promise<void> {
  const current = await documents.get(memberships, [userOfStream(stream), data.room_id]);
  if (current?.membership !== 'leave' && current?.membership !== 'ban') return;
  documents.put(memberships, { ...current, forgotten: true });
}

function parseContent(event: MembershipEvent): JsonObject {
  return JSON.parse(event.content) as JsonObject;
}

function membershipOf({ membership }: JsonObject): Membership['membership'] {
  switch (membership) {
    case 'join':
    case 'invite':
    case 'knock':
    case 'ban':
      return membership;
    default:
      return 'leave';
  }
}

function profile({ displayname, avatar_url }: JsonObject): Pick<Membership, 'displayname' | 'avatar_url'> {
  return {
    ...(typeof displayname === 'string' ? { displayname } : {}),
    ...(typeof avatar_url === 'string' ? { avatar_url } : {}),
  };
}
