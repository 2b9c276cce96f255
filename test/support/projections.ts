import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fold, Lane, relocate, type Slice } from '../../projections/fold.js';
import type { Documents, Projection } from '../../projections/projection.js';
import { quarantineOf } from '../../projections/quarantine.js';
import { rebuild, type RebuildOptions } from '../../projections/rebuild.js';
import type { LoggedRecord } from '../../src/log/log.js';
import { START, type Position } from '../../src/log/position.js';
import { ReadStoreUnavailableError } from '../../src/read-models/errors.js';
import { openLmdbReadStore } from '../../src/read-models/lmdb.js';
import type { CollectionDefinition, ReadStore } from '../../src/read-models/store.js';
import { FaultyReadStore, type Faults } from './faulty-store.js';
import { temporaryFolder } from './folder.js';

const EPOCH = 'epoch';

/** How many moments to kill at, spread over the records where there are more of these. */
const KILLS = 30;

export interface ContractOptions {
  /** How many of the records the projection is expected to throw on; by default none. */
  readonly quarantined?: number;
}

/**
 * What every projection owes: from sample records (by position), it makes the same documents to the byte, whether
 * fed at once, one by one, in any batches, twice, or killed at any write. It changes no document that it was given
 * or has put, and uses no collection that it does not name.
 */
export function projectionContract(
  projection: Projection,
  records: readonly LoggedRecord[],
  options: ContractOptions = {},
): void {
  describe(`the contract of projections: ${projection.name}`, () => {
    const strict = strictly(projection);
    const groups = byPosition(records);

    test('has samples of each type that it handles', () => {
      const types = new Set(records.map((record) => record.type));
      expect(projection.handles.filter((type) => !types.has(type))).toEqual([]);
      expect(projection.collections.map((collection) => collection.projection)).toEqual(
        projection.collections.map(() => projection.name),
      );
    });

    test('folds all samples but those that it is expected to refuse', async () => {
      const lines = await made(strict, [groups]);
      expect(lines.filter((line) => line.startsWith('quarantine.'))).toHaveLength(options.quarantined ?? 0);
      expect(lines.length).toBeGreaterThan(0);
    });

    test('one by one as at once', async () => {
      expect(await made(strict, one(groups))).toEqual(await made(strict, [groups]));
    });

    test('twice, overlapping, as once', async () => {
      const batches = one(groups).flatMap((batch, i) => [batch, groups.slice(Math.max(0, i - 1), i + 1)]);
      expect(await made(strict, [...batches, groups])).toEqual(await made(strict, [groups]));
    });

    test('in any batches', async () => {
      const expected = await made(strict, [groups]);
      const cuts = fc.uniqueArray(fc.integer({ min: 1, max: Math.max(1, groups.length - 1) }), {
        maxLength: 8,
      });
      await fc.assert(
        fc.asyncProperty(cuts, async (at) => {
          const bounds = [0, ...at.sort((a, b) => a - b), groups.length];
          const batches = bounds.slice(1).map((end, i) => groups.slice(bounds[i], end));
          expect(await made(strict, batches)).toEqual(expected);
        }),
        { numRuns: 15 },
      );
    });

    test.each(['before', 'after'] as const)('killed %s the answer of any write', async (moment) => {
      const expected = await made(strict, [groups]);
      const step = Math.max(1, Math.ceil(groups.length / KILLS));
      for (let write = 1; write <= groups.length; write += step) {
        expect(await made(strict, one(groups), { write, moment }), `killed at write ${write}`).toEqual(
          expected,
        );
      }
    });
  });
}

/** All documents of a projection's version, its quarantine too: a line of collection and canonical JSON each. */
export async function dumpProjection(store: ReadStore, projection: Projection): Promise<string[]> {
  const lines: string[] = [];
  for (const collection of [...projection.collections, quarantineOf(projection.name)]) {
    for await (const { bytes } of store.dump(collection, projection.version)) {
      lines.push(`${collection.name} ${Buffer.from(bytes).toString()}`);
    }
  }
  return lines;
}

/** The same for several projections, each by itself. */
export async function dumpAll(store: ReadStore, projections: readonly Projection[]): Promise<string[][]> {
  const all: string[][] = [];
  for (const projection of projections) all.push(await dumpProjection(store, projection));
  return all;
}

/** What the whole log makes in a store of its own: the truth that every other way is compared with. */
export async function rebuilt(
  log: RebuildOptions['log'],
  projections: readonly Projection[],
): Promise<string[][]> {
  const folder = temporaryFolder();
  const store = openLmdbReadStore(folder.path);
  try {
    await rebuild({ log, store, projections });
    return await dumpAll(store, projections);
  } finally {
    await store.close();
    folder.remove();
  }
}

type Groups = readonly (readonly LoggedRecord[])[];

/** What a projection makes of batches, in a store of its own; killed once, where asked for, and started again. */
async function made(
  projection: Projection,
  batches: readonly Groups[],
  kill?: { readonly write: number; readonly moment: 'before' | 'after' },
): Promise<string[]> {
  const folder = temporaryFolder();
  const store = openLmdbReadStore(folder.path);
  try {
    let writes = 0;
    const strike = (): void => {
      if (++writes === kill?.write) throw new ReadStoreUnavailableError('killed');
    };
    const faults: Faults = kill?.moment === 'before' ? { beforeWrite: strike } : { afterWrite: strike };
    const faulty = new FaultyReadStore(store, faults);
    let lane = new Lane(projection, START);
    for (const batch of batches) {
      const records = batch.flat();
      const slice: Slice = { records, position: records.at(-1)?.position ?? lane.position };
      try {
        await fold(faulty, EPOCH, [lane], slice, () => undefined);
      } catch (error) {
        if (!(error instanceof ReadStoreUnavailableError)) throw error;
        // Started again: nothing is left but what is in the store, and the log begins after the checkpoint.
        await relocate(store, [lane], slice.position);
        lane = new Lane(projection, lane.position);
        await fold(faulty, EPOCH, [lane], slice, () => undefined);
      }
    }
    return await dumpProjection(store, projection);
  } finally {
    await store.close();
    folder.remove();
  }
}

function one(groups: Groups): Groups[] {
  return groups.map((group) => [group]);
}

/** Records that share a position come in one batch. */
function byPosition(records: readonly LoggedRecord[]): Groups {
  const groups = new Map<Position, LoggedRecord[]>();
  for (const record of records) groups.set(record.position, [...(groups.get(record.position) ?? []), record]);
  return [...groups.entries()].sort(([a], [b]) => a - b).map(([, group]) => group);
}

/** The same projection, caught when it breaks a rule: records and documents are frozen, other collections refused. */
function strictly(projection: Projection): Projection {
  const own = (collection: CollectionDefinition<never>): void => {
    if (!projection.collections.some((other) => other.name === collection.name)) {
      throw new Error(`Projection ${projection.name} uses ${collection.name}, which it does not name.`);
    }
  };
  return {
    name: projection.name,
    version: projection.version,
    collections: projection.collections,
    handles: projection.handles,
    evolve: (record, documents) => {
      const strict: Documents = {
        get: async (collection, key) => {
          own(collection);
          return frozen(await documents.get(collection, key));
        },
        find: async (collection, range, index) => {
          own(collection);
          return frozen(await documents.find(collection, range, index));
        },
        put: (collection, document) => {
          own(collection);
          documents.put(collection, frozen(document));
        },
        delete: (collection, key) => {
          own(collection);
          documents.delete(collection, key);
        },
      };
      return projection.evolve(frozen(record), strict);
    },
  };
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) frozen(part as unknown);
  }
  return value;
}
