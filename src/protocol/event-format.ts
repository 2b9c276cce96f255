import { MatrixError } from './errors.js';
import { eventTooLarge, MAX_AUTH_EVENTS, MAX_PREV_EVENTS } from './event-size.js';
import type { RoomEvent } from './events.js';
import { eventId } from './hashes.js';
import { fitsBytes, isEventId, isRoomId, isUserId } from './identifiers.js';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from './json.js';
import type { RoomVersion } from './room-versions.js';
import { JsonError } from './strict-json.js';

export { buildEvent, type EventSigner, type EventTemplate } from './event-building.js';
export { eventTooLarge, MAX_EVENT_BYTES } from './event-size.js';
export { checkContentHash } from './hashes.js';

/** Why an event is not one of its room version; it is dropped, as if it had never come. */
export class EventFormatError extends MatrixError {
  constructor(code: 'M_BAD_JSON' | 'M_TOO_LARGE', message: string) {
    super(code, message);
    this.name = 'EventFormatError';
  }
}

export interface ParseEventOptions {
  /** The event's ID where it is known, as in our own log: neither hash nor size are computed again. */
  readonly eventId?: string;
}

/**
 * Checks the shape and size of an event in federation format, and makes its fields uniform over the room versions
 * (specification: Room Versions, Event format; Client-Server API, Size limits). Signatures and the content hash
 * are not checked. Event IDs that it names need only be texts of 255 bytes: one of a wrong form is an event
 * that nobody has, and servers that drop the event for it would lose the room's graph.
 *
 * Whether numbers were written as integers can only be seen in the text: `parseJson` with `strictNumbers`.
 *
 * Cost: two canonical prints and a hash, some 5 microseconds for a message; next to nothing with a known ID.
 */
export function parseEvent(
  pdu: JsonObject,
  version: RoomVersion,
  options: ParseEventOptions = {},
): RoomEvent | EventFormatError {
  try {
    return toRoomEvent(pdu, version, options.eventId);
  } catch (error) {
    if (error instanceof EventFormatError) return error;
    if (error instanceof JsonError) return bad(error.message);
    throw error;
  }
}

function toRoomEvent(pdu: JsonObject, version: RoomVersion, knownId: string | undefined): RoomEvent {
  const type = requireText(pdu, 'type');
  const sender = requireText(pdu, 'sender');
  const stateKey = optionalText(pdu, 'state_key');
  const content = requireObject(pdu, 'content');
  checkHashes(requireObject(pdu, 'hashes'));
  checkSignatures(requireObject(pdu, 'signatures'));
  if (pdu['unsigned'] !== undefined) requireObject(pdu, 'unsigned');
  const originServerTs = pdu['origin_server_ts'];
  if (!Number.isSafeInteger(originServerTs)) throw bad('origin_server_ts is not an integer');
  const authEvents = requireReferences(pdu, 'auth_events', MAX_AUTH_EVENTS, version);
  const prevEvents = requireReferences(pdu, 'prev_events', MAX_PREV_EVENTS, version);
  const depth = requireDepth(pdu, version);
  const redacts = redactionTarget(pdu, type, content, version);
  if (knownId === undefined) checkSize(pdu, version);
  if (!isUserId(sender)) throw bad('sender is not a user ID');
  if (version.eventIds === 'pdu' && !isEventId(requireText(pdu, 'event_id'), version)) {
    throw bad('event_id is not an event ID');
  }
  const id = knownId ?? eventId(pdu, version);
  return {
    eventId: id,
    roomId: roomIdOf(pdu, type, id, version),
    type,
    sender,
    stateKey,
    content,
    depth,
    originServerTs: Number(originServerTs),
    authEvents,
    prevEvents,
    redacts,
    pdu,
  };
}

function bad(message: string): EventFormatError {
  return new EventFormatError('M_BAD_JSON', `The event is malformed: ${message}`);
}

function checkSize(pdu: JsonObject, version: RoomVersion): void {
  const tooLarge = eventTooLarge(pdu, version);
  if (tooLarge !== undefined) throw new EventFormatError('M_TOO_LARGE', tooLarge);
}

/** Up to version 11 every event names its room; in version 12 the create event must not, being the room's name. */
function roomIdOf(pdu: JsonObject, type: string, id: string, version: RoomVersion): string {
  if (version.roomIds === 'create_event' && type === 'm.room.create') {
    if (pdu['room_id'] !== undefined) throw bad('an m.room.create event of this room version has no room_id');
    return `!${id.slice(1)}`;
  }
  const roomId = requireText(pdu, 'room_id');
  if (!isRoomId(roomId, version)) throw bad('room_id is not a room ID of this room version');
  return roomId;
}

function requireText(pdu: JsonObject, field: string): string {
  const value = pdu[field];
  if (typeof value !== 'string') throw bad(`${field} is not a string`);
  return value;
}

function optionalText(pdu: JsonObject, field: string): string | undefined {
  return pdu[field] === undefined ? undefined : requireText(pdu, field);
}

function requireObject(pdu: JsonObject, field: string): JsonObject {
  const value = pdu[field];
  if (!isJsonObject(value)) throw bad(`${field} is not an object`);
  return value;
}

function checkHashes(hashes: JsonObject): void {
  if (typeof hashes['sha256'] !== 'string') throw bad('hashes.sha256 is not a string');
}

function checkSignatures(signatures: JsonObject): void {
  for (const ofServer of Object.values(signatures)) {
    if (
      !isJsonObject(ofServer) ||
      !Object.values(ofServer).every((signature) => typeof signature === 'string')
    ) {
      throw bad('signatures are not strings by server and key ID');
    }
  }
}

/** The limit is 2^53-1 where canonical JSON is strict, else 2^63-1, which a double can only come near to. */
function requireDepth(pdu: JsonObject, version: RoomVersion): number {
  const depth = pdu['depth'];
  const allowed = version.strictCanonicalJson
    ? Number.isSafeInteger(depth)
    : Number.isInteger(depth) && Number(depth) <= 2 ** 63;
  if (!allowed || Number(depth) < 0) throw bad('depth is not an integer within its range');
  return Number(depth);
}

function requireReferences(pdu: JsonObject, field: string, limit: number, version: RoomVersion): string[] {
  const list = pdu[field];
  if (!isJsonArray(list)) throw bad(`${field} is not an array`);
  if (list.length > limit) throw bad(`${field} has more than ${limit} events`);
  return list.map((entry) => {
    const id = version.eventReferences === 'pairs' ? idOfPair(entry) : entry;
    if (typeof id !== 'string' || !fitsBytes(id)) throw bad(`${field} has an entry that names no event`);
    return id;
  });
}

/** The event ID of `[event_id, {sha256}]`. */
function idOfPair(entry: JsonValue): JsonValue | undefined {
  return isJsonArray(entry) && entry.length === 2 && isJsonObject(entry[1]) ? entry[0] : undefined;
}

/** From version 11 the target is content, whose form is not part of the event's: what is no text names nothing. */
function redactionTarget(
  pdu: JsonObject,
  type: string,
  content: JsonObject,
  version: RoomVersion,
): string | undefined {
  if (type !== 'm.room.redaction') return undefined;
  if (version.redaction.redactsIn === 'event') return optionalText(pdu, 'redacts');
  const target = content['redacts'];
  return typeof target === 'string' ? target : undefined;
}
