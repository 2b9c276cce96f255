import { canonicalJson } from './canonical-json.js';
import { fitsBytes, MAX_IDENTIFIER_BYTES } from './identifiers.js';
import type { JsonObject } from './json.js';
import type { RoomVersion } from './room-versions.js';

/** The largest event, as canonical JSON with its signatures, in bytes. */
export const MAX_EVENT_BYTES = 65_536;

/** How many events an event may name in `auth_events` and in `prev_events`. */
export const MAX_AUTH_EVENTS = 10;
export const MAX_PREV_EVENTS = 20;

const LIMITED_FIELDS = ['event_id', 'room_id', 'sender', 'state_key', 'type'] as const;

/**
 * What is too large about an event in federation format, as a sentence, or `undefined` (specification:
 * Client-Server API, Size limits). The answer to it is M_TOO_LARGE.
 *
 * Cost: one canonical print.
 *
 * @throws {JsonError} if the event breaks the version's rules on JSON
 */
export function eventTooLarge(pdu: JsonObject, version: RoomVersion): string | undefined {
  for (const field of LIMITED_FIELDS) {
    const value = pdu[field];
    if (typeof value === 'string' && !fitsBytes(value)) {
      return `The event's ${field} is larger than ${MAX_IDENTIFIER_BYTES} bytes`;
    }
  }
  const text = canonicalJson(pdu, { lenient: !version.strictCanonicalJson });
  return fitsBytes(text, MAX_EVENT_BYTES) ? undefined : `The event is larger than ${MAX_EVENT_BYTES} bytes`;
}
