import { compareKeys } from '../../src/read-models/keys.js';
import type {
  CollectionDefinition,
  DocumentWrite,
  Key,
  Range,
  ReadStore,
} from '../../src/read-models/store.js';

/** One store and the ways to open its data again. */
export interface ReadStoreHarness {
  readonly store: ReadStore;
  /** Closes the store and opens the same data again, as a process that starts does. */
  reopen(): Promise<ReadStore>;
  /** A second reader of the same data, beside the store. */
  another(): Promise<ReadStore>;
  /**
   * A store on the same data whose `write` dies, as a killed process would, after so many of its durable steps
   * (one transaction is one step; without transactions each document written is one), and rejects; or resolves
   * where it has no more steps than that.
   */
  dying(steps: number): Promise<ReadStore>;
  /** A store on the same data whose `write` stops after so many of its durable steps, as a suspended process does. */
  suspended(steps: number): Promise<SuspendedStore>;
  /** Closes everything and deletes the data. */
  close(): Promise<void>;
}

export interface SuspendedStore {
  readonly store: ReadStore;
  /** Settled when the write has stopped; never where it has no more steps than that. */
  readonly stopped: Promise<void>;
  /** Lets it go on. */
  goOn(): void;
}

/** The documents of the contract. */
export interface Note extends Record<string, unknown> {
  readonly id: Key;
  readonly tags: Key | undefined;
  readonly text: unknown;
}

export const notes: CollectionDefinition<Note> = {
  name: 'notes',
  projection: 'notebook',
  key: (note) => note.id,
  indexes: { by_tag: (note) => note.tags ?? undefined },
  fields: { key: ['id'], indexes: { by_tag: ['tags'] } },
};

export const authors: CollectionDefinition<{ readonly name: string }> = {
  name: 'authors',
  projection: 'people',
  key: (author) => [author.name],
  indexes: {},
  fields: { key: ['name'], indexes: {} },
};

/** What parts of keys may be, and the edges of that. */
export const PARTS = [
  Number.MIN_SAFE_INTEGER, -1.5, -1, 0, 5e-324, 0.5, 1, 2, 255, 256, Number.MAX_SAFE_INTEGER,
  '', '\0', '\0\0', '\0a', '\x01', ' ', '0', '1', 'a', 'a\0', 'a\0b', 'aa', 'b', 'é', 'ÿ', '\ud7ff', '\ud800', '\udfff',
  '\ue000', '\uffff', '𐀀', '😀', '😁', '\u{10ffff}', 'x'.repeat(255), '\0'.repeat(255), '\u{10ffff}'.repeat(63),
]; // prettier-ignore

const WRITER = { projection: 'notebook', version: 1 };

export const note = (id: Key, text: unknown = 'text', tags?: Key): Note => ({ id, tags, text });
export const put = (document: Note) => ({ ...WRITER, collection: notes, key: document.id, document });
export const remove = (key: Key) => ({ ...WRITER, collection: notes, key, document: undefined });
export const checkpoint = (position: number, epoch = 'e') => ({ ...WRITER, position, epoch });
export const all = (store: ReadStore) => store.version(notes, 1).find({ prefix: [] });
export const ids = (found: readonly Note[]) => found.map((document) => document.id);

/** Writes as the projection does: each time from its checkpoint to the next. */
export async function write(store: ReadStore, ...writes: (DocumentWrite & typeof WRITER)[]): Promise<number> {
  const expected = (await store.checkpoint('notebook', 1))?.position ?? -1;
  await store.write(writes, [{ next: checkpoint(expected + 1), expected }]);
  return expected + 1;
}

/** The store that a test has, opened for it alone. */
export interface Opened {
  harness: ReadStoreHarness;
  store: ReadStore;
}

/** A range's meaning, in plain words. */
export function expected(entries: readonly (readonly [Key, Note])[], range: Range): Note[] {
  const { prefix } = range;
  const side = (key: Key, bound: Key) =>
    compareKeys(key.slice(prefix.length, prefix.length + bound.length), bound);
  const found = entries
    .filter(([key]) => compareKeys(key.slice(0, prefix.length), prefix) === 0)
    .filter(([key]) => range.from === undefined || side(key, range.from) >= 0)
    .filter(([key]) => range.after === undefined || side(key, range.after) > 0)
    .filter(([key]) => range.to === undefined || side(key, range.to) <= 0)
    .filter(([key]) => range.before === undefined || side(key, range.before) < 0)
    .sort(([a, x], [b, y]) => compareKeys(a, b) || y.id.length - x.id.length);
  if (range.reverse === true) found.reverse();
  return found.slice(0, range.limit).map(([, document]) => document);
}

export async function dump(store: ReadStore, version: number): Promise<string[]> {
  const lines = [];
  for await (const { key, bytes } of store.dump(notes, version))
    lines.push(`${JSON.stringify(key)} ${Buffer.from(bytes).toString()}`);
  return lines;
}

/** Another handle sees what was written by the next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => { setTimeout(resolve, 2); }); // prettier-ignore
}
