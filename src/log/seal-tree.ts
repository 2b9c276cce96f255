import { hash } from 'node:crypto';

/**
 * A puncturable pseudorandom function: the GGM tree (Goldreich, Goldwasser, Micali, "How to construct random
 * functions"; puncturing as in Boneh and Waters, "Constrained pseudorandom functions"). A node's children are
 * hashes of it, so who holds a node can derive everything below it and nothing else. To puncture a place, the node
 * that covers it is replaced by the siblings along the path to it.
 *
 * What is held: a node of 32 bytes; or a branch, where something below was punctured; or nothing.
 */
export type Held = Uint8Array | Branch | undefined;
export interface Branch {
  readonly zero: Held;
  readonly one: Held;
}

const ZERO = 0;
const ONE = 1;
const KEY = 2;

function step(node: Uint8Array, label: number): Uint8Array {
  const input = Buffer.allocUnsafe(33);
  input.set(node);
  input[32] = label;
  return hash('sha256', input, 'buffer');
}

/** The node's child for a bit: one SHA-256 of a block, about 1 µs. */
export function child(node: Uint8Array, bit: 0 | 1): Uint8Array {
  return step(node, bit === 0 ? ZERO : ONE);
}

/** The encryption key at a node; it tells nothing about the nodes below. */
export function keyAt(node: Uint8Array): Uint8Array {
  return step(node, KEY);
}

export type Bits = readonly (0 | 1)[];

/**
 * What is held after the node at `path` was changed; the old tree is left as it is, and handed back where the change
 * left the node as it was.
 */
export function changed(held: Held, path: Bits, change: (node: Held) => Held, depth = 0): Held {
  const bit = path[depth];
  if (bit === undefined) return change(held);
  if (held === undefined) return undefined;
  const { zero, one } = branchOf(held);
  const before = bit === 0 ? zero : one;
  const after = changed(before, path, change, depth + 1);
  if (after === before) return held;
  return bit === 0 ? branch(after, one) : branch(zero, after);
}

/**
 * What is held of a node without the leaves of this range, inclusive, where it has `bits` levels below it: at most two
 * nodes more for each level, whatever the range's length.
 */
export function withoutRange(held: Held, from: number, to: number, bits: number): Held {
  const size = 2 ** bits;
  if (held === undefined || to < 0 || from >= size) return held;
  if (from <= 0 && to >= size - 1) return undefined;
  const half = size / 2;
  const before = branchOf(held);
  const zero = withoutRange(before.zero, from, to, bits - 1);
  const one = withoutRange(before.one, from - half, to - half, bits - 1);
  return zero === before.zero && one === before.one ? held : branch(zero, one);
}

/**
 * What both of two copies of one tree hold; the first itself where it holds no more than the other.
 *
 * @throws Error when they are not of one tree
 */
export function common(a: Held, b: Held): Held {
  if (a === undefined || b === undefined) return undefined;
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    if (Buffer.compare(a, b) !== 0) throw new Error('These are the nodes of two key trees.');
    return a;
  }
  const [parts, others] = [branchOf(a), branchOf(b)];
  const [zero, one] = [common(parts.zero, others.zero), common(parts.one, others.one)];
  return zero === parts.zero && one === parts.one ? a : branch(zero, one);
}

function branchOf(held: Uint8Array | Branch): Branch {
  return held instanceof Uint8Array ? { zero: child(held, ZERO), one: child(held, ONE) } : held;
}

function branch(zero: Held, one: Held): Held {
  return zero === undefined && one === undefined ? undefined : { zero, one };
}

/** One bit down: whatever is held there. */
export function descend(held: Held, bit: 0 | 1): Held {
  if (held instanceof Uint8Array) return child(held, bit);
  return bit === 0 ? held?.zero : held?.one;
}

const NOTHING = 0;
const NODE = 1;
const BRANCH = 2;

const NODE_BYTES = 32;

/** Pre-order: a byte for the kind, and a node's 32 bytes. */
export function encodeHeld(held: Held): Buffer {
  let bytes = Buffer.allocUnsafe(4096);
  let at = 0;
  const visit = (node: Held): void => {
    if (at + 1 + NODE_BYTES > bytes.length) bytes = Buffer.concat([bytes], bytes.length * 2);
    if (node === undefined) bytes[at++] = NOTHING;
    else if (node instanceof Uint8Array) {
      bytes[at++] = NODE;
      bytes.set(node, at);
      at += NODE_BYTES;
    } else {
      bytes[at++] = BRANCH;
      visit(node.zero);
      visit(node.one);
    }
  };
  visit(held);
  return bytes.subarray(0, at);
}

/** @throws Error when the bytes are not what `encodeHeld` gives. */
export function decodeHeld(bytes: Uint8Array): Held {
  let at = 0;
  const visit = (depth: number): Held => {
    const kind = bytes[at++];
    if (kind === NOTHING) return undefined;
    if (kind === NODE) {
      const node = bytes.slice(at, at + 32);
      at += 32;
      if (node.byteLength === 32) return node;
    } else if (kind === BRANCH && depth < 256) {
      return { zero: visit(depth + 1), one: visit(depth + 1) };
    }
    throw new Error('These are not the nodes of a key tree.');
  };
  const held = visit(0);
  if (at !== bytes.byteLength) throw new Error('There are bytes after the nodes of the key tree.');
  return held;
}
