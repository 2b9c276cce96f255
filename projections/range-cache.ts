import type { Document } from '../src/read-models/store.js';

/** A document with what places it: entries are keys as bytes, one character each, which compare as keys do. */
export interface Placed {
  /** Of the document's key. */
  readonly key: string;
  /** In the index that was read, or again of the key. */
  readonly entry: string;
  readonly document: Document;
}

interface CachedRange {
  readonly index: string | undefined;
  readonly low: string;
  readonly high: string;
  readonly documents: Map<string, Placed>;
  /** In order; undefined where that has to be made again. */
  sorted: Placed[] | undefined;
}

/** Documents that are kept, in all ranges: beyond it, all are forgotten. */
const MOST_DOCUMENTS = 50_000;

/**
 * Ranges that were read whole, kept up with what is changed in them: a batch of messages to one room reads its members
 * once. Keeping one up costs a comparison for each change of its collection.
 */
export class RangeCache {
  readonly #ranges = new Map<string, CachedRange[]>();
  #count = 0;

  /** What is in a range, in order, if it was read. */
  get(collection: string, index: string | undefined, low: string, high: string): Document[] | undefined {
    const range = this.#ranges
      .get(collection)
      ?.find((one) => one.index === index && one.low === low && one.high === high);
    if (range === undefined) return undefined;
    range.sorted ??= [...range.documents.values()].sort((a, b) => (a.entry < b.entry ? -1 : 1));
    return range.sorted.map(({ key, document }) => range.documents.get(key)?.document ?? document);
  }

  /** Keeps a range with all that is in it, in order. */
  keep(
    collection: string,
    index: string | undefined,
    { low, high }: { readonly low: string; readonly high: string },
    found: readonly Placed[],
  ): void {
    this.#count += found.length;
    if (this.#count > MOST_DOCUMENTS) this.clear();
    const documents = new Map(found.map((placed) => [placed.key, placed]));
    const ranges = this.#ranges.get(collection) ?? [];
    this.#ranges.set(collection, ranges);
    ranges.push({ index, low, high, documents, sorted: [...found] });
  }

  /** A document is another one now, or gone. */
  change(
    collection: string,
    key: string,
    indexes: ReadonlyMap<string, string>,
    document: Document | undefined,
  ): void {
    for (const range of this.#ranges.get(collection) ?? []) {
      const entry = range.index === undefined ? key : indexes.get(range.index);
      const before = range.documents.get(key);
      if (document === undefined || entry === undefined || entry < range.low || entry >= range.high) {
        if (range.documents.delete(key)) range.sorted = undefined;
      } else {
        range.documents.set(key, { key, entry, document });
        if (before?.entry !== entry) range.sorted = undefined;
      }
    }
  }

  clear(): void {
    this.#ranges.clear();
    this.#count = 0;
  }
}
