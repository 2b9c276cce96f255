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

/** What is held after everything at and below `path` has been punctured; the old tree is left as it is. */
export function punctured(held: Held, path: Bits, depth = 0): Held {
  const bit = path[depth];
  if (held === undefined || bit === undefined) return undefined;
  const branch: Branch =
    held instanceof Uint8Array ? { zero: child(held, ZERO), one: child(held, ONE) } : held;
  const rest = punctured(bit === 0 ? branch.zero : branch.one, path, depth + 1);
  const other = bit === 0 ? branch.one : branch.zero;
  if (rest === undefined && other === undefined) return undefined;
  return bit === 0 ? { zero: rest, one: other } : { zero: other, one: rest };
}

/** One bit down: whatever is held there. */
export function descend(held: Held, bit: 0 | 1): Held {
  if (held instanceof Uint8Array) return child(held, bit);
  return bit === 0 ? held?.zero : held?.one;
}

const NOTHING = 0;
const NODE = 1;
const BRANCH = 2;

/** Pre-order: a byte for the kind, and a node's 32 bytes. */
export function encodeHeld(held: Held): Buffer {
  const parts: Uint8Array[] = [];
  const visit = (at: Held): void => {
    if (at === undefined) parts.push(Uint8Array.of(NOTHING));
    else if (at instanceof Uint8Array) parts.push(Uint8Array.of(NODE), at);
    else {
      parts.push(Uint8Array.of(BRANCH));
      visit(at.zero);
      visit(at.one);
    }
  };
  visit(held);
  return Buffer.concat(parts);
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
