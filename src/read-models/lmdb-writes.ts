import { encodedKeys, indexEntries } from './keys.js';
import type { LmdbCatalogue, Slot } from './lmdb-catalogue.js';
import { slotKey, type Databases } from './lmdb-collection.js';
import { decodeDocument, encodeDocument, encodeEntry, positionOf } from './lmdb-stored.js';
import type { DocumentWrite } from './store.js';

/** A write with all that does not depend on what is stored. */
export interface PreparedWrite extends DocumentWrite {
  readonly version: number;
  readonly position: number;
  readonly bytes: Uint8Array;
  /** The document's JSON. */
  readonly text: string | undefined;
  readonly entries: ReadonlyMap<string, Uint8Array>;
}

export function prepareWrite(
  write: DocumentWrite & { readonly version: number },
  position: number,
): PreparedWrite {
  const { collection, version, document, key } = write;
  const { key: bytes, entries } = write.encoded ?? encodedKeys(collection, key, document);
  return {
    collection,
    version,
    key,
    document,
    position,
    bytes,
    text: document && JSON.stringify(document),
    entries,
  };
}

/** Puts a prepared write where it belongs, within a transaction; one that is there already changes nothing. */
export function applyWrite(
  { documents, indexes }: Databases,
  catalogue: LmdbCatalogue,
  write: PreparedWrite,
): void {
  const slot = catalogue.makeSlot(write.collection, write.version);
  const key = slotKey(slot.id, write.bytes);
  const stored = documents.get(key);
  if (stored !== undefined && positionOf(stored) >= write.position) return;
  // What was there is looked into only where an index may have entries of it.
  const before =
    stored !== undefined && hasIndexes(write.collection) ? decodeDocument(key, stored) : undefined;
  const stale = before === undefined ? undefined : indexEntries(write.collection, before.document, write.key);
  for (const [name, entry] of write.entries) {
    const old = stale?.get(name);
    if (old !== undefined && Buffer.compare(old, entry) === 0) stale?.delete(name);
    else {
      const at = indexKey(slot, name, entry);
      void indexes.put(at, encodeEntry(at, key));
    }
  }
  for (const [name, entry] of stale ?? []) void indexes.remove(indexKey(slot, name, entry));
  if (write.text === undefined) void documents.remove(key);
  else void documents.put(key, encodeDocument(key, write.position, write.text));
}

function hasIndexes({ indexes }: DocumentWrite['collection']): boolean {
  for (const _ in indexes) return true;
  return false;
}

function indexKey(slot: Slot, name: string, entry: Uint8Array): Uint8Array {
  return slotKey(slot.indexes[name] ?? 0, entry);
}
