import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DocumentSizeError } from '../../src/read-models/errors.js';
import { changesOf, keyText, MAX_DOCUMENT_BYTES } from '../../src/read-models/mongodb-documents.js';
import { journalParts } from '../../src/read-models/mongodb-journal.js';
import { authors, checkpoint, note, notes, put, remove } from '../contracts/read-store-notes.js';

const to = (position: number) => [{ next: checkpoint(position) }];

describe('keys as text', () => {
  test('compare in UTF-8 as their bytes do', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), fc.uint8Array({ maxLength: 12 }), (a, b) => {
        const [x, y] = [Buffer.from(keyText(a)), Buffer.from(keyText(b))];
        expect(Math.sign(Buffer.compare(x, y))).toBe(Math.sign(Buffer.compare(a, b)));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('changes', () => {
  test('are of the collections that are written, with the position of their checkpoint', () => {
    const name = { name: 'ann' };
    const changes = changesOf(
      [
        put(note(['a'], 1, ['red'])),
        { collection: authors, projection: 'people', version: 3, key: ['ann'], document: name },
        remove(['b']),
      ],
      [...to(7), { next: { projection: 'people', version: 3, position: 9, epoch: 'e' } }],
    );
    expect(changes).toMatchObject([
      { projection: 'notebook', name: 'notes', version: 1, position: 7, indexes: ['by_tag'] },
      { projection: 'people', name: 'authors', version: 3, position: 9, indexes: [] },
    ]);
    expect(changes[0]?.changes.map(({ row }) => row?.json)).toEqual([
      '{"id":["a"],"tags":["red"],"text":1}',
      undefined,
    ]);
    expect(changes[1]?.changes[0]?.row?.key).toEqual({ name: 'ann' });
  });

  test('of the same document: the first counts', () => {
    const [changes] = changesOf([put(note(['a'], 1)), put(note(['a'], 2)), remove(['a'])], to(1));
    expect(changes?.changes.map(({ row }) => row?.json)).toEqual(['{"id":["a"],"text":1}']);
  });

  test('with names as they stand in the catalogue, where these are names of parts', () => {
    const [changes] = changesOf([put(note(['a'])), put(note(['a', 1]))], to(1));
    expect(changes?.changes.map(({ row }) => row?.key)).toEqual([{ id: 'a' }, ['a', 1]]);
  });

  test('of what MongoDB does not take are refused', () => {
    const large = put(note(['a'], 'x'.repeat(MAX_DOCUMENT_BYTES)));
    expect(() => changesOf([large], to(1))).toThrow(DocumentSizeError);
    // A character of JSON may be several bytes.
    expect(() => changesOf([put(note(['a'], '€'.repeat(MAX_DOCUMENT_BYTES / 2)))], to(1))).toThrow(
      DocumentSizeError,
    );
  });
});

describe('a journal', () => {
  test('has all of a write, in order, in parts of a limited size', () => {
    const text = fc.integer({ min: 0, max: 3000 }).map((length) => 'x'.repeat(length));
    const writes = fc.array(fc.tuple(fc.boolean(), fc.option(text)), { maxLength: 30 });
    fc.assert(
      fc.property(writes, (texts) => {
        const write = changesOf(
          texts.map(([second, content], i) => {
            const one = content === null ? remove([i]) : put(note([i], content));
            return { ...one, collection: second ? { ...notes, name: 'others' } : notes };
          }),
          to(1),
        );
        const parts = journalParts(write, 5000);
        const flat = (all: typeof write) =>
          all.flatMap(({ changes, ...of }) => changes.map((change) => ({ of, change })));
        expect(flat(parts.flat())).toEqual(flat(write));
        for (const part of parts) {
          expect(part.length).toBeGreaterThan(0);
          const changes = part.flatMap((each) => each.changes);
          if (changes.length > 1) expect(JSON.stringify(changes).length).toBeLessThan(5000);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('of nothing has no part', () => {
    expect(journalParts([])).toEqual([]);
  });
});
