import { LRUCache } from 'lru-cache';
import { decodeNode, EMPTY_NODE, EMPTY_ROOT, hashOf, type Hash, type Node } from './node.js';

/** Where encoded nodes are kept: the port. What it holds is derived, and may be lost without harm. */
export interface NodeStore {
  get(hash: Hash): Uint8Array | undefined;
  /** Keeps all of these nodes or none. What is there under a name already is replaced, which repairs damage. */
  put(nodes: ReadonlyMap<Hash, Uint8Array>): void;
  has(hash: Hash): boolean;
}

/** A node is absent from the store, or its bytes are not those that its name stands for. */
export class MissingNodeError extends Error {
  readonly hash: Hash;
  readonly kind: 'missing' | 'damaged';

  constructor(hash: Hash, kind: 'missing' | 'damaged') {
    super(`state node ${hash} is ${kind}`);
    this.name = 'MissingNodeError';
    this.hash = hash;
    this.kind = kind;
  }
}

/** Reads nodes by name: what all functions on tries work on. */
export interface NodeReader {
  /** @throws MissingNodeError */
  read(hash: Hash): Node;
}

/** A node store in memory. */
export class MemoryNodeStore implements NodeStore {
  readonly #nodes = new Map<Hash, Uint8Array>();

  get(hash: Hash): Uint8Array | undefined {
    return this.#nodes.get(hash);
  }

  put(nodes: ReadonlyMap<Hash, Uint8Array>): void {
    for (const [hash, bytes] of nodes) this.#nodes.set(hash, bytes);
  }

  has(hash: Hash): boolean {
    return this.#nodes.has(hash);
  }

  /** For collecting garbage, see `reachable`. */
  delete(hash: Hash): boolean {
    return this.#nodes.delete(hash);
  }

  hashes(): Iterable<Hash> {
    return this.#nodes.keys();
  }
}

/** What an object costs beside its bytes, roughly: the cache's bound is memory, not encoded bytes. */
const OBJECT_BYTES = 200;
const BYTES_PER_ENCODED_BYTE = 3;

/**
 * Nodes of a store, checked against their hash when first read and then kept decoded, the least recently used
 * leaving when the cache is full. A hit costs one look-up in a map, a miss one read, one SHA-256 and decoding.
 */
export class CachedNodes implements NodeReader {
  readonly #store: NodeStore;
  readonly #cache: LRUCache<Hash, Node>;
  #hits = 0;
  #misses = 0;

  /** @param cacheBytes about how much memory the decoded nodes may take. */
  constructor(store: NodeStore, cacheBytes = 32 * 1024 * 1024) {
    this.#store = store;
    this.#cache = new LRUCache({ maxSize: cacheBytes });
  }

  read(hash: Hash): Node {
    if (hash === EMPTY_ROOT) return EMPTY_NODE;
    const known = this.#cache.get(hash);
    if (known !== undefined) {
      this.#hits++;
      return known;
    }
    this.#misses++;
    const bytes = this.#store.get(hash);
    if (bytes === undefined) throw new MissingNodeError(hash, 'missing');
    if (hashOf(bytes) !== hash) throw new MissingNodeError(hash, 'damaged');
    const node = decode(hash, bytes);
    const size = OBJECT_BYTES + bytes.length * BYTES_PER_ENCODED_BYTE;
    this.#cache.set(hash, node, { size });
    return node;
  }

  /** Memory in use, in bytes as the bound counts them, and how often a node was at hand. */
  get figures(): { bytes: number; entries: number; hits: number; misses: number } {
    const { calculatedSize: bytes, size: entries } = this.#cache;
    return { bytes, entries, hits: this.#hits, misses: this.#misses };
  }
}

function decode(hash: Hash, bytes: Uint8Array): Node {
  try {
    return decodeNode(bytes);
  } catch (error) {
    if (error instanceof RangeError) throw new MissingNodeError(hash, 'damaged');
    throw error;
  }
}
