import { setImmediate } from 'node:timers/promises';
import { inspect } from 'node:util';
import fc from 'fast-check';
import type { Collection, Db } from 'mongodb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  CheckpointConflictError,
  DocumentSizeError,
  ReadModelNotReadyError,
  ReadStoreFormatError,
  ReadStoreUnavailableError,
} from '../../src/read-models/errors.js';
import { MongoCommands } from '../../src/read-models/mongodb-commands.js';
import { MongoLink } from '../../src/read-models/mongodb-link.js';
import { openMongoReadStore, type MongoReadStoreOptions } from '../../src/read-models/mongodb.js';
import type { ReadStore } from '../../src/read-models/store.js';
import { systemClock } from '../../src/runtime/clock.js';
import {
  all,
  authors,
  checkpoint,
  dump,
  ids,
  note,
  notes,
  put,
  remove,
  write,
} from '../contracts/read-store-notes.js';
import { ManualClock } from '../support/manual-clock.js';
import { MONGODB_URL, NO_MONGODB, testDatabase, type TestDatabase } from '../support/mongodb.js';
import { steppingStore, type OnStep } from '../support/stepping-commands.js';
import { until } from '../support/until.js';

describe.skipIf(MONGODB_URL === '')(`the MongoDB read store${NO_MONGODB}`, () => {
  let database: TestDatabase;
  let stores: ReadStore[];

  beforeEach(async () => {
    database = await testDatabase();
    stores = [];
  });

  afterEach(async () => {
    for (const store of stores) await store.close();
    await database.remove();
  });

  function keep(store: ReadStore): ReadStore {
    stores.push(store);
    return store;
  }

  async function open(options: Partial<MongoReadStoreOptions> = {}): Promise<ReadStore> {
    return keep(await openMongoReadStore({ url: database.url, ...options }));
  }

  async function collectionNames(): Promise<string[]> {
    const found = await database.db.listCollections({}, { nameOnly: true }).toArray();
    return found.map(({ name }) => name).sort();
  }

  describe('a database', () => {
    test('is not touched before it is used', async () => {
      await open();
      expect(await collectionNames()).toEqual([]);
    });

    test('of others is refused, whatever is asked, and left as it is', async () => {
      await database.db.collection('theirs').insertOne({ some: 'thing' });
      const store = await open();
      const uses = [
        () => store.checkpoint('notebook', 1),
        () => store.checkpoints(),
        () => store.serving(),
        () => store.serve('notebook', 1),
        () => store.drop('notebook', 1),
        () => store.collection(notes).get(['a']),
        () => store.version(notes, 1).find({ prefix: [] }),
        () => store.write([put(note(['a']))], [{ next: checkpoint(1), expected: -1 }]),
        () => store.lease('projections'),
        () => store.changeLease({ name: 'projections', holder: 'a', beat: 1 }, undefined),
        () => dump(store, 1),
      ];
      for (const use of uses) await expect(use()).rejects.toBeInstanceOf(ReadStoreFormatError);
      await expect(store.checkpoints()).rejects.toThrow(/theirs.*of its own/);
      expect(await collectionNames()).toEqual(['theirs']);
    });

    test.each([
      ['older', { magic: 'engram read models', format: 0 }, /format 0.*rebuilt from the log/],
      ['newer', { magic: 'engram read models', format: 99 }, /format 99/],
      ['nameless', { some: 'thing' }, /no read models of this program/],
    ])('of a %s format is refused', async (_, found, message) => {
      await database.db.collection<{ _id: string }>('engram').insertOne({ _id: 'state', ...found });
      const store = await open();
      await expect(store.checkpoints()).rejects.toBeInstanceOf(ReadStoreFormatError);
      await expect(store.checkpoint('notebook', 1)).rejects.toThrow(message);
    });

    test('is begun by one of those who find it empty', async () => {
      const opened = await Promise.all(Array.from({ length: 5 }, () => open()));
      await Promise.all(opened.map((store) => store.checkpoints()));
      await write(opened[0] ?? (await open()), put(note(['a'])));
      for (const store of opened) expect(await store.checkpoints()).toEqual([checkpoint(0)]);
      expect(await database.db.collection('engram').countDocuments()).toBe(1);
    });

    test('that was emptied under a process is begun again, and nothing serves', async () => {
      const store = await open();
      await write(store, put(note(['a'])));
      await store.serve('notebook', 1);
      await database.db.dropDatabase();
      await expect(store.collection(notes).get(['a'])).rejects.toBeInstanceOf(ReadModelNotReadyError);
      const stale = store.write([put(note(['b']))], [{ next: checkpoint(1), expected: 0 }]);
      await expect(stale).rejects.toBeInstanceOf(CheckpointConflictError);
      expect(await store.checkpoints()).toEqual([]);
      await write(store, put(note(['c'], 1, ['red'])));
      expect(ids(await store.version(notes, 1).find({ prefix: ['red'] }, 'by_tag'))).toEqual([['c']]);
    });
  });

  describe('collections', () => {
    test('have the indexes of the catalogue, and one by which MongoDB removes what was deleted', async () => {
      const store = await open();
      await write(store, put(note(['a'])));
      await write(await open(), put(note(['b'])));
      expect(await collectionNames()).toEqual(['engram', 'engram.journal', 'notes@1.1']);
      const indexes = await database.db.collection('notes@1.1').indexes();
      expect(
        indexes.map(({ key, sparse, expireAfterSeconds }) => ({ key, sparse, expireAfterSeconds })),
      ).toEqual([
        { key: { _id: 1 } },
        { key: { 'by.by_tag': 1 }, sparse: true },
        { key: { deleted: 1 }, sparse: true, expireAfterSeconds: 86_400 },
      ]);
    });

    test('hold documents that a person can read', async () => {
      const store = await open();
      await store.write(
        [
          {
            collection: authors,
            projection: 'people',
            version: 1,
            key: ['ann'],
            document: { name: 'ann', $x: 1 },
          },
        ],
        [{ next: { projection: 'people', version: 1, position: 7, epoch: 'e' }, expected: -1 }],
      );
      expect(await database.db.collection('authors@1.1').find().toArray()).toEqual([
        { _id: ' ann\0', position: 7, json: '{"name":"ann","$x":1}', key: { name: 'ann' }, by: {} },
      ]);
    });

    test('keep the position of what was deleted, and a date', async () => {
      const store = await open();
      await write(store, put(note(['a'], 1, ['red'])));
      await write(store, remove(['a']), remove(['never']));
      const rows = await database.db.collection('notes@1.1').find().toArray();
      expect(rows).toEqual([
        { _id: expect.any(String) as string, position: 1, deleted: expect.any(Date) as Date },
        { _id: expect.any(String) as string, position: 1, deleted: expect.any(Date) as Date },
      ]);
      expect(await store.version(notes, 1).count({ prefix: [] })).toBe(0);
      await write(store, put(note(['a'], 2)));
      expect(await all(store)).toEqual([note(['a'], 2)]);
    });

    test('are not written with other indexes than they have', async () => {
      const store = await open();
      await write(store, put(note(['a'])));
      const changed = { ...notes, indexes: { ...notes.indexes, by_text: () => ['x'] } };
      await expect(store.version(changed, 1).get(['a'])).rejects.toBeInstanceOf(ReadStoreFormatError);
      const writing = store.write(
        [{ ...put(note(['b'])), collection: changed }],
        [{ next: checkpoint(1), expected: 0 }],
      );
      await expect(writing).rejects.toBeInstanceOf(ReadStoreFormatError);
      expect(await store.version(changed, 2).get(['a'])).toBeUndefined();
    });

    test('of a dropped version are removed a minute later, by whoever is there', async () => {
      const clock = new ManualClock();
      const store = await open({ clock });
      await write(store, put(note(['a'])));
      await store.drop('notebook', 1);
      await write(store, put(note(['b'])));
      clock.advance(59_999);
      expect(await collectionNames()).toContain('notes@1.1');
      clock.advance(1);
      await until(async () => !(await collectionNames()).includes('notes@1.1'));
      expect(await all(store)).toEqual([note(['b'])]);

      await store.drop('notebook', 1);
      await store.close();
      const next = new ManualClock();
      await open({ clock: next });
      next.advance(60_000);
      await until(async () => !(await collectionNames()).includes('notes@1.2'));
      expect(await collectionNames()).toEqual(['engram', 'engram.journal']);
    });
  });

  describe('a write', () => {
    test('may be larger than a document of MongoDB', async () => {
      const store = await open();
      const texts = Array.from({ length: 12 }, (_, i) => String(i).repeat(3_000_000 / String(i).length));
      await write(store, ...texts.map((text, i) => put(note([i], text))));
      expect((await all(store)).map(({ text }) => text)).toEqual(texts);
      await until(async () => (await database.db.collection('engram.journal').countDocuments()) === 0);
    });

    test('of a document that is too large is refused before anything is written', async () => {
      const store = await open();
      const large = put(note(['b'], 'x'.repeat(16 * 1024 * 1024)));
      await expect(write(store, put(note(['a'])), large)).rejects.toBeInstanceOf(DocumentSizeError);
      expect(await all(store)).toEqual([]);
      expect(await store.checkpoints()).toEqual([]);
    });

    test('of a document that is just not too large is written, found by its index, and dumped', async () => {
      const store = await open();
      const text = 'x'.repeat(15 * 1024 * 1024 - 4000);
      await write(store, put(note(['a'.repeat(900)], text, ['t'.repeat(900)])));
      const [found] = await store.version(notes, 1).find({ prefix: ['t'.repeat(900)] }, 'by_tag');
      expect(found?.text === text).toBe(true);
    });

    test('of thousands of documents is whole, and dumped in order', async () => {
      const store = await open();
      const count = 2500;
      await write(store, ...Array.from({ length: count }, (_, i) => put(note([i], i, [`tag ${i % 3}`]))));
      await write(store, ...Array.from({ length: count / 2 }, (_, i) => remove([i * 2])));
      const odd = Array.from({ length: count / 2 }, (_, i) => [i * 2 + 1]);
      expect(ids(await all(store))).toEqual(odd);
      expect(await store.version(notes, 1).count({ prefix: ['tag 1'] }, 'by_tag')).toBe(417);
      const keys: unknown[] = [];
      for await (const { key } of store.dump(notes, 1)) keys.push(key);
      expect(keys).toEqual(odd);
      expect((await store.version(notes, 1).getMany([...odd, [0]])).filter(Boolean)).toHaveLength(count / 2);
    });

    test('whose journal is lost takes its versions with it, and no others', async () => {
      const store = await open();
      await write(store, put(note(['a'])));
      await store.write(
        [{ collection: authors, projection: 'people', version: 1, key: ['ann'], document: { name: 'ann' } }],
        [{ next: { projection: 'people', version: 1, position: 7, epoch: 'e' }, expected: -1 }],
      );
      const dying = keep(
        steppingStore(database.url, (command, step) =>
          step < 2 ? command() : Promise.reject(new ReadStoreUnavailableError('killed')),
        ),
      );
      await expect(write(dying, put(note(['b'])))).rejects.toBeInstanceOf(ReadStoreUnavailableError);
      await database.db.collection('engram.journal').deleteMany({});
      const next = await open();
      expect(await next.checkpoint('notebook', 1)).toBeUndefined();
      expect(await all(next)).toEqual([]);
      expect((await next.checkpoints()).map(({ projection }) => projection)).toEqual(['people']);
      await write(next, put(note(['c'])));
      expect(await all(next)).toEqual([note(['c'])]);
    });
  });

  test('a write is seen by queries as it comes, and by its projection when it is whole', async () => {
    let goOn: (() => void) | undefined;
    let stop: (() => void) | undefined;
    const going = new Promise<void>((resolve) => (goOn = resolve));
    const stopped = new Promise<void>((resolve) => (stop = resolve));
    const plain = await open();
    await write(plain, put(note(['a'], 1)), put(note(['b'], 1)));
    await plain.serve('notebook', 1);
    const store = keep(
      steppingStore(database.url, async (command, step) => {
        // Journal, commit, indexes, and one of the documents are done.
        if (step === 4) {
          stop?.();
          await going;
        }
        return command();
      }),
    );
    const writes = [put(note(['a'], 2)), put(note(['b'], 2))];
    const writing = store.write(writes, [{ next: checkpoint(1), expected: 0 }]);
    await stopped;
    const seen = all(store);
    const asked = store.collection(notes).find({ prefix: [] });
    expect((await asked).map(({ text }) => text)).toEqual([2, 1]);
    expect(await plain.checkpoints()).toEqual([checkpoint(0)]);
    let isSeen = false;
    void seen.then(() => (isSeen = true));
    await store.collection(notes).get(['a']);
    expect(isSeen).toBe(false);
    goOn?.();
    await writing;
    expect((await seen).map(({ text }) => text)).toEqual([2, 2]);
  });

  test('a document that a slower writer puts in between gives way', async () => {
    const physical = 'notes@1.1';
    const row = (position: number) => ({ json: `{"at":${position}}`, key: ['a'], by: {} });
    const slower = { _id: 'a', position: 1, ...row(1) };
    // The server finds nothing that matches, and then, about to insert, that there is one.
    const meddling = (collection: Collection<typeof slower>): Collection<typeof slower> =>
      new Proxy(collection, {
        get(target, name) {
          if (name !== 'bulkWrite' || isPut) return Reflect.get(target, name, target) as unknown;
          isPut = true;
          return async (...[operations, options]: Parameters<typeof target.bulkWrite>) => {
            await target.insertOne(slower);
            const unmatched = operations.map((operation) => {
              if (!('replaceOne' in operation)) throw new Error('It does something else.');
              const { replaceOne } = operation;
              return {
                replaceOne: { ...replaceOne, filter: { ...replaceOne.filter, position: { $lt: 0 } } },
              };
            });
            return target.bulkWrite(unmatched, options);
          };
        },
      });
    let isPut = false;
    class MeddlingLink extends MongoLink {
      override run<T>(action: (db: Db) => Promise<T>): Promise<T> {
        return super.run((db) => {
          const collection = (name: string) => meddling(db.collection(name));
          return action(new Proxy(db, { get: (target, name) => name === 'collection' ? collection : Reflect.get(target, name, target) as unknown })); // prettier-ignore
        });
      }
    }
    const commands = new MongoCommands(new MeddlingLink(database.url, systemClock));
    await commands.change(physical, [{ id: 'a', row: row(2) }], 2);
    expect(isPut).toBe(true);
    expect(await commands.row(physical, 'a')).toMatchObject({ json: '{"at":2}' });
    // And one that is newer stays.
    await commands.change(physical, [{ id: 'a', row: row(1) }], 1);
    expect(await commands.row(physical, 'a')).toMatchObject({ json: '{"at":2}' });
    await commands.close();
  });

  describe('a process whose commands fail for a moment', () => {
    const away = () => Promise.reject(new ReadStoreUnavailableError('away'));

    /** Step n is not done, or done and its answer lost. */
    const failing =
      (n: number, isDone: boolean): OnStep =>
      async (command, step) => {
        if (step !== n) return command();
        if (isDone) await command();
        return away();
      };

    test.each([
      ['are not done', false],
      ['lose their answers', true],
    ])('goes on where it is, whichever of them %s', { timeout: 120_000 }, async (_, isDone) => {
      const plain = await open();
      let failed = true;
      for (let step = 0; failed; step++) {
        await plain.drop('notebook', 1);
        await write(plain, put(note(['a'], 1, ['red'])), put(note(['b'], 1, ['red'])));
        const store = keep(steppingStore(database.url, failing(step, isDone)));
        const writes = [put(note(['a'], 2, ['blue'])), remove(['b']), put(note(['c'], 2, ['red']))];
        failed = await store.write(writes, [{ next: checkpoint(1), expected: 0 }]).then(
          () => false,
          () => true,
        );
        // As projections read it: all of it, or nothing.
        const seen = ids(await all(store));
        const position = (await store.checkpoint('notebook', 1))?.position;
        expect(seen).toEqual(position === 0 ? [['a'], ['b']] : [['a'], ['c']]);
        if (position === 0) await store.write(writes, [{ next: checkpoint(1), expected: 0 }]);
        expect(await all(store)).toEqual([note(['a'], 2, ['blue']), note(['c'], 2, ['red'])]);
        await store.write([remove(['c'])], [{ next: checkpoint(2), expected: 1 }]);
        expect(ids(await all(plain))).toEqual([['a']]);
      }
    });

    test('knows what became of a command that comes late', async () => {
      const late: (() => Promise<unknown>)[] = [];
      const store = keep(
        steppingStore(database.url, async (command, step) => {
          // The commit of the second write is held up on its way.
          if (step !== 7) return command();
          late.push(command);
          return away();
        }),
      );
      await write(store, put(note(['a'], 1)));
      const writing = store.write([put(note(['a'], 2))], [{ next: checkpoint(1), expected: 0 }]);
      await expect(writing).rejects.toBeInstanceOf(ReadStoreUnavailableError);
      expect(late).toHaveLength(1);
      expect(await store.checkpoint('notebook', 1)).toEqual(checkpoint(0));
      expect(await late[0]?.()).toBe(false);
      expect(await store.checkpoint('notebook', 1)).toEqual(checkpoint(0));
      await store.write([put(note(['a'], 3))], [{ next: checkpoint(1), expected: 0 }]);
      expect(await all(store)).toEqual([note(['a'], 3)]);
    });

    test('gives a write up that has taken too long, and does it again', async () => {
      const clock = new ManualClock();
      const store = keep(
        steppingStore(
          database.url,
          async (command, step) => {
            const result = await command();
            if (step === 0) clock.advance(601_000);
            return result;
          },
          clock,
        ),
      );
      const writing = store.write([put(note(['a'], 1))], [{ next: checkpoint(1), expected: -1 }]);
      await expect(writing).rejects.toThrow(/too long/);
      expect(await store.checkpoint('notebook', 1)).toBeUndefined();
      await store.write([put(note(['a'], 1))], [{ next: checkpoint(1), expected: -1 }]);
      expect(await all(store)).toEqual([note(['a'], 1)]);
    });
  });

  test(
    'whatever fails and whoever is slow, all documents are of the last checkpoint',
    { timeout: 180_000 },
    async () => {
      const documents = [0, 1, 2, 3, 4];
      /** What a write to a position makes of each document. */
      const made = (position: number) =>
        documents.map((i) =>
          (position + i) % 3 === 0 ? undefined : note([i], position, [`tag ${(position + i) % 2}`]),
        );
      const writesTo = (position: number) =>
        made(position).map((one, i) => (one === undefined ? remove([i]) : put(one)));
      const fate = fc.constantFrom('done', 'done', 'done', 'done', 'late', 'late', 'lost', 'unanswered');
      const writers = fc.array(fc.array(fate, { minLength: 20, maxLength: 60 }), {
        minLength: 2,
        maxLength: 3,
      });
      await fc.assert(
        fc.asyncProperty(writers, async (fates) => {
          const plain = await open();
          await plain.drop('notebook', 1);
          await Promise.all(
            fates.map(async (fatesOfOne) => {
              const steps = fatesOfOne.values();
              let isOver = false;
              const store = keep(
                steppingStore(database.url, async (command) => {
                  const { value = 'done', done } = steps.next();
                  isOver = done === true;
                  if (value === 'late') for (let turn = 0; turn < 20; turn++) await setImmediate();
                  if (value === 'lost') throw new ReadStoreUnavailableError('lost');
                  const result = await command();
                  if (value === 'unanswered') throw new ReadStoreUnavailableError('unanswered');
                  return result;
                }),
              );
              while (!isOver) {
                try {
                  const position = (await store.checkpoint('notebook', 1))?.position ?? -1;
                  await store.write(writesTo(position + 1), [
                    { next: checkpoint(position + 1), expected: position },
                  ]);
                } catch (error) {
                  const isExpected =
                    error instanceof ReadStoreUnavailableError || error instanceof CheckpointConflictError;
                  if (!isExpected) throw error;
                  await setImmediate();
                }
              }
              await store.close();
            }),
          );
          const position = (await plain.checkpoint('notebook', 1))?.position ?? -1;
          const expected = made(position).filter((one) => one !== undefined);
          expect(await all(plain)).toEqual(position === -1 ? [] : expected);
          const tagged = await plain.version(notes, 1).find({ prefix: ['tag 0'] }, 'by_tag');
          expect(tagged).toEqual(position === -1 ? [] : expected.filter(({ tags }) => tags?.[0] === 'tag 0'));
          await plain.close();
        }),
        { numRuns: 25 },
      );
    },
  );

  test('nothing that it says has the password in it', async () => {
    const url = 'mongodb://engram:s3cret-w0rd@127.0.0.1:9/db?serverSelectionTimeoutMS=50';
    const store = await open({ url });
    const error: unknown = await store.checkpoints().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ReadStoreUnavailableError);
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('s3cret');
    expect(inspect(store, { depth: 0 })).not.toContain('s3cret');
  });
});
