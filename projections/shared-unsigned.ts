import type { JsonObject } from '../src/protocol/json.js';
import type { ClientEvent } from './client-event.js';

/** The members of an event's `unsigned` that are the same for all readers. */
export interface SharedUnsigned {
  readonly replaces_state?: string;
  readonly prev_content?: JsonObject;
  readonly prev_sender?: string;
  readonly redacted_because?: ClientEvent;
}

/** As JSON text, its members in one order; undefined where there are none. */
export function unsignedText(unsigned: SharedUnsigned): string | undefined {
  const { replaces_state, prev_content, prev_sender, redacted_because } = unsigned;
  const text = JSON.stringify({ replaces_state, prev_content, prev_sender, redacted_because });
  return text === '{}' ? undefined : text;
}

/** What `unsignedText` printed. */
export function parseUnsigned(text: string | undefined): SharedUnsigned {
  return text === undefined ? {} : (JSON.parse(text) as SharedUnsigned);
}
