import { hash } from 'node:crypto';
import { ARITY, MAX_DEPTH, packDigits, packedLength, unpackDigits } from './path.js';

/**
 * A node's name: the first 24 bytes of SHA-256 of its encoding, as 32 characters of base64url. Names are most of
 * what a change costs, and these make it a fifth cheaper than whole hashes would; to make two nodes of one name
 * takes 2^96 tries, and a node for a given name 2^192.
 */
export type Hash = string;

/** A key and its value. */
export type Entry = readonly [key: string, value: string];

/** All entries below this point, at most {@link LEAF_ENTRIES} (or any number whose paths are equal), sorted by key. */
export interface Leaf {
  readonly kind: 'leaf';
  readonly entries: readonly Entry[];
}

/** More entries than a leaf holds. Every path below starts with `prefix`; the next digit chooses the child. */
export interface Inner {
  readonly kind: 'inner';
  readonly prefix: string;
  /** The number of entries below. */
  readonly size: number;
  /** {@link ARITY} places, of which at least two are taken. */
  readonly children: readonly (Child | undefined)[];
}

export type Node = Leaf | Inner;

/** A node by name, as all nodes that were read have them, or a new one that has none yet. */
export type Child = Hash | Node;

/**
 * What a leaf may hold before it becomes an inner node. Measured with the arity: in a room of 28,000 members a
 * change writes 1.6 kB in 7.4 nodes, names included; arity 4 writes a tenth less, and reads two nodes more.
 */
export const LEAF_ENTRIES = 8;

const HASH_BYTES = 24;
const HASH_CHARACTERS = 32;
const EVENT_ID_BYTES = 32;
const LEAF_TAG = 1;
const INNER_TAG = 2;
const EVENT_ID = /^\$[A-Za-z0-9_-]{43}$/;

/** The root of the empty trie. It needs no node in the store. */
export const EMPTY_NODE: Leaf = { kind: 'leaf', entries: [] };
export const EMPTY_ROOT: Hash = hashOf(encodeNode(EMPTY_NODE));

/** The name of the node with this encoding. */
export function hashOf(bytes: Uint8Array): Hash {
  return hash('sha256', bytes, 'base64url').slice(0, HASH_CHARACTERS);
}

/** The number of entries in and below a node. */
export function sizeOf(node: Node): number {
  return node.kind === 'leaf' ? node.entries.length : node.size;
}

/**
 * The one encoding of a node; equal nodes have equal bytes. Leaf: `1`, then per entry the number of leading
 * characters that its key has in common with the one before, the rest of the key, the value. Inner node: `2`,
 * size, number of digits, digits, one bit for each child that exists, the hashes of these.
 *
 * @throws TypeError if a child has no name yet.
 */
export function encodeNode(node: Node): Uint8Array {
  const parts: Uint8Array[] = [];
  if (node.kind === 'leaf') {
    parts.push(Uint8Array.of(LEAF_TAG));
    let previous = '';
    for (const [key, value] of node.entries) {
      const shared = sharedCharacters(previous, key);
      parts.push(encodeNumber(shared), encodeText(key.slice(shared)), encodeText(value));
      previous = key;
    }
    return Buffer.concat(parts);
  }
  parts.push(Uint8Array.of(INNER_TAG), encodeNumber(node.size), encodeNumber(node.prefix.length));
  let present = 0;
  const hashes: Uint8Array[] = [];
  node.children.forEach((child, digit) => {
    if (child === undefined) return;
    if (typeof child !== 'string') throw new TypeError('a child without a name cannot be encoded');
    present |= 1 << digit;
    hashes.push(Buffer.from(child, 'base64url'));
  });
  parts.push(packDigits(node.prefix), Uint8Array.of(present), ...hashes);
  return Buffer.concat(parts);
}

/**
 * The node that these bytes encode. The caller has compared them with their hash.
 *
 * @throws RangeError if they are of no format that we know, or end too early.
 */
export function decodeNode(bytes: Uint8Array): Node {
  const reader = new Reader(bytes);
  const tag = reader.byte();
  if (tag === LEAF_TAG) {
    const entries: Entry[] = [];
    let previous = '';
    while (!reader.atEnd) {
      const key = previous.slice(0, reader.number()) + reader.text();
      entries.push([key, reader.text()]);
      previous = key;
    }
    return { kind: 'leaf', entries };
  }
  if (tag !== INNER_TAG) throw new RangeError(`a node cannot start with ${tag}`);
  const size = reader.number();
  const depth = reader.number();
  if (depth >= MAX_DEPTH) throw new RangeError('an inner node cannot be this deep');
  const prefix = unpackDigits(reader.take(packedLength(depth)), depth);
  const present = reader.byte();
  const children: (Hash | undefined)[] = [];
  for (let digit = 0; digit < ARITY; digit++) {
    children.push((present >> digit) & 1 ? reader.take(HASH_BYTES).toString('base64url') : undefined);
  }
  if (!reader.atEnd) throw new RangeError('a node has bytes beyond its end');
  return { kind: 'inner', prefix, size, children };
}

function sharedCharacters(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  // Never between the halves of a pair: the rest would be no text of its own.
  return length > 0 && (b.charCodeAt(length - 1) & 0xfc00) === 0xd800 ? length - 1 : length;
}

function encodeNumber(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/**
 * Three forms, told apart by the lowest two bits of the length: UTF-8; the 32 bytes of an event ID that is a hash
 * (44 characters otherwise); UTF-16 for a text with lone surrogates, which UTF-8 would lose.
 */
function encodeText(text: string): Uint8Array {
  if (EVENT_ID.test(text)) {
    const digest = Buffer.from(text.slice(1), 'base64url');
    // The last character has two bits too many: only one of four spellings is the one that comes back.
    if (digest.toString('base64url') === text.slice(1)) return Buffer.concat([encodeNumber(1), digest]);
  }
  if (/\p{Surrogate}/u.test(text)) {
    const bytes = Buffer.from(text, 'utf16le');
    return Buffer.concat([encodeNumber(bytes.length * 4 + 2), bytes]);
  }
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([encodeNumber(bytes.length * 4), bytes]);
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.#at++];
    if (value === undefined) throw new RangeError('a node ends too early');
    return value;
  }

  take(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) throw new RangeError('a node ends too early');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  number(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 42; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a number in a node is too long');
  }

  text(): string {
    const header = this.number();
    const form = header % 4;
    if (form === 1) return `$${this.take(EVENT_ID_BYTES).toString('base64url')}`;
    return this.take(Math.floor(header / 4)).toString(form === 2 ? 'utf16le' : 'utf8');
  }
}
