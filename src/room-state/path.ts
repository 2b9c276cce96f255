import { hash } from 'node:crypto';

/** The number of children that an inner node can have, and the bits of a hash that choose one. */
export const ARITY = 8;
const BITS = 3;
/** Digits of a path that come from the group, and as many again from the rest of the key. */
export const GROUP_DIGITS = 21;
/** The depth that no node can exceed, whatever keys are chosen. */
export const MAX_DEPTH = 2 * GROUP_DIGITS;

const REMEMBERED_GROUPS = 512;
const groupDigits = new Map<string, string>();
const REMEMBERED_RESTS = 8192;
const restDigits = new Map<string, string>();

/**
 * The group of a key: of a key `<n>:<n characters><rest>` all but the rest, of any other key the empty text.
 * Keys of one group lie together in the trie. In a room's state a group is an event type.
 */
export function groupOf(key: string): string {
  let length = 0;
  let at = 0;
  for (; at < 7; at++) {
    const digit = key.charCodeAt(at) - 48;
    if (!(digit >= 0 && digit <= 9)) break;
    length = length * 10 + digit;
  }
  if (at === 0 || key[at] !== ':') return '';
  const end = at + 1 + length;
  return end <= key.length ? key.slice(0, end) : '';
}

/**
 * Where a key lies: {@link MAX_DEPTH} octal digits, 63 bits from SHA-256 of its group and 63 bits from SHA-256
 * of the rest. So whoever chooses keys cannot choose the trie's shape: each further digit that two keys share
 * costs eight times the work. Two hashes at most, about two microseconds; keys that were asked for lately, as those
 * that authorise every event are, cost a look-up in a map.
 */
export function pathOf(key: string): string {
  const group = groupOf(key);
  return groupPath(group) + remembered(restDigits, REMEMBERED_RESTS, key.slice(group.length));
}

/** The first {@link GROUP_DIGITS} digits of the paths of all keys of this group. */
export function groupPath(group: string): string {
  return remembered(groupDigits, REMEMBERED_GROUPS, group);
}

/** Few texts make up nearly all look-ups; whoever asks for many new ones only costs us these hashes again. */
function remembered(known: Map<string, string>, limit: number, text: string): string {
  const found = known.get(text);
  if (found !== undefined) return found;
  if (known.size >= limit) known.clear();
  const digits = digitsOf(text);
  known.set(text, digits);
  return digits;
}

/** The number of digits that two paths have in common from the start. */
export function commonLength(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  let length = 0;
  while (length < end && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  return length;
}

/** The digit of a path at a depth, as the index of a child. */
export function digitAt(path: string, depth: number): number {
  return path.charCodeAt(depth) - 48;
}

/** The bytes that so many digits take when packed. */
export function packedLength(count: number): number {
  return Math.ceil((count * BITS) / 8);
}

/** Packs digits into bytes, the last one filled up with zero bits. */
export function packDigits(digits: string): Buffer {
  const bytes = Buffer.alloc(packedLength(digits.length));
  for (let i = 0; i < digits.length; i++) {
    const bit = i * BITS;
    const at = bit >> 3;
    const shifted = digitAt(digits, i) << (16 - BITS - (bit & 7));
    bytes[at] = (bytes[at] ?? 0) | (shifted >> 8);
    // Not past the end: bits there are zero, or the array would have been longer.
    if (at + 1 < bytes.length) bytes[at + 1] = shifted & 0xff;
  }
  return bytes;
}

/** The reverse of {@link packDigits}, for a known number of digits. */
export function unpackDigits(bytes: Uint8Array, count: number): string {
  let digits = '';
  for (let i = 0; i < count; i++) {
    const bit = i * BITS;
    const at = bit >> 3;
    const pair = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    digits += String((pair >> (16 - BITS - (bit & 7))) & (ARITY - 1));
  }
  return digits;
}

function digitsOf(text: string): string {
  // UTF-16 is lossless for every JavaScript string, lone surrogates included; UTF-8 is not.
  return unpackDigits(hash('sha256', Buffer.from(text, 'utf16le'), 'buffer'), GROUP_DIGITS);
}
