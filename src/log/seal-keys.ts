import { hash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { LRUCache } from 'lru-cache';
import { makeFileDurably, writeFileDurably } from '../runtime/durable-file.js';
import type { Random } from '../runtime/random.js';
import { LogFormatError } from './errors.js';
import { decodeHeld, descend, encodeHeld, keyAt, punctured, type Bits, type Held } from './seal-tree.js';

/** Where a sealed record lies; `index` is given for staged records only, which share a revision. */
export interface SealPlace {
  readonly stream: string;
  readonly revision: number;
  readonly index?: number;
}

const REVISION_BITS = 32;
const INDEX_BITS = 24;
const CACHED_STREAMS = 2_000;

/** What the last derivation in a stream went through: `nodes[i]` is what is held after i bits of the revision. */
interface StreamPath {
  readonly nodes: Held[];
  revision: number;
}

/**
 * The keys of sealed fields, none of them stored: the leaves of one puncturable tree (see seal-tree.ts), found
 * along 128 bits of the stream name's SHA-256, 32 bits of the revision, and for a staged record 24 bits of its
 * index. Cost of a key, at 1 µs per hash: 128 + 33 hashes for a stream met first, about 3 for the next revision.
 *
 * The file holds what is left of the tree: at first its root, and after puncturing what covers all the rest.
 */
export class SealKeys {
  readonly #file: string | undefined;
  #held: Held;
  readonly #streams = new LRUCache<string, StreamPath>({ max: CACHED_STREAMS });

  private constructor(file: string | undefined, held: Held) {
    this.#file = file;
    this.#held = held;
  }

  /** Keys that live in memory only. */
  static ephemeral(random: Random): SealKeys {
    return new SealKeys(undefined, random.bytes(32));
  }

  /**
   * Opens the key file, or makes one with a fresh root where there is none. Mode 0600, in a folder of mode 0700.
   *
   * @throws LogFormatError when the file is not a key file, or damaged
   */
  static open(file: string, random: Random): SealKeys {
    if (!existsSync(file)) {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      // Of processes that start together one makes it, and all take it.
      makeFileDurably(file, encodeFile(random.bytes(32)));
    }
    return new SealKeys(file, decodeFile(file, readFileSync(file)));
  }

  /** The 32-byte key of a place, or undefined when it was punctured. */
  key(place: SealPlace): Uint8Array | undefined {
    const path = this.#path(place.stream);
    let held = walkRevision(path, place.revision);
    if (place.index !== undefined) {
      for (const bit of bitsOf(place.index, INDEX_BITS)) held = descend(held, bit);
    }
    return held instanceof Uint8Array ? keyAt(held) : undefined;
  }

  /**
   * Destroys the keys of these places, for good: the file is rewritten, on disk, before this returns. A place
   * without index covers the whole commit at that revision.
   */
  puncture(places: readonly SealPlace[]): void {
    let held = this.#held;
    for (const place of places) held = punctured(held, pathOf(place));
    if (this.#file !== undefined) writeFileDurably(this.#file, encodeFile(held));
    this.#held = held;
    this.#streams.clear();
  }

  #path(stream: string): StreamPath {
    const known = this.#streams.get(stream);
    if (known !== undefined) return known;
    let held = this.#held;
    for (const bit of streamBits(stream)) held = descend(held, bit);
    const path: StreamPath = { nodes: [held], revision: -1 };
    this.#streams.set(stream, path);
    return path;
  }
}

/** Goes on from where the path parts from the last revision's. */
function walkRevision(path: StreamPath, revision: number): Held {
  checkRange(revision, REVISION_BITS);
  const shared = path.revision < 0 ? 0 : Math.clz32((path.revision ^ revision) >>> 0);
  let held = path.nodes[shared];
  for (let depth = shared; depth < REVISION_BITS; depth++) {
    held = descend(held, bitAt(revision, REVISION_BITS - 1 - depth));
    path.nodes[depth + 1] = held;
  }
  path.revision = revision;
  return held;
}

function bitAt(value: number, place: number): 0 | 1 {
  return ((value >>> place) & 1) === 0 ? 0 : 1;
}

function checkRange(value: number, bits: number): void {
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** bits) {
    throw new RangeError(`${value} does not fit ${bits} bits.`);
  }
}

function bitsOf(value: number, count: number): Bits {
  checkRange(value, count);
  return Array.from({ length: count }, (_, i) => bitAt(value, count - 1 - i));
}

function streamBits(stream: string): Bits {
  const digest = hash('sha256', stream, 'buffer').subarray(0, 16);
  return Array.from(digest).flatMap((byte) => bitsOf(byte, 8));
}

function pathOf({ stream, revision, index }: SealPlace): Bits {
  return [
    ...streamBits(stream),
    ...bitsOf(revision, REVISION_BITS),
    ...(index === undefined ? [] : bitsOf(index, INDEX_BITS)),
  ];
}

const MAGIC = Buffer.from('engram keys 1\n');

function encodeFile(held: Held): Buffer {
  const body = Buffer.concat([MAGIC, encodeHeld(held)]);
  return Buffer.concat([body, hash('sha256', body, 'buffer')]);
}

function decodeFile(file: string, bytes: Buffer): Held {
  const body = bytes.subarray(0, -32);
  if (!body.subarray(0, MAGIC.byteLength).equals(MAGIC)) {
    throw new LogFormatError(`${file} is not a key file of this format.`);
  }
  if (!hash('sha256', body, 'buffer').equals(bytes.subarray(-32))) {
    throw new LogFormatError(`The key file ${file} is damaged; restore it from a backup.`);
  }
  return decodeHeld(body.subarray(MAGIC.byteLength));
}
