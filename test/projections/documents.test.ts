import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DocumentOverlay } from '../../projections/documents.js';
import { KeyError, ReadStoreUnavailableError } from '../../src/read-models/errors.js';
import { openLmdbReadStore } from '../../src/read-models/lmdb.js';
import type { DocumentWrite, Key, Range, ReadStore } from '../../src/read-models/store.js';
import { notes } from '../contracts/read-store-notes.js';
import { FaultyReadStore } from '../support/faulty-store.js';
import { temporaryFolder } from '../support/folder.js';

describe('the overlay of documents', () => {
  const owner = { projection: 'notebook', version: 1 };
  let folder: ReturnType<typeof temporaryFolder>;
  let store: ReadStore;

  beforeEach(() => {
    folder = temporaryFolder();
    store = openLmdbReadStore(folder.path);
  });

  afterEach(async () => {
    await store.close();
    folder.remove();
  });

  const note = (id: Key, text: unknown = 'text', tags?: Key) => ({ id, tags, text });

  async function write(writes: readonly DocumentWrite[]): Promise<void> {
    const expected = (await store.checkpoint('notebook', 1))?.position ?? -1;
    const next = { ...owner, position: expected + 1, epoch: 'e' };
    await store.write(writes.map((one) => ({ ...one, ...owner })), [{ next, expected }]); // prettier-ignore
  }

  test('shows what is stored and what is pending, and each document once in what is to be written', async () => {
    await write([{ collection: notes, key: ['a'], document: note(['a'], 'stored') }]);
    const overlay = new DocumentOverlay(store, 1);
    expect((await overlay.get(notes, ['a']))?.text).toBe('stored');
    overlay.put(notes, note(['a'], 1));
    overlay.put(notes, note(['a'], 2));
    overlay.put(notes, note(['b'], 1));
    overlay.delete(notes, ['b']);
    expect((await overlay.get(notes, ['a']))?.text).toBe(2);
    expect(await overlay.get(notes, ['b'])).toBeUndefined();
    expect(await overlay.get(notes, ['x'.repeat(9999)])).toBeUndefined();
    expect(overlay.writes()).toMatchObject([
      { collection: notes, key: ['a'], document: note(['a'], 2) },
      { collection: notes, key: ['b'], document: undefined },
    ]);
    expect((await store.version(notes, 1).get(['a']))?.text).toBe('stored');
  });

  test('goes back to its savepoint, and no further', async () => {
    const overlay = new DocumentOverlay(store, 1);
    overlay.put(notes, note(['a'], 1));
    overlay.savepoint();
    overlay.put(notes, note(['a'], 2));
    overlay.put(notes, note(['a'], 3));
    overlay.put(notes, note(['b'], 3));
    overlay.delete(notes, ['c']);
    overlay.rollback();
    overlay.rollback();
    expect(overlay.writes()).toMatchObject([{ collection: notes, key: ['a'], document: note(['a'], 1) }]);
    expect(await overlay.find(notes, { prefix: [] })).toEqual([note(['a'], 1)]);
  });

  test('refuses at once what the store could not write', () => {
    const overlay = new DocumentOverlay(store, 1);
    const long = ['x'.repeat(5000)];
    expect(() => { overlay.put(notes, note(long)); }).toThrow(KeyError); // prettier-ignore
    expect(() => { overlay.put(notes, note(['a'], 1, long)); }).toThrow(KeyError); // prettier-ignore
    expect(() => { overlay.delete(notes, long); }).toThrow(KeyError); // prettier-ignore
    expect(overlay.writes()).toMatchObject([]);
  });

  test('remembers that the store was unavailable, whatever a projection makes of it', async () => {
    const broken = new FaultyReadStore(store, {
      beforeRead: () => {
        throw new ReadStoreUnavailableError('away');
      },
    });
    const overlay = new DocumentOverlay(broken, 1);
    await expect(overlay.get(notes, ['a'])).rejects.toBeInstanceOf(ReadStoreUnavailableError);
    expect(overlay.unavailable?.message).toBe('away');
  });

  test('finds what a store would find that had written it all', async () => {
    const part = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom('', 'a', '\0', '😀', '\uffff'));
    const key = fc.array(part, { minLength: 1, maxLength: 2 });
    const tags = fc.option(fc.array(part, { maxLength: 2 }), { nil: undefined });
    const changes = fc.array(fc.record({ key, tags, deletes: fc.boolean() }), { maxLength: 15 });
    const bound = fc.option(fc.array(part, { maxLength: 1 }), { nil: undefined });
    const range = fc.record({ prefix: fc.array(part, { maxLength: 1 }), after: bound, to: bound, reverse: fc.boolean(), limit: fc.option(fc.nat(4), { nil: undefined }) }); // prettier-ignore
    const apply = (overlay: DocumentOverlay, list: readonly { key: Key; tags: Key | undefined; deletes: boolean }[], text: string) => {
      for (const change of list) {
        if (change.deletes) overlay.delete(notes, change.key);
        else overlay.put(notes, note(change.key, text, change.tags));
      }
    }; // prettier-ignore
    await fc.assert(
      fc.asyncProperty(
        changes,
        changes,
        fc.array(range, { maxLength: 8 }),
        async (stored, pending, ranges) => {
          await store.drop('notebook', 1);
          const first = new DocumentOverlay(store, 1);
          apply(first, stored, 'stored');
          await write(first.writes());
          const overlay = new DocumentOverlay(store, 1);
          apply(overlay, pending, 'pending');
          const asked = ranges.map(({ after, to, limit, ...rest }): Range => ({ ...rest, ...(after && { after }), ...(to && { to }), ...(limit !== undefined && { limit }) })); // prettier-ignore
          const seen = [];
          for (const one of asked)
            seen.push(await overlay.find(notes, one), await overlay.find(notes, one, 'by_tag'));
          await write(overlay.writes());
          const truth = [];
          const collection = store.version(notes, 1);
          for (const one of asked)
            truth.push(await collection.find(one), await collection.find(one, 'by_tag'));
          expect(JSON.stringify(seen)).toBe(JSON.stringify(truth));
        },
      ),
      { numRuns: 150 },
    );
  });

  test('finds again, after changes and their undoing, what one would find who asks for the first time', async () => {
    const part = fc.nat(2);
    const change = fc.record({ key: fc.tuple(part, part), tags: fc.option(fc.tuple(part, part), { nil: undefined }), deletes: fc.boolean() }); // prettier-ignore
    const step = fc.oneof(
      fc.record({ change }),
      fc.record({ find: part, index: fc.constantFrom(undefined, 'by_tag' as const) }),
      fc.constant({ rollback: true as const }),
      fc.constant({ savepoint: true as const }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { maxLength: 8 }),
        fc.array(step, { minLength: 10, maxLength: 40 }),
        async (stored, steps) => {
          await store.drop('notebook', 1);
          const apply = (overlay: DocumentOverlay, { key, tags, deletes }: { key: Key; tags: Key | undefined; deletes: boolean }, nth: number) => {
          if (deletes) overlay.delete(notes, key);
          else overlay.put(notes, note(key, nth, tags));
        }; // prettier-ignore
          const first = new DocumentOverlay(store, 1);
          for (const [nth, one] of stored.entries()) apply(first, one, -nth);
          await write(first.writes());
          const overlay = new DocumentOverlay(store, 1);
          let made: Parameters<typeof apply>[1][] = [];
          let saved = 0;
          for (const one of steps) {
            if ('change' in one) {
              apply(overlay, one.change, made.push(one.change));
            } else if ('savepoint' in one) {
              overlay.savepoint();
              saved = made.length;
            } else if ('rollback' in one) {
              overlay.rollback();
              made = made.slice(0, saved);
            } else {
              const fresh = new DocumentOverlay(store, 1);
              for (const [nth, before] of made.entries()) apply(fresh, before, nth + 1);
              const range = { prefix: [one.find] };
              expect(await overlay.find(notes, range, one.index)).toEqual(
                await fresh.find(notes, range, one.index),
              );
            }
          }
        },
      ),
      { numRuns: 80 },
    );
  });
});
