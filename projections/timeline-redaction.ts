import type { RoomVersion } from '../src/protocol/room-versions.js';
import { timeline, type TimelineEvent } from '../src/read-models/collections.js';
import { parseClientEvent, redactClientEvent, type ClientEvent } from './client-event.js';
import type { Documents } from './projection.js';
import { searchableFields } from './searchable-fields.js';
import { parseUnsigned, unsignedText, type SharedUnsigned } from './shared-unsigned.js';
import { leaveThread } from './threads.js';

interface Redaction {
  readonly eventId: string;
  readonly json: string;
}

/**
 * Applies a redaction to what a timeline says of its target (specification: Client-Server API, Redactions): to the
 * event itself, and to the copies of it in the `unsigned` of others, the state event that replaced it and the
 * event that it had redacted. The first redaction of an event is the one it is shown with; without one the content
 * is gone as after a redaction, and nothing says why.
 */
export async function redactInTimeline(
  documents: Documents,
  { roomId, target: targetId, version }: { roomId: string; target: string; version: RoomVersion },
  redaction?: Redaction,
): Promise<void> {
  const target = await byId(documents, roomId, targetId);
  if (target === undefined || target.redacted_by !== undefined) return;
  const json = redactClientEvent(target.json, version);
  const redacted = parseClientEvent(json);
  const { relates_to: _, contains_url: __, ...kept } = target;
  const because = redaction === undefined ? {} : { redacted_because: parseClientEvent(redaction.json) };
  documents.put(timeline, {
    ...withUnsigned(kept, because),
    ...searchableFields(redacted.type, redacted.content),
    json,
    ...(redaction === undefined ? {} : { redacted_by: redaction.eventId }),
  });
  await leaveThread(documents, target);
  const successors = await documents.find(timeline, { prefix: [targetId, roomId] }, 'replaces');
  for (const successor of successors) {
    documents.put(timeline, withUnsigned(successor, { prev_content: redacted.content }));
  }
  await redactBecause(documents, parseClientEvent(target.json), redacted);
}

/** A redaction that is redacted loses its reason, also where it stands as `redacted_because`. */
async function redactBecause(documents: Documents, before: ClientEvent, after: ClientEvent): Promise<void> {
  if (before.redacts === undefined) return;
  const victim = await byId(documents, before.room_id, before.redacts);
  if (victim?.redacted_by !== before.event_id) return;
  documents.put(timeline, withUnsigned(victim, { redacted_because: after }));
}

async function byId(
  documents: Documents,
  roomId: string,
  eventId: string,
): Promise<TimelineEvent | undefined> {
  const [found] = await documents.find(timeline, { prefix: [eventId, roomId], limit: 1 }, 'event');
  return found;
}

function withUnsigned(event: TimelineEvent, changed: SharedUnsigned): TimelineEvent {
  const unsigned = unsignedText({ ...parseUnsigned(event.unsigned), ...changed });
  return unsigned === undefined ? event : { ...event, unsigned };
}
