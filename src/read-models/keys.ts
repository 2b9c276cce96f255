import { KeyError } from './errors.js';
import type { CollectionDefinition, Document, EncodedKeys, Key, Range } from './store.js';

/**
 * The largest entry of an index, in bytes as encoded here: the index's values and the document's key. Five parts
 * of 255 bytes fit three times over, so only what no part of the specification allows does not fit.
 */
export const MAX_ENTRY_BYTES = 4000;

/*
 * Keys are encoded as in FoundationDB's tuple layer, so that bytes compare as keys do: each part starts with its
 * type. A number is its IEEE 754 bits, flipped so that they sort; a string is its UTF-8 (surrogates without a
 * partner as three bytes, WTF-8), NUL as 00 FF, and ends with 00.
 */
const NUMBER = 0x10;
const STRING = 0x20;
/** Greater than any part's first byte: ends the range of all keys that begin with certain parts. */
const BEYOND = 0xff;

let scratch = Buffer.alloc(16_384);

/** The bytes of a key of any length. Costs about 100 ns for two short parts. @throws KeyError for what is no key part. */
export function encodeKey(key: Key): Uint8Array {
  const end = write(key, 0);
  return copied(end);
}

/** The bytes of a document's key. @throws KeyError when longer than MAX_ENTRY_BYTES. */
export function encodeDocumentKey(key: Key): Uint8Array {
  const end = write(key, 0);
  checkLength(end);
  return copied(end);
}

/**
 * The bytes of an index's entry: its values, the document's key, and how many values there are, so that no two
 * documents have the same. @throws KeyError when longer than MAX_ENTRY_BYTES.
 */
export function encodeEntry(values: Key, key: Key): Uint8Array {
  if (values.length >= NUMBER)
    throw new KeyError(`An index of ${values.length} values exceeds the limit of 15.`);
  const end = write(key, write(values, 0));
  checkLength(end);
  scratch[end] = values.length;
  return copied(end + 1);
}

function checkLength(bytes: number): void {
  if (bytes > MAX_ENTRY_BYTES)
    throw new KeyError(`A key of ${bytes} bytes exceeds the limit of ${MAX_ENTRY_BYTES} bytes.`);
}

/** Where a document stands in its collection's indexes, by index name; a missing name is an index without it. */
export function indexEntries(
  definition: CollectionDefinition<never>,
  document: Document,
  key: Key,
): Map<string, Uint8Array> {
  const entries = new Map<string, Uint8Array>();
  const indexes = (definition as CollectionDefinition<Document>).indexes;
  for (const name of Object.keys(indexes)) {
    const values = indexes[name]?.(document);
    if (values !== undefined) entries.set(name, encodeEntry(values, key));
  }
  return entries;
}

/** All that a document, or the lack of one, is found by. @throws KeyError */
export function encodedKeys(
  definition: CollectionDefinition<never>,
  key: Key,
  document: Document | undefined,
): EncodedKeys {
  const entries =
    document === undefined ? new Map<string, Uint8Array>() : indexEntries(definition, document, key);
  return { key: encodeDocumentKey(key), entries };
}

/** The bytes from which (included) to which (excluded) the keys of a range lie; undefined where there can be none. */
export function rangeBounds(
  range: Range,
): { readonly low: Uint8Array; readonly high: Uint8Array } | undefined {
  const { prefix, from, after, to, before } = range;
  const lows = [bound(prefix, [], false)];
  if (from !== undefined) lows.push(bound(prefix, from, false));
  if (after !== undefined) lows.push(bound(prefix, after, true));
  const highs = [bound(prefix, [], true)];
  if (to !== undefined) highs.push(bound(prefix, to, true));
  if (before !== undefined) highs.push(bound(prefix, before, false));
  const low = lows.reduce((a, b) => (Buffer.compare(a, b) > 0 ? a : b));
  const high = highs.reduce((a, b) => (Buffer.compare(a, b) < 0 ? a : b));
  return Buffer.compare(low, high) < 0 ? { low, high } : undefined;
}

/** Orders keys as stores do: part by part, numbers before strings, strings by code point, a shorter key before its continuations. */
export function compareKeys(a: Key, b: Key): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const order = compareParts(a[i] ?? 0, b[i] ?? 0);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareParts(a: string | number, b: string | number): number {
  if (typeof a === 'number') return typeof b === 'number' ? a - b : -1;
  if (typeof b === 'number') return 1;
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  let i = 0;
  while (i < length && a.charCodeAt(i) === b.charCodeAt(i)) i++;
  // Where they differ in the second half of a pair, the pair is what counts.
  if (i > 0 && isHigh(a.charCodeAt(i - 1)) && (isLow(a.charCodeAt(i)) || isLow(b.charCodeAt(i)))) i--;
  return (a.codePointAt(i) ?? -1) - (b.codePointAt(i) ?? -1);
}

function isHigh(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800;
}

function isLow(unit: number): boolean {
  return (unit & 0xfc00) === 0xdc00;
}

/** A bound that is too long to be a key is cut, where one more NUL keeps it between the same keys. */
function bound(prefix: Key, parts: Key, beyond: boolean): Uint8Array {
  let end = write(parts, write(prefix, 0));
  if (end > MAX_ENTRY_BYTES) {
    scratch[MAX_ENTRY_BYTES] = 0;
    return copied(MAX_ENTRY_BYTES + 1);
  }
  if (beyond) scratch[end++] = BEYOND;
  return copied(end);
}

/** What was written up to there. */
function copied(end: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(end);
  scratch.copy(bytes, 0, 0, end);
  return bytes;
}

function write(key: Key, start: number): number {
  let at = start;
  for (const part of key) {
    // Each unit of a string becomes three bytes at most.
    const room = at + (typeof part === 'string' ? part.length * 3 : 8) + 16;
    if (room > scratch.length) scratch = Buffer.concat([scratch], room * 2);
    at = typeof part === 'string' ? writeString(part, at) : writeNumber(part, at);
  }
  return at;
}

function writeNumber(value: number, start: number): number {
  if (!Number.isFinite(value)) throw new KeyError(`${String(value)} cannot be part of a key.`);
  scratch[start] = NUMBER;
  scratch.writeDoubleBE(value === 0 ? 0 : value, start + 1);
  const first = scratch.readUInt8(start + 1);
  if (first < 0x80) {
    scratch[start + 1] = first ^ 0x80;
  } else {
    for (let i = start + 1; i < start + 9; i++) scratch[i] = scratch.readUInt8(i) ^ 0xff;
  }
  return start + 9;
}

function writeString(text: string, start: number): number {
  let at = start;
  scratch[at++] = STRING;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      scratch[at++] = unit;
      if (unit === 0) scratch[at++] = 0xff;
    } else if (unit < 0x800) {
      scratch[at++] = 0xc0 | (unit >> 6);
      scratch[at++] = 0x80 | (unit & 0x3f);
    } else {
      const point = text.codePointAt(i) ?? unit;
      if (point > 0xffff) {
        i++;
        scratch[at++] = 0xf0 | (point >> 18);
        scratch[at++] = 0x80 | ((point >> 12) & 0x3f);
      } else {
        scratch[at++] = 0xe0 | (point >> 12);
      }
      scratch[at++] = 0x80 | ((point >> 6) & 0x3f);
      scratch[at++] = 0x80 | (point & 0x3f);
    }
  }
  scratch[at++] = 0;
  return at;
}
