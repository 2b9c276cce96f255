import { fold, Lane } from '../../projections/fold.js';
import type { Documents, Projection } from '../../projections/projection.js';
import type { LoggedRecord } from '../../src/log/log.js';
import { START } from '../../src/log/position.js';
import { openLmdbReadStore } from '../../src/read-models/lmdb.js';
import type { CollectionDefinition, Document, ReadStore } from '../../src/read-models/store.js';
import { temporaryFolder } from './folder.js';

/** What a projection made of records, and how often it read and wrote for the last of them. */
export interface Folded {
  /** A collection's documents in the order of their keys. */
  of<D extends Document>(collection: CollectionDefinition<D>): D[];
  readonly lastCost: { readonly reads: number; readonly writes: number };
}

/** Folds records in one batch. Throws what the projection throws. */
export async function folded(projection: Projection, records: readonly LoggedRecord[]): Promise<Folded> {
  const lastCost = { reads: 0, writes: 0 };
  return whereFolded(counting(projection, lastCost), records, async (store) => {
    const documents = new Map<string, Document[]>();
    for (const collection of projection.collections) {
      const found: Document[] = [];
      for await (const { bytes } of store.dump(collection, projection.version)) {
        found.push(JSON.parse(Buffer.from(bytes).toString()) as Document);
      }
      documents.set(collection.name, found);
    }
    return {
      of: <D extends Document>(collection: CollectionDefinition<D>) =>
        (documents.get(collection.name) ?? []) as D[],
      lastCost,
    };
  });
}

/** Folds records in one batch, and has something asked of the store, which serves what came of it. */
export async function whereFolded<T>(
  projection: Projection,
  records: readonly LoggedRecord[],
  ask: (store: ReadStore) => Promise<T>,
): Promise<T> {
  const folder = temporaryFolder();
  const store = openLmdbReadStore(folder.path);
  try {
    const lane = new Lane(projection, START);
    const slice = { records, position: records.at(-1)?.position ?? 0 };
    await fold(store, 'epoch', [lane], slice, (_, __, error) => {
      throw error;
    });
    await store.serve(projection.name, projection.version);
    return await ask(store);
  } finally {
    await store.close();
    folder.remove();
  }
}

function counting(projection: Projection, cost: { reads: number; writes: number }): Projection {
  const { name, version, collections, handles } = projection;
  return {
    name,
    version,
    collections,
    handles,
    evolve: (record, documents) => {
      [cost.reads, cost.writes] = [0, 0];
      const counted: Documents = {
        get: (collection, key) => {
          cost.reads++;
          return documents.get(collection, key);
        },
        find: (collection, range, index) => {
          cost.reads++;
          return documents.find(collection, range, index);
        },
        put: (collection, document) => {
          cost.writes++;
          documents.put(collection, document);
        },
        delete: (collection, key) => {
          cost.writes++;
          documents.delete(collection, key);
        },
      };
      return projection.evolve(record, counted);
    },
  };
}
