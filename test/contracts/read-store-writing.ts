import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CheckpointConflictError,
  ReadModelNotReadyError,
  ReadStoreUnavailableError,
} from '../../src/read-models/errors.js';
import type { Range } from '../../src/read-models/store.js';
import {
  PARTS,
  all,
  authors,
  checkpoint,
  dump,
  expected,
  ids,
  nextTurn,
  note,
  notes,
  put,
  remove,
  write,
  type Note,
  type Opened,
} from './read-store-notes.js';

/** Checkpoints, serving, dumps, crashes, and all of it against a plain model. */
export function writingContract(at: Opened): void {
  describe('checkpoints', () => {
    test('are there with their documents', async () => {
      expect(await at.store.checkpoint('notebook', 1)).toBeUndefined();
      await write(at.store, put(note(['a'])));
      expect(await at.store.checkpoint('notebook', 1)).toEqual(checkpoint(0));
      await at.store.write([], [{ next: { ...checkpoint(5, 'f'), version: 2 }, expected: -1 }]);
      expect(await at.store.checkpoint('notebook', 2)).toEqual({ ...checkpoint(5, 'f'), version: 2 });
      const found = await at.store.checkpoints();
      expect(found.sort((a, b) => a.version - b.version)).toEqual([
        checkpoint(0),
        { ...checkpoint(5, 'f'), version: 2 },
      ]);
    });

    test('refuse a writer that is behind, and all that it writes', async () => {
      await at.store.write([put(note(['a'], 1))], [{ next: checkpoint(10), expected: -1 }]);
      const other = { next: { projection: 'people', version: 1, position: 1, epoch: 'e' }, expected: -1 };
      for (const expected of [-1, 9, 11]) {
        const writing = at.store.write(
          [put(note(['a'], 2)), put(note(['b'], 2))],
          [other, { next: checkpoint(12), expected }],
        );
        await expect(writing).rejects.toBeInstanceOf(CheckpointConflictError);
      }
      expect(await all(at.store)).toEqual([note(['a'], 1)]);
      expect(await at.store.checkpoints()).toEqual([checkpoint(10)]);
    });

    test('of two writers at once let one through', async () => {
      const second = await at.harness.another();
      const outcomes = await Promise.allSettled(
        [at.store, second].map((target, i) =>
          target.write([put(note(['a'], i))], [{ next: checkpoint(i + 1), expected: -1 }]),
        ),
      );
      const winner = outcomes.findIndex((outcome) => outcome.status === 'fulfilled');
      expect(
        outcomes
          .filter((outcome) => outcome.status === 'rejected')
          .map((outcome) => outcome.reason as unknown),
      ).toEqual([expect.any(CheckpointConflictError)]);
      expect(await all(at.store)).toEqual([note(['a'], winner)]);
    });

    test('guard each document: one that is as new stays', async () => {
      await at.store.write([put(note(['a'], 1))], [{ next: checkpoint(10), expected: -1 }]);
      await at.store.write(
        [put(note(['a'], 2)), put(note(['b'], 2))],
        [{ next: checkpoint(10), expected: 10 }],
      );
      await at.store.write([remove(['a'])], [{ next: checkpoint(10), expected: 10 }]);
      expect(await all(at.store)).toEqual([note(['a'], 1), note(['b'], 2)]);
      await at.store.write([put(note(['a'], 3))], [{ next: checkpoint(11), expected: 10 }]);
      expect(await all(at.store)).toEqual([note(['a'], 3), note(['b'], 2)]);
    });

    test('belong to every document written', async () => {
      await expect(at.store.write([put(note(['a']))], [])).rejects.toThrow(/checkpoint/);
      expect(await all(at.store)).toEqual([]);
    });
  });

  describe('serving', () => {
    test('reads wait for a version that serves', async () => {
      await write(at.store, put(note(['a'])));
      expect(await at.store.serving()).toEqual([]);
      const collection = at.store.collection(notes);
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
      await expect(at.store.collection(notes).get(['a'])).rejects.toBeInstanceOf(ReadModelNotReadyError);
      await at.store.serve('notebook', 1);
      expect(await collection.get(['a'])).toEqual(note(['a']));
    });

    test('switches for readers that are there, here and elsewhere', async () => {
      const elsewhere = await at.harness.another();
      await write(at.store, put(note(['a'], 'old')));
      await at.store.serve('notebook', 1);
      const collections = [at.store.collection(notes), elsewhere.collection(notes)];
      await nextTurn();
      for (const collection of collections) expect((await collection.get(['a']))?.text).toBe('old');
      await at.store.write(
        [{ ...put(note(['a'], 'new')), version: 2 }],
        [{ next: { ...checkpoint(1), version: 2 }, expected: -1 }],
      );
      await at.store.serve('notebook', 2);
      expect(await at.store.serving()).toEqual([{ projection: 'notebook', version: 2 }]);
      await at.store.drop('notebook', 1);
      await nextTurn();
      for (const collection of collections) expect((await collection.get(['a']))?.text).toBe('new');
      expect(await at.store.checkpoint('notebook', 1)).toBeUndefined();
      expect(await all(at.store)).toEqual([]);
    });

    test('ends when the version that serves is dropped, and leaves other projections alone', async () => {
      await write(at.store, put(note(['a'], 1, ['red'])));
      await at.store.write(
        [{ collection: authors, projection: 'people', version: 1, key: ['a'], document: { name: 'a' } }],
        [{ next: { projection: 'people', version: 1, position: 1, epoch: 'e' }, expected: -1 }],
      );
      await at.store.serve('notebook', 1);
      await at.store.serve('people', 1);
      await at.store.drop('notebook', 1);
      await expect(at.store.collection(notes).get(['a'])).rejects.toBeInstanceOf(ReadModelNotReadyError);
      expect(await at.store.collection(authors).get(['a'])).toEqual({ name: 'a' });
      expect((await at.store.checkpoints()).map((found) => found.projection)).toEqual(['people']);
      await write(at.store, put(note(['b'], 1, ['red'])));
      expect(ids(await at.store.version(notes, 1).find({ prefix: [] }, 'by_tag'))).toEqual([['b']]);
      expect(ids(await all(at.store))).toEqual([['b']]);
    });

    test('dropping what is not there does nothing', async () => {
      await at.store.drop('notebook', 9);
      expect(await at.store.checkpoints()).toEqual([]);
    });
  });

  describe('dump', () => {
    test('gives every document in order, as canonical JSON', async () => {
      const text = { b: 1, a: { '\uffff': 1, '😀': 2, é: [{ z: 1, y: 2 }] } };
      await write(at.store, put(note(['b', 1], 'two')), put(note(['a', 2], text)));
      const dumped = [];
      for await (const { key, bytes } of at.store.dump(notes, 1))
        dumped.push({ key, text: Buffer.from(bytes).toString() });
      expect(dumped).toEqual([
        {
          key: ['a', 2],
          text: '{"id":["a",2],"text":{"a":{"é":[{"y":2,"z":1}],"\uffff":1,"😀":2},"b":1}}',
        },
        { key: ['b', 1], text: '{"id":["b",1],"text":"two"}' },
      ]);
      for await (const found of at.store.dump(notes, 2)) expect(found).toBeUndefined();
    });

    test('does not depend on when and in which order documents were written', async () => {
      await write(at.store, put(note(['a'], 0)), put(note(['c'])));
      await write(at.store, put(note(['b'])), put({ text: 1, tags: ['x'], id: ['a'] }), remove(['c']));
      await at.store.write(
        [put({ id: ['a'], tags: ['x'], text: 1 }), put(note(['b']))].map((one) => ({ ...one, version: 2 })),
        [{ next: { ...checkpoint(99), version: 2 }, expected: -1 }],
      );
      expect(await dump(at.store, 1)).toEqual(await dump(at.store, 2));
    });
  });

  test('all of it is there after opening again', async () => {
    await write(at.store, put(note(['a'], 1, ['red'])), put(note(['b'], 1)));
    await at.store.serve('notebook', 1);
    const before = await dump(at.store, 1);
    const again = await at.harness.reopen();
    expect(await dump(again, 1)).toEqual(before);
    expect(await again.serving()).toEqual([{ projection: 'notebook', version: 1 }]);
    expect(await again.checkpoints()).toEqual([checkpoint(0)]);
    expect(ids(await again.collection(notes).find({ prefix: ['red'] }, 'by_tag'))).toEqual([['a']]);
    expect(await write(again, remove(['a']))).toBe(1);
  });

  test('a closed store says so', async () => {
    await write(at.store, put(note(['a'])));
    const collection = at.store.version(notes, 1);
    await at.store.close();
    await at.store.close();
    await expect(collection.get(['a'])).rejects.toBeInstanceOf(ReadStoreUnavailableError);
    await expect(write(at.store, put(note(['a'])))).rejects.toBeInstanceOf(ReadStoreUnavailableError);
    await expect(at.store.serve('notebook', 1)).rejects.toBeInstanceOf(ReadStoreUnavailableError);
    await expect(at.store.checkpoints()).rejects.toBeInstanceOf(ReadStoreUnavailableError);
  });

  test('agrees with a plain model on random writes and ranges', { timeout: 180_000 }, async () => {
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
        await at.store.drop('notebook', 1);
        const model = new Map<string, Note>();
        for (const batch of changes) {
          const writes = new Map<string, ReturnType<typeof put> | ReturnType<typeof remove>>();
          for (const { key: id, tags, deletes } of batch) {
            const name = JSON.stringify(id);
            writes.set(name, deletes ? remove(id) : put(note(id, tags?.length ?? null, tags)));
            if (deletes) model.delete(name);
            else model.set(name, note(id, tags?.length ?? null, tags));
          }
          await write(at.store, ...writes.values());
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
          const collection = at.store.version(notes, 1);
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
}
