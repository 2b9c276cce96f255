import {
  roomState,
  stateEvents,
  stateRoots,
  type RoomStateEntry,
  type StateEvent,
} from '../src/read-models/collections.js';
import { redactClientEvent } from './client-event.js';
import type { Documents, Projection } from './projection.js';
import {
  appliedRedaction,
  forgottenEvents,
  isRefused,
  isStateEvent,
  recordedEvent,
  type AcceptedRecord,
  type ForgottenEvent,
} from './recorded-event.js';

/**
 * The current state of rooms, its roots over time, and every event that one of their states may hold.
 *
 * Resolution may bring soft-failed events into a state, and joining a room brings outliers, so they are kept too;
 * what is current is said by the records of accepted events alone. Cost of a message: nothing.
 */
export const roomStateProjection: Projection = {
  name: 'room-state',
  version: 2,
  collections: [roomState, stateEvents, stateRoots],
  handles: ['room.event.accepted', 'room.event.soft_failed', 'room.event.outlier', 'content.forgotten'],
  async evolve(record, documents) {
    switch (record.type) {
      case 'room.event.accepted':
        if (isStateEvent(record)) documents.put(stateEvents, stateEvent(record, record.position));
        if (record.data.current !== undefined) await changeState(record, record.data.current, documents);
        await applyRedaction(record, documents);
        return;
      case 'room.event.soft_failed':
      case 'room.event.outlier':
        if (!isStateEvent(record) || isRefused(record)) return;
        documents.put(stateEvents, stateEvent(record, record.position));
        return;
      case 'content.forgotten':
        for (const event of forgottenEvents(record)) await redactState(event, documents);
        return;
      default:
    }
  },
};

function stateEvent(record: Parameters<typeof recordedEvent>[0], position: number): StateEvent {
  const { event, json } = recordedEvent(record);
  const { roomId, eventId, type, stateKey = '', sender, content } = event;
  const { membership, history_visibility: visibility } = content;
  return {
    room_id: roomId,
    event_id: eventId,
    type,
    state_key: stateKey,
    sender,
    position,
    json,
    // What decides who sees which events; redactions leave it as it is.
    ...(type === 'm.room.member' && typeof membership === 'string' ? { membership } : {}),
    ...(type === 'm.room.history_visibility' && typeof visibility === 'string' ? { visibility } : {}),
  };
}

/** An event that is not known, its record being damaged, leaves its place in the state empty. */
async function changeState(
  record: AcceptedRecord,
  current: NonNullable<AcceptedRecord['data']['current']>,
  documents: Documents,
): Promise<void> {
  const { roomId } = recordedEvent(record).event;
  const { position } = record;
  for (const { type, state_key, event_id } of current.delta) {
    const event = event_id === null ? undefined : await documents.get(stateEvents, [roomId, event_id]);
    if (event === undefined) documents.delete(roomState, [roomId, type, state_key]);
    else documents.put(roomState, entry(event, position));
  }
  documents.put(stateRoots, { room_id: roomId, position, root: current.root });
}

function entry(
  { room_id, type, state_key, event_id, sender, json }: StateEvent,
  position: number,
): RoomStateEntry {
  return { room_id, type, state_key, event_id, sender, position, json };
}

async function applyRedaction(record: AcceptedRecord, documents: Documents): Promise<void> {
  const redaction = appliedRedaction(record);
  if (redaction === undefined) return;
  const { roomId } = recordedEvent(record).event;
  await redactState({ roomId, ...redaction }, documents);
}

/** What is redacted, or forgotten, is so wherever a state has it, now or later. */
async function redactState(event: ForgottenEvent, documents: Documents): Promise<void> {
  const { roomId } = event;
  const target = await documents.get(stateEvents, [roomId, event.target]);
  if (target === undefined) return;
  const json = redactClientEvent(target.json, event.version);
  documents.put(stateEvents, { ...target, json });
  const current = await documents.get(roomState, [roomId, target.type, target.state_key]);
  if (current?.event_id === target.event_id) documents.put(roomState, { ...current, json });
}
