import type { AnyBulkWriteOperation } from 'mongodb';
import { DocumentSizeError } from './errors.js';
import { encodeDocumentKey, indexEntries } from './keys.js';
import { shapeOf, type Shape } from './mongodb-state.js';
import type { Checkpoint, CollectionDefinition, Document, DocumentWrite, Key } from './store.js';

/*
 * How documents lie in MongoDB.
 *
 * Keys and index entries are the bytes of keys.ts as text, a character each (U+0000 to U+00FF). Strings are compared as UTF-8
 * there, which for these characters is the order of the bytes. (BinData would be compared by length first.) Names in
 * keys stay legible.
 */

/** A document as stored, or what is left of a deleted one. */
export interface Row {
  readonly _id: string;
  /** Of the write that made it: guards it against writes of before. */
  readonly position: number;
  /** JSON text: whatever JSON can say comes back as it was, and equal documents have equal text. */
  readonly json?: string;
  /** The key by the names of its fields, for people who look. */
  readonly key?: Readonly<Record<string, string | number>> | Key;
  /** Where the document stands in each index of the catalogue. */
  readonly by?: Readonly<Record<string, string>>;
  /** Of a deleted one: when, by the server's clock. MongoDB removes it a day later. */
  readonly deleted?: Date;
}

/** What a write does to one document. */
export interface Change {
  readonly id: string;
  /** Null deletes. */
  readonly row: Required<Pick<Row, 'json' | 'key' | 'by'>> | null;
}

/** What a write does to one collection; all that has to be known to do it again. */
export interface Changes extends Shape {
  readonly version: number;
  readonly position: number;
  readonly changes: readonly Change[];
}

/** The largest document (bytes of JSON): with its keys it has to fit into 16 MiB, and so has the part of a journal that it is in. */
export const MAX_DOCUMENT_BYTES = 15 * 1024 * 1024;

/** Bytes of a key or entry as text. */
export function keyText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/**
 * A write by collection, ready to be stored. Of two changes of the same document the first counts.
 *
 * @throws KeyError, DocumentSizeError; Error where a document has no checkpoint
 */
export function changesOf(
  writes: readonly (DocumentWrite & { readonly projection: string; readonly version: number })[],
  checkpoints: readonly { readonly next: Checkpoint }[],
): Changes[] {
  const found = new Map<string, Changes & { readonly byId: Map<string, Change> }>();
  for (const { collection: definition, projection, version, key, document } of writes) {
    const name = `${definition.name}@${version}`;
    let changes = found.get(name);
    if (changes === undefined) {
      const checkpoint = checkpoints.find(
        ({ next }) => next.projection === projection && next.version === version,
      );
      if (checkpoint === undefined)
        throw new Error(`A document of ${projection} is written without a checkpoint.`);
      const { position } = checkpoint.next;
      changes = { ...shapeOf(definition), version, position, changes: [], byId: new Map() };
      found.set(name, changes);
    }
    const change = changeOf(definition, key, document);
    if (!changes.byId.has(change.id)) changes.byId.set(change.id, change);
  }
  return [...found.values()].map(({ byId, ...changes }) => ({ ...changes, changes: [...byId.values()] }));
}

function changeOf(definition: CollectionDefinition<never>, key: Key, document: Document | undefined): Change {
  const id = keyText(encodeDocumentKey(key));
  if (document === undefined) return { id, row: null };
  const json = JSON.stringify(document);
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_DOCUMENT_BYTES) throw new DocumentSizeError(definition.name, bytes, MAX_DOCUMENT_BYTES);
  const entries = [...indexEntries(definition, document, key)].map(
    ([name, entry]) => [name, keyText(entry)] as const,
  );
  return { id, row: { json, key: namedKey(definition, key), by: Object.fromEntries(entries) } };
}

function namedKey({ fields }: CollectionDefinition<never>, key: Key): Record<string, string | number> | Key {
  if (fields.key.length !== key.length) return key;
  return Object.fromEntries(fields.key.map((name, i) => [name, key[i] ?? '']));
}

/** How much of a journal a change takes, in bytes, rather more than less. */
export function sizeOf({ id, row }: Change): number {
  const texts = row === null ? [id] : [id, id, row.json, ...Object.values(row.by)];
  return 300 + texts.reduce((bytes, text) => bytes + 20 + Buffer.byteLength(text), 0);
}

/**
 * The operation that makes a change, unless the document is as new already; then it fails as a duplicate (code
 * 11000), because nothing matches and there is one. Without `inserts` it does nothing then.
 */
export function operationOf(
  { id, row }: Change,
  position: number,
  inserts: boolean,
): AnyBulkWriteOperation<Row> {
  const filter = { _id: id, position: { $lt: position } };
  if (row !== null) return { replaceOne: { filter, replacement: { position, ...row }, upsert: inserts } };
  // The position stays behind, so that a slower write of before does not bring the document back.
  const update = {
    $set: { position },
    $unset: { json: '', key: '', by: '' },
    $currentDate: { deleted: true },
  } as const;
  return { updateOne: { filter, update, upsert: inserts } };
}
