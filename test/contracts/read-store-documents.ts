import { describe, expect, test } from 'vitest';
import { KeyError } from '../../src/read-models/errors.js';
import { compareKeys } from '../../src/read-models/keys.js';
import type { Key, Range } from '../../src/read-models/store.js';
import {
  PARTS,
  all,
  authors,
  checkpoint,
  ids,
  note,
  notes,
  put,
  remove,
  write,
  type Opened,
} from './read-store-notes.js';

/** Documents, their keys, ranges of them, and indexes. */
export function documentsContract(at: Opened): void {
  describe('documents', () => {
    test('are found by key, one or many in the order asked for', async () => {
      await write(
        at.store,
        put(note(['a', 1], { deep: [1, null, 'é😀', { x: true }] })),
        put(note(['b'], 'two')),
      );
      const collection = at.store.version(notes, 1);
      expect(await collection.get(['a', 1])).toEqual({
        id: ['a', 1],
        text: { deep: [1, null, 'é😀', { x: true }] },
      });
      expect(await collection.get(['a'])).toBeUndefined();
      expect((await collection.getMany([['b'], ['c'], ['a', 1], ['b']])).map((found) => found?.id)).toEqual([
        ['b'],
        undefined,
        ['a', 1],
        ['b'],
      ]);
      expect(await collection.getMany([])).toEqual([]);
    });

    test('are replaced and deleted, in one write too', async () => {
      await write(at.store, put(note(['a'], 1)), put(note(['b'], 1)));
      await write(at.store, put(note(['a'], 2)), remove(['b']), remove(['none']));
      expect(await all(at.store)).toEqual([note(['a'], 2)]);
    });

    test('of all sizes come back as they were', async () => {
      const texts = ['', 'x'.repeat(3000), '\u0000"\\\n', '😀'.repeat(100_000), 'y'.repeat(2_000_000)];
      await write(at.store, ...texts.map((text, i) => put(note([i], text))));
      expect((await all(at.store)).map((document) => document.text)).toEqual(texts);
    });

    test('may have fields with dangerous names', async () => {
      const text: unknown = JSON.parse(
        '{"__proto__":{"polluted":true},"constructor":{"prototype":1},"toString":2}',
      );
      await write(at.store, put(note(['a'], text)));
      const found = await at.store.version(notes, 1).get(['a']);
      expect(JSON.stringify(found?.text)).toBe(JSON.stringify(text));
      expect(Object.getPrototypeOf({})).toBe(Object.prototype);
      expect('polluted' in {}).toBe(false);
    });

    test('may nest deep, and have fields and numbers of any kind', async () => {
      const fields = { '': 1, $set: 2, 'a.b': 3, $: { '.': [4] }, '\0': 5, '\ud800': '\udfff', é: null };
      const numbers = [1e21, 1.5, -1e-7, 2 ** 53, Number.MIN_SAFE_INTEGER, 5e-324, 1.7976931348623157e308];
      let nested: unknown = 'core';
      for (let level = 0; level < 500; level++) nested = level % 2 === 0 ? [nested] : { nested };
      await write(at.store, put(note(['a'], { fields, numbers, nested })));
      const found = await at.store.version(notes, 1).get(['a']);
      expect(JSON.stringify(found?.text)).toBe(JSON.stringify({ fields, numbers, nested }));
    });

    test('stay apart by collection and by version', async () => {
      await write(at.store, put(note(['a'], 'old')));
      await at.store.write(
        [
          { ...put(note(['a'], 'new')), version: 2 },
          { collection: authors, projection: 'people', version: 1, key: ['a'], document: { name: 'a' } },
        ],
        [
          { next: { ...checkpoint(7), version: 2 }, expected: -1 },
          { next: { projection: 'people', version: 1, position: 7, epoch: 'e' }, expected: -1 },
        ],
      );
      expect(await all(at.store)).toEqual([note(['a'], 'old')]);
      expect(await at.store.version(notes, 2).find({ prefix: [] })).toEqual([note(['a'], 'new')]);
      expect(await at.store.version(authors, 1).find({ prefix: [] })).toEqual([{ name: 'a' }]);
      expect(await at.store.version(notes, 3).find({ prefix: [] })).toEqual([]);
      expect(await at.store.version(notes, 3).get(['a'])).toBeUndefined();
      expect(await at.store.version(notes, 3).count({ prefix: [] })).toBe(0);
    });

    test('are read as they were when asked for, while a write is under way', async () => {
      await write(at.store, put(note(['a'], 1)), put(note(['b'], 1)));
      const writing = write(at.store, put(note(['a'], 2)), put(note(['b'], 2)));
      const seen: string[] = [];
      for (let i = 0; i < 20; i++)
        seen.push(JSON.stringify((await all(at.store)).map((document) => document.text)));
      await writing;
      seen.push(JSON.stringify((await all(at.store)).map((document) => document.text)));
      expect(seen.every((texts) => texts === '[1,1]' || texts === '[2,2]')).toBe(true);
      expect(seen.at(-1)).toBe('[2,2]');
    });
  });

  describe('keys', () => {
    test('are ordered part by part, numbers before strings, strings by code point', async () => {
      const keys: Key[] = PARTS.flatMap((part) => [[part], [part, 'z'], [part, 0]]);
      const shuffled = [...keys].sort((a, b) => JSON.stringify(a).length - JSON.stringify(b).length);
      await write(at.store, ...shuffled.map((key) => put(note(key))));
      const sorted = [...keys].sort(compareKeys);
      expect(ids(await all(at.store))).toEqual(sorted);
      expect(ids(await at.store.version(notes, 1).find({ prefix: [], reverse: true }))).toEqual(
        sorted.reverse(),
      );
      for (const key of keys) expect((await at.store.version(notes, 1).get(key))?.id).toEqual(key);
      for (const part of PARTS) {
        const under = await at.store.version(notes, 1).find({ prefix: [part] });
        expect(ids(under)).toEqual([[part], [part, 0], [part, 'z']]);
      }
    });

    test('hold five parts of 255 bytes each, under an index too', async () => {
      const long = ['é'.repeat(127), 'x'.repeat(255), 'y'.repeat(255), 'z'.repeat(255), '😀'.repeat(63)];
      await write(at.store, put(note(long, 'text', [...long])));
      expect(ids(await at.store.version(notes, 1).find({ prefix: long }, 'by_tag'))).toEqual([long]);
    });

    test('that cannot be are refused before anything is written, and found nowhere', async () => {
      const long = ['x'.repeat(5000)];
      await expect(write(at.store, put(note(['a'])), put(note(long)))).rejects.toBeInstanceOf(KeyError);
      await expect(write(at.store, put(note(['a'], 1, long)))).rejects.toBeInstanceOf(KeyError);
      await expect(write(at.store, put(note([Number.NaN])))).rejects.toBeInstanceOf(KeyError);
      expect(await all(at.store)).toEqual([]);
      expect(await at.store.checkpoints()).toEqual([]);
      await write(at.store, put(note(['a'])), put(note(['y'])));
      const collection = at.store.version(notes, 1);
      expect(await collection.get(long)).toBeUndefined();
      expect(await collection.find({ prefix: long })).toEqual([]);
      expect(ids(await collection.find({ prefix: [], after: long }))).toEqual([['y']]);
      expect(ids(await collection.find({ prefix: [], to: long }))).toEqual([['a']]);
    });

    test('minus zero is zero', async () => {
      await write(at.store, put(note([-0], 1)));
      expect(await at.store.version(notes, 1).get([0])).toBeDefined();
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
        await write(at.store, ...grid.map((key) => put(note(key, 'text', key))));
        const collection = at.store.version(notes, 1);
        expect(ids(await collection.find(range))).toEqual(expected);
        expect(await collection.count(range)).toBe(expected.length);
        expect(ids(await collection.find(range, 'by_tag'))).toEqual(expected);
        expect(await collection.count(range, 'by_tag')).toBe(expected.length);
      }); // prettier-ignore
  });

  describe('indexes', () => {
    const tagged = async (tag: Key) => ids(await at.store.version(notes, 1).find({ prefix: tag }, 'by_tag'));

    test('follow what is put, changed and deleted', async () => {
      await write(at.store, put(note(['1'], 0, ['red'])), put(note(['2'], 0, ['red'])), put(note(['3'])));
      expect(await tagged(['red'])).toEqual([['1'], ['2']]);
      await write(
        at.store,
        put(note(['1'], 1, ['blue'])),
        put(note(['2'], 1, ['red'])),
        put(note(['3'], 1, ['red'])),
      );
      expect(await tagged(['red'])).toEqual([['2'], ['3']]);
      expect(await tagged(['blue'])).toEqual([['1']]);
      await write(at.store, remove(['1']), put(note(['2'], 2)));
      expect(await tagged(['red'])).toEqual([['3']]);
      expect(await tagged([])).toEqual([['3']]);
    });

    test('order equal values by the documents, and give them whole', async () => {
      await write(at.store, ...[3, 1, 2].map((n) => put(note([n], `text ${n}`, ['same']))));
      const found = await at.store.version(notes, 1).find({ prefix: ['same'], after: [1] }, 'by_tag');
      expect(found.map((document) => document.text)).toEqual(['text 2', 'text 3']);
    });

    test('keep documents apart whose values and keys are the same in a row', async () => {
      await write(
        at.store,
        put(note([1, 1], 0, [''])),
        put(note([1], 0, ['', 1])),
        put(note(['', 1, 1], 0, [])),
      );
      expect(await tagged(['', 1, 1])).toEqual([['', 1, 1], [1, 1], [1]]); // prettier-ignore
      await write(at.store, remove([1, 1]));
      expect(await tagged([''])).toEqual([['', 1, 1], [1]]);
    });

    test('that are not there are an error', async () => {
      await write(at.store, put(note(['1'])));
      await expect(at.store.version(notes, 1).find({ prefix: [] }, 'none')).rejects.toBeInstanceOf(KeyError);
    });
  });
}
