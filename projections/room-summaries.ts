import {
  roomSummaries,
  summaryEvents,
  summaryMembers,
  summarySources,
  type RoomSummary,
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
import { roomOfStream } from './streams.js';
import { DEFAULT_FIELDS, fieldsOf, isSummarised, usedContent, type SummaryFields } from './summary-fields.js';
import { changeMembers, type MemberSummary } from './summary-members.js';

/**
 * What each room is, at a glance: what its current state says of it, how many are in it, whether it is listed, and
 * where its timeline ends.
 *
 * Cost of a message: one document read and put.
 */
export const roomSummariesProjection: Projection = {
  name: 'room-summaries',
  version: 2,
  collections: [roomSummaries, summaryMembers, summaryEvents, summarySources],
  handles: [
    'room.event.accepted',
    'room.event.soft_failed',
    'room.event.outlier',
    'room.visibility.changed',
    'content.forgotten',
  ],
  async evolve(record, documents) {
    switch (record.type) {
      case 'room.event.accepted':
        keepEvent(record, documents);
        await summarise(record, roomOfStream(record.stream), documents);
        return;
      case 'room.event.soft_failed':
      case 'room.event.outlier':
        if (!isRefused(record)) keepEvent(record, documents);
        return;
      case 'room.visibility.changed': {
        const summary = await documents.get(roomSummaries, [roomOfStream(record.stream)]);
        const listed = record.data.visibility === 'public';
        if (summary !== undefined) documents.put(roomSummaries, { ...summary, listed });
        return;
      }
      case 'content.forgotten':
        for (const event of forgottenEvents(record)) await forgetEvent(event, documents);
        return;
      default:
    }
  },
};

function keepEvent(record: StateEventRecord, documents: Documents): void {
  if (!isStateEvent(record)) return;
  const { event } = recordedEvent(record);
  const { roomId, eventId, type, stateKey = '', sender } = event;
  if (!isSummarised(type, stateKey)) return;
  const content = usedContent(type, event.content);
  documents.put(summaryEvents, {
    room_id: roomId,
    event_id: eventId,
    type,
    state_key: stateKey,
    sender,
    content,
  });
}

async function summarise(record: AcceptedRecord, roomId: string, documents: Documents): Promise<void> {
  const { data, position } = record;
  const before = (await documents.get(roomSummaries, [roomId])) ?? emptySummary(roomId, data.room_version);
  if (data.current === undefined && data.redaction?.applied !== true) {
    documents.put(roomSummaries, { ...before, last_position: position });
    return;
  }
  const fields = {
    ...(await stateFields(record, roomId, documents)),
    ...(await redactedFields(appliedRedaction(record), roomId, documents)),
  };
  const members = await memberSummary(record, before, documents);
  documents.put(roomSummaries, summary(before, { ...before, ...fields }, members, position));
}

/** What the changes of the current state say anew. */
async function stateFields(
  { data }: AcceptedRecord,
  roomId: string,
  documents: Documents,
): Promise<Partial<SummaryFields>> {
  const fields: Partial<SummaryFields> = {};
  for (const { type, state_key, event_id } of data.current?.delta ?? []) {
    if (type === 'm.room.member' || !isSummarised(type, state_key)) continue;
    const event = event_id === null ? undefined : await documents.get(summaryEvents, [roomId, event_id]);
    if (event === undefined) documents.delete(summarySources, [roomId, type]);
    else documents.put(summarySources, { room_id: roomId, type, event_id: event.event_id });
    Object.assign(fields, fieldsOf(type, event));
  }
  return fields;
}

async function forgetEvent(event: ForgottenEvent, documents: Documents): Promise<void> {
  const { roomId } = event;
  const fields = await redactedFields(event, roomId, documents);
  const before = await documents.get(roomSummaries, [roomId]);
  if (before === undefined) return;
  documents.put(roomSummaries, summary(before, { ...before, ...fields }, before, before.last_position));
}

/** A redacted event says less, now or when a state brings it back. Redaction never changes a membership. */
async function redactedFields(
  redaction: Pick<ForgottenEvent, 'target' | 'version'> | undefined,
  roomId: string,
  documents: Documents,
): Promise<Partial<SummaryFields>> {
  if (redaction === undefined) return {};
  const target = await documents.get(summaryEvents, [roomId, redaction.target]);
  if (target === undefined) return {};
  const { type } = target;
  const content = usedContent(type, redactContent(type, target.content, redaction.version));
  const redacted = { ...target, content };
  documents.put(summaryEvents, redacted);
  const source = await documents.get(summarySources, [roomId, type]);
  return source?.event_id === target.event_id ? fieldsOf(type, redacted) : {};
}

async function memberSummary(
  record: AcceptedRecord,
  before: RoomSummary,
  documents: Documents,
): Promise<MemberSummary> {
  const delta = record.data.current?.delta.filter(({ type }) => type === 'm.room.member') ?? [];
  if (delta.length === 0) return before;
  const { room_id } = before;
  const changes = [];
  for (const { state_key, event_id } of delta) {
    const event = event_id === null ? undefined : await documents.get(summaryEvents, [room_id, event_id]);
    const membership = event?.content['membership'];
    changes.push({ userId: state_key, membership: typeof membership === 'string' ? membership : undefined });
  }
  return changeMembers(room_id, before, changes, record, documents);
}

function emptySummary(roomId: string, version: string): RoomSummary {
  const members = { joined: 0, invited: 0, heroes: [], former_heroes: [] };
  return { room_id: roomId, version, ...DEFAULT_FIELDS, ...members, listed: false, last_position: 0 };
}

/** A summary with its fields in one order, and none that is not there. */
function summary(
  { room_id, version, listed }: RoomSummary,
  fields: SummaryFields,
  { joined, invited, heroes, former_heroes }: MemberSummary,
  last_position: number,
): RoomSummary {
  const { creator, federate, join_rule, guest_access, history_visibility } = fields;
  const { room_type, name, topic, avatar_url, canonical_alias, encryption, tombstone } = fields;
  return {
    room_id,
    version,
    creator,
    federate,
    join_rule,
    guest_access,
    history_visibility,
    joined,
    invited,
    heroes,
    former_heroes,
    listed,
    last_position,
    ...present({ room_type, name, topic, avatar_url, canonical_alias, encryption, tombstone }),
  };
}

function present<K extends string>(fields: Record<K, string | undefined>): Partial<Record<K, string>> {
  const there = Object.entries(fields).filter((entry) => entry[1] !== undefined);
  return Object.fromEntries(there) as Partial<Record<K, string>>;
}
