import type { JsonObject, JsonValue } from '../json.js';
import { readProperty } from '../property-paths.js';

/** What push rules see of an event: the client format, or the part of it that is there. */
export type PushEvent = JsonObject & {
  readonly type: string;
  readonly sender: string;
  readonly room_id: string;
  readonly content: JsonObject;
  readonly state_key?: string;
};

/**
 * An event made ready for the rules of many users: a property that several rules ask for is looked up, and put
 * into lower case, once.
 */
export class PreparedEvent {
  readonly event: PushEvent;
  readonly #values = new Map<string, JsonValue | undefined>();
  readonly #folded = new Map<string, string | undefined>();

  constructor(event: PushEvent) {
    this.event = event;
  }

  /** The value at a path; `key` is its text, `names` what that means. */
  value(key: string, names: readonly string[]): JsonValue | undefined {
    const known = this.#values.get(key);
    if (known !== undefined || this.#values.has(key)) return known;
    const value = readProperty(this.event, names);
    this.#values.set(key, value);
    return value;
  }

  /** The text at a path in lower case; `undefined` where there is no text. */
  folded(key: string, names: readonly string[]): string | undefined {
    const known = this.#folded.get(key);
    if (known !== undefined || this.#folded.has(key)) return known;
    const value = this.value(key, names);
    const folded = typeof value === 'string' ? value.toLowerCase() : undefined;
    this.#folded.set(key, folded);
    return folded;
  }
}
