import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  CheckpointConflictError,
  KeyError,
  ReadModelNotReadyError,
  ReadStoreUnavailableError,
} from '../../src/read-models/errors.js';
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
  /** Closes everything and deletes the data. */
  close(): Promise<void>;
}

interface Note extends Record<string, unknown> {
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

const authors: CollectionDefinition<{ readonly name: string }> = {
  name: 'authors',
  projection: 'people',
  key: (author) => [author.name],
  indexes: {},
  fields: { key: ['name'], indexes: {} },
};

const PARTS = [
  Number.MIN_SAFE_INTEGER, -1.5, -1, 0, 5e-324, 0.5, 1, 2, 255, 256, Number.MAX_SAFE_INTEGER,
  '', '\0', '\0\0', '\0a', '\x01', ' ', '0', '1', 'a', 'a\0', 'a\0b', 'aa', 'b', 'é', 'ÿ', '\ud7ff', '\ud800', '\udfff',
  '\ue000', '\uffff', '𐀀', '😀', '😁', '\u{10ffff}', 'x'.repeat(255), '\0'.repeat(255), '\u{10ffff}'.repeat(63),
]; // prettier-ignore

/** The whole contract of ReadStore; an adapter's test file is a call of this. */
export function readStoreContract(name: string, open: () => Promise<ReadStoreHarness>): void {
  describe(`read store: ${name}`, () => {
    let harness: ReadStoreHarness;
    let store: ReadStore;

    beforeEach(async () => {
      harness = await open();
      store = harness.store;
    });

    afterEach(async () => {
      await harness.close();
    });

    const note = (id: Key, text: unknown = 'text', tags?: Key): Note => ({ id, tags, text });
    const put = (document: Note) => ({ ...WRITER, collection: notes, key: document.id, document });
    const remove = (key: Key) => ({ ...WRITER, collection: notes, key, document: undefined });
    const WRITER = { projection: 'notebook', version: 1 };
    const checkpoint = (position: number, epoch = 'e') => ({ ...WRITER, position, epoch });

    /** Writes as the projection does: each time from its checkpoint to the next. */
    async function write(target: ReadStore, ...writes: (DocumentWrite & typeof WRITER)[]): Promise<number> {
      const expected = (await target.checkpoint('notebook', 1))?.position ?? -1;
      await target.write(writes, [{ next: checkpoint(expected + 1), expected }]);
      return expected + 1;
    }

    const all = (target = store) => target.version(notes, 1).find({ prefix: [] });
    const ids = (found: readonly Note[]) => found.map((document) => document.id);

    describe('documents', () => {
      test('are found by key, one or many in the order asked for', async () => {
        await write(
          store,
          put(note(['a', 1], { deep: [1, null, 'é😀', { x: true }] })),
          put(note(['b'], 'two')),
        );
        const collection = store.version(notes, 1);
        expect(await collection.get(['a', 1])).toEqual({
          id: ['a', 1],
          text: { deep: [1, null, 'é😀', { x: true }] },
        });
        expect(await collection.get(['a'])).toBeUndefined();
        expect((await collection.getMany([['b'], ['c'], ['a', 1], ['b']])).map((found) => found?.id)).toEqual(
          [['b'], undefined, ['a', 1], ['b']],
        );
        expect(await collection.getMany([])).toEqual([]);
      });

      test('are replaced and deleted, in one write too', async () => {
        await write(store, put(note(['a'], 1)), put(note(['b'], 1)));
        await write(store, put(note(['a'], 2)), remove(['b']), remove(['none']));
        expect(await all()).toEqual([note(['a'], 2)]);
      });

      test('of all sizes come back as they were', async () => {
        const texts = ['', 'x'.repeat(3000), '\u0000"\\\n', '😀'.repeat(100_000), 'y'.repeat(2_000_000)];
        await write(store, ...texts.map((text, i) => put(note([i], text))));
        expect((await all()).map((document) => document.text)).toEqual(texts);
      });

      test('may have fields with dangerous names', async () => {
        const text: unknown = JSON.parse(
          '{"__proto__":{"polluted":true},"constructor":{"prototype":1},"toString":2}',
        );
        await write(store, put(note(['a'], text)));
        const found = await store.version(notes, 1).get(['a']);
        expect(JSON.stringify(found?.text)).toBe(JSON.stringify(text));
        expect(Object.getPrototypeOf({})).toBe(Object.prototype);
        expect('polluted' in {}).toBe(false);
      });

      test('stay apart by collection and by version', async () => {
        await write(store, put(note(['a'], 'old')));
        await store.write(
          [
            { ...put(note(['a'], 'new')), version: 2 },
            { collection: authors, projection: 'people', version: 1, key: ['a'], document: { name: 'a' } },
          ],
          [
            { next: { ...checkpoint(7), version: 2 }, expected: -1 },
            { next: { projection: 'people', version: 1, position: 7, epoch: 'e' }, expected: -1 },
          ],
        );
        expect(await all()).toEqual([note(['a'], 'old')]);
        expect(await store.version(notes, 2).find({ prefix: [] })).toEqual([note(['a'], 'new')]);
        expect(await store.version(authors, 1).find({ prefix: [] })).toEqual([{ name: 'a' }]);
        expect(await store.version(notes, 3).find({ prefix: [] })).toEqual([]);
        expect(await store.version(notes, 3).get(['a'])).toBeUndefined();
        expect(await store.version(notes, 3).count({ prefix: [] })).toBe(0);
      });

      test('are read as they were when asked for, while a write is under way', async () => {
        await write(store, put(note(['a'], 1)), put(note(['b'], 1)));
        const writing = write(store, put(note(['a'], 2)), put(note(['b'], 2)));
        const seen: string[] = [];
        for (let i = 0; i < 20; i++)
          seen.push(JSON.stringify((await all()).map((document) => document.text)));
        await writing;
        seen.push(JSON.stringify((await all()).map((document) => document.text)));
        expect(seen.every((texts) => texts === '[1,1]' || texts === '[2,2]')).toBe(true);
        expect(seen.at(-1)).toBe('[2,2]');
      });
    });

    describe('keys', () => {
      test('are ordered part by part, numbers before strings, strings by code point', async () => {
        const keys: Key[] = PARTS.flatMap((part) => [[part], [part, 'z'], [part, 0]]);
        const shuffled = [...keys].sort((a, b) => JSON.stringify(a).length - JSON.stringify(b).length);
        await write(store, ...shuffled.map((key) => put(note(key))));
        const sorted = [...keys].sort(compareKeys);
        expect(ids(await all())).toEqual(sorted);
        expect(ids(await store.version(notes, 1).find({ prefix: [], reverse: true }))).toEqual(
          sorted.reverse(),
        );
        for (const key of keys) expect((await store.version(notes, 1).get(key))?.id).toEqual(key);
        for (const part of PARTS) {
          const under = await store.version(notes, 1).find({ prefix: [part] });
          expect(ids(under)).toEqual([[part], [part, 0], [part, 'z']]);
        }
      });

      test('hold five parts of 255 bytes each, under an index too', async () => {
        const long = ['é'.repeat(127), 'x'.repeat(255), 'y'.repeat(255), 'z'.repeat(255), '😀'.repeat(63)];
        await write(store, put(note(long, 'text', [...long])));
        expect(ids(await store.version(notes, 1).find({ prefix: long }, 'by_tag'))).toEqual([long]);
      });

      test('that cannot be are refused before anything is written, and found nowhere', async () => {
        const long = ['x'.repeat(5000)];
        await expect(write(store, put(note(['a'])), put(note(long)))).rejects.toBeInstanceOf(KeyError);
        await expect(write(store, put(note(['a'], 1, long)))).rejects.toBeInstanceOf(KeyError);
        await expect(write(store, put(note([Number.NaN])))).rejects.toBeInstanceOf(KeyError);
        expect(await all()).toEqual([]);
        expect(await store.checkpoints()).toEqual([]);
        await write(store, put(note(['a'])), put(note(['y'])));
        const collection = store.version(notes, 1);
        expect(await collection.get(long)).toBeUndefined();
        expect(await collection.find({ prefix: long })).toEqual([]);
        expect(ids(await collection.find({ prefix: [], after: long }))).toEqual([['y']]);
        expect(ids(await collection.find({ prefix: [], to: long }))).toEqual([['a']]);
      });

      test('minus zero is zero', async () => {
        await write(store, put(note([-0], 1)));
        expect(await store.version(notes, 1).get([0])).toBeDefined();
      });
    });

    describe('ranges', () => {
      const grid: Key[] = ['a', 'b', 'c'].flatMap((part) =>
        [1, 2, 3].flatMap((n) => ['', 'x'].map((end) => [part, n, end])),
      );

      test.each<[string, Range, Key[]]>([
        ['prefix', { prefix: ['b', 2] }, [['b', 2, ''], ['b', 2, 'x']]],
        ['from', { prefix: ['b'], from: [3] }, [['b', 3, ''], ['b', 3, 'x']]],
        ['after leaves out all that begins so', { prefix: ['b'], after: [2] }, [['b', 3, ''], ['b', 3, 'x']]],
        ['after a whole key', { prefix: ['b'], after: [3, ''] }, [['b', 3, 'x']]],
        ['to lets in all that begins so', { prefix: ['b'], to: [1] }, [['b', 1, ''], ['b', 1, 'x']]],
        ['before leaves out all that begins so', { prefix: ['b'], before: [2] }, [['b', 1, ''], ['b', 1, 'x']]],
        ['both', { prefix: ['a'], after: [1], before: [3] }, [['a', 2, ''], ['a', 2, 'x']]],
        ['bounds between keys', { prefix: ['a'], from: [1.5], to: [2.5] }, [['a', 2, ''], ['a', 2, 'x']]],
        ['limit', { prefix: [], limit: 2 }, [['a', 1, ''], ['a', 1, 'x']]],
        ['reverse', { prefix: ['c', 3], reverse: true }, [['c', 3, 'x'], ['c', 3, '']]],
        ['reverse and limit', { prefix: [], reverse: true, limit: 1 }, [['c', 3, 'x']]],
        ['reverse and before', { prefix: ['c'], before: [2], reverse: true }, [['c', 1, 'x'], ['c', 1, '']]],
        ['reverse and after', { prefix: ['c'], after: [2], reverse: true }, [['c', 3, 'x'], ['c', 3, '']]],
        ['no limit at all', { prefix: [], limit: 0 }, []],
        ['nothing between', { prefix: ['b'], after: [2], before: [2] }, []],
        ['the wrong way round', { prefix: ['b'], from: [3], to: [1] }, []],
        ['nothing with this prefix', { prefix: ['bb'] }, []],
      ])('%s', async (_, range, expected) => {
        await write(store, ...grid.map((key) => put(note(key, 'text', key))));
        const collection = store.version(notes, 1);
        expect(ids(await collection.find(range))).toEqual(expected);
        expect(await collection.count(range)).toBe(expected.length);
        expect(ids(await collection.find(range, 'by_tag'))).toEqual(expected);
        expect(await collection.count(range, 'by_tag')).toBe(expected.length);
      }); // prettier-ignore
    });

    describe('indexes', () => {
      const tagged = async (tag: Key) => ids(await store.version(notes, 1).find({ prefix: tag }, 'by_tag'));

      test('follow what is put, changed and deleted', async () => {
        await write(store, put(note(['1'], 0, ['red'])), put(note(['2'], 0, ['red'])), put(note(['3'])));
        expect(await tagged(['red'])).toEqual([['1'], ['2']]);
        await write(
          store,
          put(note(['1'], 1, ['blue'])),
          put(note(['2'], 1, ['red'])),
          put(note(['3'], 1, ['red'])),
        );
        expect(await tagged(['red'])).toEqual([['2'], ['3']]);
        expect(await tagged(['blue'])).toEqual([['1']]);
        await write(store, remove(['1']), put(note(['2'], 2)));
        expect(await tagged(['red'])).toEqual([['3']]);
        expect(await tagged([])).toEqual([['3']]);
      });

      test('order equal values by the documents, and give them whole', async () => {
        await write(store, ...[3, 1, 2].map((n) => put(note([n], `text ${n}`, ['same']))));
        const found = await store.version(notes, 1).find({ prefix: ['same'], after: [1] }, 'by_tag');
        expect(found.map((document) => document.text)).toEqual(['text 2', 'text 3']);
      });

      test('keep documents apart whose values and keys are the same in a row', async () => {
        await write(
          store,
          put(note([1, 1], 0, [''])),
          put(note([1], 0, ['', 1])),
          put(note(['', 1, 1], 0, [])),
        );
        expect(await tagged(['', 1, 1])).toEqual([['', 1, 1], [1, 1], [1]]); // prettier-ignore
        await write(store, remove([1, 1]));
        expect(await tagged([''])).toEqual([['', 1, 1], [1]]);
      });

      test('that are not there are an error', async () => {
        await write(store, put(note(['1'])));
        await expect(store.version(notes, 1).find({ prefix: [] }, 'none')).rejects.toBeInstanceOf(KeyError);
      });
    });

    describe('checkpoints', () => {
      test('are there with their documents', async () => {
        expect(await store.checkpoint('notebook', 1)).toBeUndefined();
        await write(store, put(note(['a'])));
        expect(await store.checkpoint('notebook', 1)).toEqual(checkpoint(0));
        await store.write([], [{ next: { ...checkpoint(5, 'f'), version: 2 }, expected: -1 }]);
        expect(await store.checkpoint('notebook', 2)).toEqual({ ...checkpoint(5, 'f'), version: 2 });
        const found = await store.checkpoints();
        expect(found.sort((a, b) => a.version - b.version)).toEqual([
          checkpoint(0),
          { ...checkpoint(5, 'f'), version: 2 },
        ]);
      });

      test('refuse a writer that is behind, and all that it writes', async () => {
        await store.write([put(note(['a'], 1))], [{ next: checkpoint(10), expected: -1 }]);
        const other = { next: { projection: 'people', version: 1, position: 1, epoch: 'e' }, expected: -1 };
        for (const expected of [-1, 9, 11]) {
          const writing = store.write(
            [put(note(['a'], 2)), put(note(['b'], 2))],
            [other, { next: checkpoint(12), expected }],
          );
          await expect(writing).rejects.toBeInstanceOf(CheckpointConflictError);
        }
        expect(await all()).toEqual([note(['a'], 1)]);
        expect(await store.checkpoints()).toEqual([checkpoint(10)]);
      });

      test('of two writers at once let one through', async () => {
        const second = await harness.another();
        const outcomes = await Promise.allSettled(
          [store, second].map((target, i) =>
            target.write([put(note(['a'], i))], [{ next: checkpoint(i + 1), expected: -1 }]),
          ),
        );
        const winner = outcomes.findIndex((outcome) => outcome.status === 'fulfilled');
        expect(
          outcomes
            .filter((outcome) => outcome.status === 'rejected')
            .map((outcome) => outcome.reason as unknown),
        ).toEqual([expect.any(CheckpointConflictError)]);
        expect(await all()).toEqual([note(['a'], winner)]);
      });

      test('guard each document: one that is as new stays', async () => {
        await store.write([put(note(['a'], 1))], [{ next: checkpoint(10), expected: -1 }]);
        await store.write(
          [put(note(['a'], 2)), put(note(['b'], 2))],
          [{ next: checkpoint(10), expected: 10 }],
        );
        await store.write([remove(['a'])], [{ next: checkpoint(10), expected: 10 }]);
        expect(await all()).toEqual([note(['a'], 1), note(['b'], 2)]);
        await store.write([put(note(['a'], 3))], [{ next: checkpoint(11), expected: 10 }]);
        expect(await all()).toEqual([note(['a'], 3), note(['b'], 2)]);
      });

      test('belong to every document written', async () => {
        await expect(store.write([put(note(['a']))], [])).rejects.toThrow(/checkpoint/);
        expect(await all()).toEqual([]);
      });
    });

    describe('serving', () => {
      test('reads wait for a version that serves', async () => {
        await write(store, put(note(['a'])));
        expect(await store.serving()).toEqual([]);
        const collection = store.collection(notes);
        const reads = [
          collection.get(['a']),
          collection.getMany([['a']]),
          collection.find({ prefix: [] }),
          collection.count({ prefix: [] }),
        ];
        for (const outcome of await Promise.allSettled<unknown>(reads)) {
          expect(outcome).toMatchObject({
            status: 'rejected',
            reason: { name: 'ReadModelNotReadyError', projection: 'notebook' },
          });
        }
        await expect(store.collection(notes).get(['a'])).rejects.toBeInstanceOf(ReadModelNotReadyError);
        await store.serve('notebook', 1);
        expect(await collection.get(['a'])).toEqual(note(['a']));
      });

      test('switches for readers that are there, here and elsewhere', async () => {
        const elsewhere = await harness.another();
        await write(store, put(note(['a'], 'old')));
        await store.serve('notebook', 1);
        const collections = [store.collection(notes), elsewhere.collection(notes)];
        await nextTurn();
        for (const collection of collections) expect((await collection.get(['a']))?.text).toBe('old');
        await store.write(
          [{ ...put(note(['a'], 'new')), version: 2 }],
          [{ next: { ...checkpoint(1), version: 2 }, expected: -1 }],
        );
        await store.serve('notebook', 2);
        expect(await store.serving()).toEqual([{ projection: 'notebook', version: 2 }]);
        await store.drop('notebook', 1);
        await nextTurn();
        for (const collection of collections) expect((await collection.get(['a']))?.text).toBe('new');
        expect(await store.checkpoint('notebook', 1)).toBeUndefined();
        expect(await all()).toEqual([]);
      });

      test('ends when the version that serves is dropped, and leaves other projections alone', async () => {
        await write(store, put(note(['a'], 1, ['red'])));
        await store.write(
          [{ collection: authors, projection: 'people', version: 1, key: ['a'], document: { name: 'a' } }],
          [{ next: { projection: 'people', version: 1, position: 1, epoch: 'e' }, expected: -1 }],
        );
        await store.serve('notebook', 1);
        await store.serve('people', 1);
        await store.drop('notebook', 1);
        await expect(store.collection(notes).get(['a'])).rejects.toBeInstanceOf(ReadModelNotReadyError);
        expect(await store.collection(authors).get(['a'])).toEqual({ name: 'a' });
        expect((await store.checkpoints()).map((found) => found.projection)).toEqual(['people']);
        await write(store, put(note(['b'], 1, ['red'])));
        expect(ids(await store.version(notes, 1).find({ prefix: [] }, 'by_tag'))).toEqual([['b']]);
        expect(ids(await all())).toEqual([['b']]);
      });

      test('dropping what is not there does nothing', async () => {
        await store.drop('notebook', 9);
        expect(await store.checkpoints()).toEqual([]);
      });
    });

    describe('dump', () => {
      test('gives every document in order, as canonical JSON', async () => {
        const text = { b: 1, a: { '\uffff': 1, '😀': 2, é: [{ z: 1, y: 2 }] } };
        await write(store, put(note(['b', 1], 'two')), put(note(['a', 2], text)));
        const dumped = [];
        for await (const { key, bytes } of store.dump(notes, 1))
          dumped.push({ key, text: Buffer.from(bytes).toString() });
        expect(dumped).toEqual([
          {
            key: ['a', 2],
            text: '{"id":["a",2],"text":{"a":{"é":[{"y":2,"z":1}],"\uffff":1,"😀":2},"b":1}}',
          },
          { key: ['b', 1], text: '{"id":["b",1],"text":"two"}' },
        ]);
        for await (const found of store.dump(notes, 2)) expect(found).toBeUndefined();
      });

      test('does not depend on when and in which order documents were written', async () => {
        await write(store, put(note(['a'], 0)), put(note(['c'])));
        await write(store, put(note(['b'])), put({ text: 1, tags: ['x'], id: ['a'] }), remove(['c']));
        await store.write(
          [put({ id: ['a'], tags: ['x'], text: 1 }), put(note(['b']))].map((one) => ({ ...one, version: 2 })),
          [{ next: { ...checkpoint(99), version: 2 }, expected: -1 }],
        );
        expect(await dump(store, 1)).toEqual(await dump(store, 2));
      });
    });

    test('all of it is there after opening again', async () => {
      await write(store, put(note(['a'], 1, ['red'])), put(note(['b'], 1)));
      await store.serve('notebook', 1);
      const before = await dump(store, 1);
      const again = await harness.reopen();
      expect(await dump(again, 1)).toEqual(before);
      expect(await again.serving()).toEqual([{ projection: 'notebook', version: 1 }]);
      expect(await again.checkpoints()).toEqual([checkpoint(0)]);
      expect(ids(await again.collection(notes).find({ prefix: ['red'] }, 'by_tag'))).toEqual([['a']]);
      expect(await write(again, remove(['a']))).toBe(1);
    });

    test('a write that dies in the middle is all there or not at all, for the next one to write', async () => {
      const writes = [put(note(['a'], 2, ['blue'])), remove(['b']), put(note(['c'], 2, ['red']))];
      let died = true;
      for (let steps = 0; died; steps++) {
        expect(steps).toBeLessThan(100);
        await store.drop('notebook', 1);
        await write(store, put(note(['a'], 1, ['red'])), put(note(['b'], 1, ['red'])));
        const dying = await harness.dying(steps);
        died = await dying.write(writes, [{ next: checkpoint(1), expected: 0 }]).then(() => false, () => true); // prettier-ignore
        store = await harness.reopen();
        const position = (await store.checkpoint('notebook', 1))?.position;
        if (position === 0) await store.write(writes, [{ next: checkpoint(1), expected: 0 }]);
        else expect(position).toBe(1);
        expect(await all()).toEqual([note(['a'], 2, ['blue']), note(['c'], 2, ['red'])]);
        expect(ids(await store.version(notes, 1).find({ prefix: [] }, 'by_tag'))).toEqual([['a'], ['c']]);
      }
    });

    test('a closed store says so', async () => {
      await write(store, put(note(['a'])));
      const collection = store.version(notes, 1);
      await store.close();
      await store.close();
      await expect(collection.get(['a'])).rejects.toBeInstanceOf(ReadStoreUnavailableError);
      await expect(write(store, put(note(['a'])))).rejects.toBeInstanceOf(ReadStoreUnavailableError);
      await expect(store.serve('notebook', 1)).rejects.toBeInstanceOf(ReadStoreUnavailableError);
      await expect(store.checkpoints()).rejects.toBeInstanceOf(ReadStoreUnavailableError);
    });

    test('agrees with a plain model on random writes and ranges', async () => {
      const part = fc.oneof(
        fc.constantFrom(...PARTS.slice(0, -3)),
        fc.integer({ min: -3, max: 3 }),
        fc.string({ unit: 'binary', maxLength: 2 }),
      );
      const key = fc.array(part, { minLength: 1, maxLength: 3 });
      const change = fc.record({
        key,
        tags: fc.option(fc.array(part, { maxLength: 2 }), { nil: undefined }),
        deletes: fc.boolean(),
      });
      const bound = fc.option(fc.array(part, { maxLength: 2 }), { nil: undefined });
      const range = fc.record({
        prefix: fc.array(part, { maxLength: 2 }),
        from: bound,
        after: bound,
        to: bound,
        before: bound,
        reverse: fc.boolean(),
        limit: fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined }),
      });
      const batches = fc.array(fc.array(change, { maxLength: 8 }), { maxLength: 5 });
      await fc.assert(
        fc.asyncProperty(batches, fc.array(range, { maxLength: 10 }), async (changes, ranges) => {
          await store.drop('notebook', 1);
          const model = new Map<string, Note>();
          for (const batch of changes) {
            const writes = new Map<string, ReturnType<typeof put> | ReturnType<typeof remove>>();
            for (const { key: id, tags, deletes } of batch) {
              const name = JSON.stringify(id);
              writes.set(name, deletes ? remove(id) : put(note(id, tags?.length ?? null, tags)));
              if (deletes) model.delete(name);
              else model.set(name, note(id, tags?.length ?? null, tags));
            }
            await write(store, ...writes.values());
          }
          for (const { from, after, to, before, limit, ...rest } of ranges) {
            const asked: Range = {
              ...rest,
              ...(from && { from }),
              ...(after && { after }),
              ...(to && { to }),
              ...(before && { before }),
              ...(limit !== undefined && { limit }),
            };
            const documents = [...model.values()];
            const collection = store.version(notes, 1);
            const byKey = expected(
              documents.map((document) => [document.id, document]),
              asked,
            );
            const byTag = expected(documents.flatMap((document) => document.tags ? [[[...document.tags, ...document.id], document]] : []), asked); // prettier-ignore
            expect(ids(await collection.find(asked))).toEqual(ids(byKey));
            expect(ids(await collection.find(asked, 'by_tag'))).toEqual(ids(byTag));
            expect(await collection.count(asked)).toBe(byKey.length);
            expect(await collection.count(asked, 'by_tag')).toBe(byTag.length);
          }
        }),
        { numRuns: 100 },
      );
    });
  });
}

/** A range's meaning, in plain words. */
function expected(entries: readonly (readonly [Key, Note])[], range: Range): Note[] {
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

async function dump(store: ReadStore, version: number): Promise<string[]> {
  const lines = [];
  for await (const { key, bytes } of store.dump(notes, version))
    lines.push(`${JSON.stringify(key)} ${Buffer.from(bytes).toString()}`);
  return lines;
}

/** Another handle sees what was written by the next turn of the event loop. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => { setTimeout(resolve, 2); }); // prettier-ignore
}
