/** A JSON value as Matrix uses it. Objects made by our parser have no prototype. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: JsonValue | undefined;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `Array.isArray` for JSON values: it narrows read-only arrays too. */
export function isJsonArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** A surrogate that is not half of a pair (with the `u` flag, pairs are one code point). */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Whether a text is a run of Unicode scalar values, so that UTF-8 can express it. */
export function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}
