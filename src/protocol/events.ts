import type { JsonObject } from './json.js';

/**
 * A Matrix event (PDU) that has passed the shape checks of its room version, with the fields that the rules
 * use made uniform over the versions (specification: Room Versions; Server-Server API, PDUs).
 */
export interface RoomEvent {
  /** In the event up to room version 2, from the reference hash after it. */
  readonly eventId: string;
  /** For the create event of room version 12, which carries none, derived from its own event ID. */
  readonly roomId: string;
  readonly type: string;
  readonly sender: string;
  /** `undefined` means: not a state event. */
  readonly stateKey: string | undefined;
  readonly content: JsonObject;
  readonly depth: number;
  /** Milliseconds since the epoch, as the sender claims. */
  readonly originServerTs: number;
  /** Event IDs. Room version 12's implicit create event is not among them. */
  readonly authEvents: readonly string[];
  readonly prevEvents: readonly string[];
  /** The target of an `m.room.redaction`, wherever the room version keeps it. */
  readonly redacts: string | undefined;
  /** The event as it travels between servers, signatures and hashes included; what is hashed, kept and sent. */
  readonly pdu: JsonObject;
}

/** The key of a state event in a room's state: (type, state key). */
export interface StateKey {
  readonly type: string;
  readonly stateKey: string;
}

/** One text for a state key, to be used in maps; neither part can contain the separator's place ambiguously. */
export function stateKeyText(type: string, stateKey: string): string {
  return `${type.length}:${type}${stateKey}`;
}

/** The key that `stateKeyText` wrote. */
export function parseStateKeyText(text: string): StateKey {
  const colon = text.indexOf(':');
  const end = colon + 1 + Number(text.slice(0, colon));
  return { type: text.slice(colon + 1, end), stateKey: text.slice(end) };
}
