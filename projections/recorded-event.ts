import type { LoggedRecord } from '../src/log/log.js';
import type { RecordBody } from '../src/log/records.js';
import { parseEvent } from '../src/protocol/event-format.js';
import type { RoomEvent } from '../src/protocol/events.js';
import type { JsonObject } from '../src/protocol/json.js';
import { joinForgettable } from '../src/protocol/redaction.js';
import { roomVersion, type RoomVersion } from '../src/protocol/room-versions.js';
import { clientEvent } from './client-event.js';

/** Records of events that a state of the room may hold. A rejected event is never part of one. */
export type StateEventRecord = Extract<
  RecordBody,
  { type: 'room.event.accepted' | 'room.event.soft_failed' | 'room.event.outlier' }
>;
/** Records of events, whatever was decided about them. */
type EventRecord = StateEventRecord | Extract<RecordBody, { type: 'room.event.rejected' }>;
export type AcceptedRecord = LoggedRecord & Extract<RecordBody, { type: 'room.event.accepted' }>;

/** An event that a record holds, as far as its content is not forgotten. */
export interface RecordedEvent {
  readonly event: RoomEvent;
  readonly version: RoomVersion;
  /** In client format, as JSON text; see `clientEvent`. */
  readonly json: string;
}

const recorded = new WeakMap<object, RecordedEvent>();

/**
 * The event of a record. Several projections fold the same record: it is parsed and printed once for all of them.
 *
 * @throws Error for an unknown room version; EventFormatError
 */
export function recordedEvent({ data }: Pick<EventRecord, 'data'>): RecordedEvent {
  const known = recorded.get(data);
  if (known !== undefined) return known;
  const version = requireVersion(data.room_version);
  const pdu = joinForgettable(data.event as JsonObject, data.forgettable as JsonObject | undefined);
  const event = parseEvent(pdu, version, { eventId: data.event_id });
  if (event instanceof Error) throw event;
  const made = { event, version, json: clientEvent(event, version) };
  recorded.set(data, made);
  return made;
}

/** Whether the record's event has a state key; costs no parsing. */
export function isStateEvent({ data }: StateEventRecord): boolean {
  return data.event['state_key'] !== undefined;
}

/** Whether no state can hold the record's event, since its own auth events refuse it. */
export function isRefused(record: StateEventRecord): boolean {
  return record.type === 'room.event.outlier' && record.data.rejected !== undefined;
}

/** The event that a record redacts, with the room version whose rules say what is left of it. */
export function appliedRedaction({
  data,
}: AcceptedRecord): { target: string; version: RoomVersion } | undefined {
  const { redaction } = data;
  if (redaction?.applied !== true) return undefined;
  return { target: redaction.target, version: requireVersion(data.room_version) };
}

export type ForgottenRecord = LoggedRecord & Extract<RecordBody, { type: 'content.forgotten' }>;

/** An event whose content was forgotten, with the room version whose rules say what is left of it. */
export interface ForgottenEvent {
  readonly roomId: string;
  readonly target: string;
  readonly version: RoomVersion;
}

/** The events whose content a record says was forgotten. */
export function forgottenEvents({ data }: ForgottenRecord): ForgottenEvent[] {
  return data.events.map(({ room_id, event_id, room_version }) => ({
    roomId: room_id,
    target: event_id,
    version: requireVersion(room_version),
  }));
}

function requireVersion(id: string): RoomVersion {
  const version = roomVersion(id);
  if (version === undefined) throw new Error(`A record has the unknown room version ${id}.`);
  return version;
}
