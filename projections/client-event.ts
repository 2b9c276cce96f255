import type { RoomEvent } from '../src/protocol/events.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../src/protocol/json.js';
import { redact } from '../src/protocol/redaction.js';
import type { RoomVersion } from '../src/protocol/room-versions.js';

/** An event as clients see it (specification: Client-Server API, Room event format), without `unsigned`. */
export interface ClientEvent {
  readonly content: JsonObject;
  readonly event_id: string;
  readonly origin_server_ts: number;
  readonly room_id: string;
  readonly sender: string;
  readonly type: string;
  readonly state_key?: string;
  readonly redacts?: string;
}

/**
 * The event in client format, as JSON text with its fields in one order. It ends with the closing brace, so that
 * queries can splice `,"unsigned":{...}` in before it.
 *
 * A redaction names its target both at the top level and in `content`, whatever the room version: clients of
 * either age look in one place (Room Version 11, Moving the redacts property).
 */
export function clientEvent(event: RoomEvent, version: RoomVersion): string {
  const { content, redacts } = event;
  const inContent = redacts === undefined || version.redaction.redactsIn === 'content';
  return print(clientFormat(event, inContent ? content : { ...content, redacts }));
}

/** The event's fields in client format, in one order. */
export function clientFormat(event: RoomEvent, content: JsonObject = event.content) {
  const { eventId, originServerTs, roomId, sender, type, stateKey, redacts } = event;
  return {
    content,
    event_id: eventId,
    origin_server_ts: originServerTs,
    room_id: roomId,
    sender,
    type,
    ...(stateKey === undefined ? {} : { state_key: stateKey }),
    ...(redacts === undefined ? {} : { redacts }),
  };
}

/** The event of a text that `clientEvent` made. */
export function parseClientEvent(json: string): ClientEvent {
  return JSON.parse(json) as ClientEvent;
}

/** The same event after its redaction, by the rules of the room version. Applied twice it changes nothing more. */
export function redactClientEvent(json: string, version: RoomVersion): string {
  const { redacts: _, ...event } = parseClientEvent(json);
  const content = redactContent(event.type, event.content, version);
  const target = event.type === 'm.room.redaction' ? content['redacts'] : undefined;
  return print({ ...event, content, ...(typeof target === 'string' ? { redacts: target } : {}) });
}

/** What a redaction leaves of an event's content. */
export function redactContent(type: string, content: JsonObject, version: RoomVersion): JsonObject {
  const redacted: JsonValue | undefined = redact({ type, content }, version)['content'];
  return isJsonObject(redacted) ? redacted : {};
}

function print(event: ClientEvent): string {
  return JSON.stringify(event);
}
