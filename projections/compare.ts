import { compareKeys } from '../src/read-models/keys.js';
import type { CollectionDefinition, Key, ReadStore } from '../src/read-models/store.js';

/** A document that two stores do not have alike. */
export interface Difference {
  readonly collection: string;
  readonly key: Key;
  /** As the store that is checked has it: without the document, with one too many, or with other contents. */
  readonly kind: 'missing' | 'extra' | 'different';
}

export interface Comparison {
  readonly collection: string;
  readonly documents: number;
  readonly differing: number;
  /** The first of them. */
  readonly first: readonly Difference[];
}

/**
 * Compares a collection in two stores, each in its version there, byte for byte. Reads each once, in order, and holds one
 * document of each at a time.
 */
export async function compareCollection(
  checked: ReadStore,
  fresh: ReadStore,
  definition: CollectionDefinition<never>,
  versions: { readonly checked: number; readonly fresh: number },
  show: number,
): Promise<Comparison> {
  const first: Difference[] = [];
  let documents = 0;
  let differing = 0;
  const differs = (key: Key, kind: Difference['kind']): void => {
    differing++;
    if (first.length < show) first.push({ collection: definition.name, key, kind });
  };
  const ours = checked.dump(definition, versions.checked)[Symbol.asyncIterator]();
  const theirs = fresh.dump(definition, versions.fresh)[Symbol.asyncIterator]();
  try {
    let [a, b] = [await ours.next(), await theirs.next()];
    while (a.done !== true || b.done !== true) {
      const order = a.done === true ? 1 : b.done === true ? -1 : compareKeys(a.value.key, b.value.key);
      documents++;
      if (order < 0 && a.done !== true) differs(a.value.key, 'extra');
      else if (order > 0 && b.done !== true) differs(b.value.key, 'missing');
      else if (a.done !== true && b.done !== true && Buffer.compare(a.value.bytes, b.value.bytes) !== 0) {
        differs(a.value.key, 'different');
      }
      if (order <= 0) a = await ours.next();
      if (order >= 0) b = await theirs.next();
    }
  } finally {
    await ours.return?.();
    await theirs.return?.();
  }
  return { collection: definition.name, documents, differing, first };
}
