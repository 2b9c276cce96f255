import { ReadStoreUnavailableError } from '../src/read-models/errors.js';
import {
  encodeDocumentKey,
  encodedKeys,
  encodeEntry,
  encodeKey,
  rangeBounds,
} from '../src/read-models/keys.js';
import type {
  CollectionDefinition,
  Document,
  DocumentWrite,
  EncodedKeys,
  Key,
  Range,
  ReadStore,
} from '../src/read-models/store.js';
import type { Documents } from './projection.js';
import { RangeCache } from './range-cache.js';

/** A document's change that is not written yet. Entries are keys as bytes, one character each: they compare as keys do. */
interface Pending {
  readonly definition: CollectionDefinition<never>;
  readonly key: Key;
  readonly document: Document | undefined;
  readonly encoded: EncodedKeys;
  readonly entry: string;
  readonly indexes: ReadonlyMap<string, string>;
}

/**
 * The documents of one version of a projection: what is stored, with a batch's changes over it. A document put is
 * handed back as it is, not copied: projections never change one, they put another.
 */
export class DocumentOverlay implements Documents {
  readonly #store: ReadStore;
  readonly #version: number;
  readonly #pending = new Map<string, Map<string, Pending>>();
  readonly #ranges = new RangeCache();
  readonly #asked = new Set<string>();
  #undo: (() => void)[] = [];
  #unavailable: ReadStoreUnavailableError | undefined;

  constructor(store: ReadStore, version: number) {
    this.#store = store;
    this.#version = version;
  }

  /** The store's failure, if one of the reads had one: whatever was made of it is not the projection's doing. */
  get unavailable(): ReadStoreUnavailableError | undefined {
    return this.#unavailable;
  }

  async get<D extends Document>(collection: CollectionDefinition<D>, key: Key): Promise<D | undefined> {
    const pending = this.#pending.get(collection.name);
    const change = pending?.get(text(encodeKey(key)));
    if (change !== undefined) return change.document as D | undefined;
    return this.#read(() => this.#store.version(collection, this.#version).get(key));
  }

  /**
   * Costs the store's `find`, and a look at each of the batch's changes of this collection; of all that has a prefix
   * only the first two times.
   */
  async find<D extends Document>(
    collection: CollectionDefinition<D>,
    range: Range,
    index?: string,
  ): Promise<D[]> {
    const bounds = isWhole(range) ? rangeBounds(range) : undefined;
    if (bounds === undefined) return this.#find(collection, range, index);
    const [low, high] = [text(bounds.low), text(bounds.high)];
    const known = this.#ranges.get(collection.name, index, low, high);
    if (known !== undefined) return known as D[];
    const found = await this.#find(collection, range, index);
    // Most batches ask once: what is asked for again is worth keeping.
    const asked = `${collection.name} ${index ?? ''} ${low}`;
    if (!this.#asked.has(asked)) {
      this.#asked.add(asked);
      return found;
    }
    const placed = found.map((document) => ({
      key: text(encodeDocumentKey(collection.key(document))),
      entry: entryOf(collection, document, index),
      document,
    }));
    this.#ranges.keep(collection.name, index, { low, high }, placed);
    return found;
  }

  async #find<D extends Document>(
    collection: CollectionDefinition<D>,
    range: Range,
    index?: string,
  ): Promise<D[]> {
    const pending = this.#pending.get(collection.name);
    if (pending === undefined) {
      return this.#read(() => this.#store.version(collection, this.#version).find(range, index));
    }
    const found = (await this.#unchanged(collection, pending, range, index)).map((document) => ({
      document,
      entry: entryOf(collection, document, index),
    }));
    const bounds = rangeBounds(range);
    if (bounds === undefined) return [];
    const [low, high] = [text(bounds.low), text(bounds.high)];
    for (const { document, entry: own, indexes } of pending.values()) {
      const entry = index === undefined ? own : indexes.get(index);
      if (document === undefined || entry === undefined || entry < low || entry >= high) continue;
      found.push({ document: document as D, entry });
    }
    found.sort((a, b) => (a.entry < b.entry ? -1 : 1));
    if (range.reverse === true) found.reverse();
    return found.slice(0, range.limit).map(({ document }) => document);
  }

  /** @throws KeyError when the document cannot have its keys. */
  put<D extends Document>(collection: CollectionDefinition<D>, document: D): void {
    this.#change(collection, collection.key(document), document);
  }

  delete<D extends Document>(collection: CollectionDefinition<D>, key: Key): void {
    this.#change(collection, key, undefined);
  }

  /** From here on, `rollback` takes back what is changed. */
  savepoint(): void {
    this.#undo = [];
  }

  rollback(): void {
    for (const undo of this.#undo.reverse()) undo();
    this.#ranges.clear();
    this.#undo = [];
  }

  /** What to write: each changed document once, as it is now. */
  writes(): DocumentWrite[] {
    const writes: DocumentWrite[] = [];
    for (const pending of this.#pending.values()) {
      for (const { definition, key, document, encoded } of pending.values()) {
        writes.push({ collection: definition, key, document, encoded });
      }
    }
    return writes;
  }

  #change(definition: CollectionDefinition<never>, key: Key, document: Document | undefined): void {
    const encoded = encodedKeys(definition, key, document);
    const indexes = new Map<string, string>();
    for (const [index, bytes] of encoded.entries) indexes.set(index, text(bytes));
    const change = { definition, key, document, encoded, entry: text(encoded.key), indexes };
    const { name } = definition;
    const pending = this.#pending.get(name) ?? new Map<string, Pending>();
    this.#pending.set(name, pending);
    const before = pending.get(change.entry);
    this.#undo.push(() => {
      if (before === undefined) pending.delete(change.entry);
      else pending.set(change.entry, before);
    });
    pending.set(change.entry, change);
    this.#ranges.change(name, change.entry, change.indexes, change.document);
  }

  /** The stored documents of the range that the batch has not touched: as many as are asked for, or all there are. */
  async #unchanged<D extends Document>(
    collection: CollectionDefinition<D>,
    pending: ReadonlyMap<string, Pending>,
    range: Range,
    index: string | undefined,
  ): Promise<D[]> {
    const stored = this.#store.version(collection, this.#version);
    let limit = range.limit;
    while (true) {
      const found = await this.#read(() =>
        stored.find(limit === undefined ? range : { ...range, limit }, index),
      );
      const unchanged = found.filter(
        (document) => !pending.has(text(encodeDocumentKey(collection.key(document)))),
      );
      if (limit === undefined || found.length < limit || unchanged.length >= (range.limit ?? 0))
        return unchanged;
      // What the batch changed took places of others: ask again for more than were missing.
      limit = limit * 2 + found.length - unchanged.length;
    }
  }

  async #read<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (error instanceof ReadStoreUnavailableError) this.#unavailable ??= error;
      throw error;
    }
  }
}

/** Whether all is asked for that has a prefix. */
function isWhole({ prefix, from, after, before, to, reverse, limit }: Range): boolean {
  const bounds = [from, after, before, to, limit];
  return prefix.length > 0 && reverse !== true && bounds.every((bound) => bound === undefined);
}

function entryOf<D extends Document>(
  collection: CollectionDefinition<D>,
  document: D,
  index: string | undefined,
): string {
  const key = collection.key(document);
  if (index === undefined) return text(encodeDocumentKey(key));
  return text(encodeEntry(collection.indexes[index]?.(document) ?? [], key));
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
