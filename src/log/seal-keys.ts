import { hash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { LRUCache } from 'lru-cache';
import { makeFileDurably, replaceFileDurably } from '../runtime/durable-file.js';
import type { Random } from '../runtime/random.js';
import { LogFormatError } from './errors.js';
import type { SealedRange } from './log.js';
import {
  changed,
  common,
  decodeHeld,
  descend,
  encodeHeld,
  keyAt,
  withoutRange,
  type Bits,
  type Held,
} from './seal-tree.js';

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
  /** The file as it was when it held what is held here. */
  #known: string | undefined;
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
    return new SealKeys(file, readKeyFile(file));
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
   * Destroys the keys of these places, for good: the file is rewritten, on disk, before this returns, and what it was
   * before overwritten. What is gone already costs no writing. Other processes may do the same with the same file: what
   * one of them destroyed is gone for all, as soon as they come here.
   *
   * @throws LogFormatError when the file is another log's by now, or damaged
   *
   * Cost: a few hashes and 34 bytes of the file for each level of the tree that is parted, which is 128 for the first
   * place of a stream, at most 64 for a range; and the file once for all places.
   */
  puncture(places: readonly SealedRange[]): void {
    const found = this.#file === undefined ? undefined : identity(this.#file);
    // It is not read where it is as this process has left it.
    const isKnown = this.#file === undefined || found === this.#known;
    const stored = isKnown ? this.#held : readKeyFile(this.#file);
    let held = this.#commonWith(stored);
    const streams = new Map<string, SealedRange[]>();
    for (const place of places) {
      const known = streams.get(place.stream);
      if (known === undefined) streams.set(place.stream, [place]);
      else known.push(place);
    }
    for (const [stream, some] of streams) {
      held = changed(held, streamBits(stream), (node) => some.reduce(without, node));
    }
    this.#known = found;
    // The same tree by the same nodes has been handed back where nothing was taken from it.
    if (this.#file !== undefined && held !== stored) {
      replaceFileDurably(this.#file, encodeFile(held));
      this.#known = identity(this.#file);
    }
    this.#held = held;
    for (const stream of streams.keys()) this.#streams.delete(stream);
  }

  #commonWith(stored: Held): Held {
    if (stored === this.#held) return stored;
    try {
      // Another process has destroyed what may be cached here.
      if (common(this.#held, stored) !== this.#held) this.#streams.clear();
      return common(stored, this.#held);
    } catch {
      throw new LogFormatError(`${this.#file ?? ''} holds the keys of another log than the one in use.`);
    }
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

/** What is held of a stream without one of its places. */
function without(held: Held, { from, to, index }: SealedRange): Held {
  for (const revision of [from, to]) checkRange(revision, REVISION_BITS);
  if (index === undefined) return withoutRange(held, from, to, REVISION_BITS);
  const path = [...bitsOf(from, REVISION_BITS), ...bitsOf(index, INDEX_BITS)];
  return changed(held, path, () => undefined);
}

const MAGIC = Buffer.from('engram keys 1\n');

function encodeFile(held: Held): Buffer {
  const body = Buffer.concat([MAGIC, encodeHeld(held)]);
  return Buffer.concat([body, hash('sha256', body, 'buffer')]);
}

/** Another after every time that the file was replaced. */
function identity(file: string): string {
  const { ino, mtimeMs, size } = statSync(file);
  return `${ino} ${mtimeMs} ${size}`;
}

/** How often a file is read again that does not read well: another process may just be overwriting what it was. */
const MOST_READS = 3;

/** @throws LogFormatError */
function readKeyFile(file: string): Held {
  for (let reads = 1; ; reads++) {
    try {
      return decodeFile(file, readFileSync(file));
    } catch (error) {
      if (!(error instanceof LogFormatError) || reads === MOST_READS) throw error;
    }
  }
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
