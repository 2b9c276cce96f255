import type { JsonObject } from '../src/protocol/json.js';
import { threads, timeline, type TimelineEvent } from '../src/read-models/collections.js';
import { parseClientEvent } from './client-event.js';
import type { Documents, Projection } from './projection.js';
import { appliedRedaction, forgottenEvents, recordedEvent, type AcceptedRecord } from './recorded-event.js';
import { searchableFields } from './searchable-fields.js';
import { unsignedText } from './shared-unsigned.js';
import { enterThread } from './threads.js';
import { redactInTimeline } from './timeline-redaction.js';

/**
 * Rooms' timelines: a document per accepted event, in the order of the log; and the threads in them, by when something
 * was last said there.
 *
 * Cost of a message at the room's front: one document put, none read.
 */
export const timelinesProjection: Projection = {
  name: 'timelines',
  version: 3,
  collections: [timeline, threads],
  handles: ['room.event.accepted', 'content.forgotten'],
  async evolve(record, documents) {
    if (record.type === 'content.forgotten') {
      for (const event of forgottenEvents(record)) await redactInTimeline(documents, event);
    }
    if (record.type !== 'room.event.accepted') return;
    const { event, json } = recordedEvent(record);
    const { eventId, roomId } = event;
    const shown = await timelineEvent(record, documents);
    documents.put(timeline, shown);
    enterThread(documents, shown);
    const redaction = appliedRedaction(record);
    if (redaction === undefined) return;
    await redactInTimeline(documents, { roomId, ...redaction }, { eventId, json });
  },
};

async function timelineEvent(record: AcceptedRecord, documents: Documents): Promise<TimelineEvent> {
  const { data, position, index } = record;
  const { event, json } = recordedEvent(record);
  const { eventId, roomId, type, sender, stateKey, content } = event;
  const replaced = await replacedEvent(record, roomId, documents);
  const unsigned = replaced === undefined ? undefined : unsignedText(replaced);
  return {
    room_id: roomId,
    position,
    index,
    event_id: eventId,
    type,
    sender,
    ...(stateKey === undefined ? {} : { state_key: stateKey }),
    origin_server_ts: event.originServerTs,
    depth: event.depth,
    json,
    ...(unsigned === undefined ? {} : { unsigned }),
    ...(replaced === undefined ? {} : { replaces_state: replaced.replaces_state }),
    ...(data.transaction === undefined ? {} : { transaction: { user_id: sender, ...data.transaction } }),
    state_before: data.state_before,
    state_after: data.state_after,
    current_root: await currentRoot(record, roomId, documents),
    ...searchableFields(type, content),
  };
}

/**
 * What `unsigned` tells of the state event that this one took the place of, where it became current. A replaced
 * event that is in no timeline, such as one received without its history, is known by its ID alone.
 */
async function replacedEvent(
  { data }: AcceptedRecord,
  roomId: string,
  documents: Documents,
): Promise<{ replaces_state: string; prev_content?: JsonObject; prev_sender?: string } | undefined> {
  const replaces = data.current?.delta.find((entry) => entry.event_id === data.event_id)?.replaces;
  if (replaces === undefined || replaces === null) return undefined;
  const [before] = await documents.find(timeline, { prefix: [replaces, roomId], limit: 1 }, 'event');
  if (before === undefined) return { replaces_state: replaces };
  const { content } = parseClientEvent(before.json);
  return { replaces_state: replaces, prev_content: content, prev_sender: before.sender };
}

/** With one extremity the current state is the one after it; else it is where it was unless the record says so. */
async function currentRoot(
  { data, position }: AcceptedRecord,
  roomId: string,
  documents: Documents,
): Promise<string> {
  if (data.current !== undefined) return data.current.root;
  if (data.extremities.length === 1) return data.state_after;
  const range = { prefix: [roomId], to: [position], reverse: true, limit: 1 };
  const [before] = await documents.find(timeline, range);
  return before?.current_root ?? data.state_after;
}
