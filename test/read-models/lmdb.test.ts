import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ReadStoreFormatError, ReadStoreUnavailableError } from '../../src/read-models/errors.js';
import { openLmdbReadStore } from '../../src/read-models/lmdb.js';
import type { ReadStore } from '../../src/read-models/store.js';
import { notes } from '../contracts/read-store-notes.js';
import { compiled } from '../support/compiled.js';
import { temporaryFolder } from '../support/folder.js';
import { until } from '../support/until.js';

const BINARY = { keyEncoding: 'binary', encoding: 'binary' } as const;

describe('the LMDB read store', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let path: string;
  let stores: ReadStore[];

  beforeEach(() => {
    folder = temporaryFolder();
    path = join(folder.path, 'read-models');
    stores = [];
  });

  afterEach(async () => {
    for (const store of stores) await store.close();
    folder.remove();
  });

  function openStore(readOnly = false): ReadStore {
    const store = openLmdbReadStore(path, { readOnly });
    stores.push(store);
    return store;
  }

  const next = { projection: 'notebook', version: 1, position: 1, epoch: 'e' };

  function put(store: ReadStore, count: number, text: string, position = 1, expected = -1): Promise<void> {
    const writes = Array.from({ length: count }, (_, i) => ({
      projection: 'notebook',
      version: 1,
      collection: notes,
      key: [i],
      document: { id: [i], tags: [`tag ${i % 3}`], text },
    }));
    return store.write(writes, [{ next: { ...next, position }, expected }]);
  }

  test('makes its folder for its owner alone', () => {
    openStore();
    expect(statSync(path).mode & 0o777).toBe(0o700);
  });

  test('refuses a file that is no database', () => {
    mkdirSync(path);
    writeFileSync(join(path, 'data.mdb'), 'something else entirely '.repeat(1000));
    expect(() => openStore()).toThrow(ReadStoreFormatError);
  });

  test('refuses a database of others, and leaves it as it is', async () => {
    mkdirSync(path);
    const foreign = open(join(path, 'data.mdb'), {});
    await foreign.put('theirs', 1);
    await foreign.close();
    expect(() => openStore()).toThrow(ReadStoreFormatError);
    const again = open(join(path, 'data.mdb'), {});
    expect([...again.getKeys()]).toEqual(['theirs']);
    await again.close();
  });

  test.each([
    ['older', { magic: 'engram read models', format: 0 }, /format 0.*rebuilt from the log/],
    ['newer', { magic: 'engram read models', format: 99 }, /format 99/],
    ['nameless', { some: 'thing' }, /no read models of this program/],
  ])('refuses a %s format', async (_, found, message) => {
    await openStore().close();
    const root = open<Buffer, Uint8Array>(join(path, 'data.mdb'), { keyEncoding: 'binary', encoding: 'binary' });
    await root.openDB('meta', { keyEncoding: 'binary', encoding: 'binary' }).put(Buffer.from('format'), Buffer.from(JSON.stringify(found)));
    await root.close();
    expect(() => openStore()).toThrow(ReadStoreFormatError);
    expect(() => openStore()).toThrow(message);
  }); // prettier-ignore

  test('refuses to write indexes that its documents of before do not have', async () => {
    const store = openStore();
    await put(store, 1, 'text');
    const changed = { ...notes, indexes: { ...notes.indexes, by_text: () => ['x'] } };
    await expect(store.version(changed, 1).get([0])).rejects.toBeInstanceOf(ReadStoreFormatError);
    expect(await store.version(changed, 2).get([0])).toBeUndefined();
  });

  test('grows as far as it has to', async () => {
    const store = openStore();
    for (let i = 1; i <= 4; i++) await put(store, 20_000, 'x'.repeat(500 * i), i, i === 1 ? -1 : i - 1);
    expect(await store.version(notes, 1).count({ prefix: [] })).toBe(20_000);
    expect(await store.version(notes, 1).count({ prefix: ['tag 1'] }, 'by_tag')).toBe(6667);
    expect((await store.version(notes, 1).get([19_999]))?.['text']).toBe('x'.repeat(2000));
  });

  test('goes on deleting a dropped version when it was closed in between', async () => {
    const store = openStore();
    await put(store, 5000, 'text');
    const dropping = store.drop('notebook', 1);
    await store.close();
    await dropping.catch(() => undefined);
    const again = openStore();
    expect(await again.version(notes, 1).count({ prefix: [] })).toBe(0);
    const root = open<Buffer, Uint8Array>(join(path, 'data.mdb'), BINARY);
    for (const name of ['documents', 'indexes']) {
      const database = root.openDB<Buffer, Uint8Array>(name, BINARY);
      await until(() => [...database.getKeys({ start: Buffer.alloc(4), limit: 1 })].length === 0);
    }
    await again.close();
    await root.close();
  });

  test('is dumped whole, however many documents there are, by readers that may stop', async () => {
    const store = openStore();
    await put(store, 1000, 'text');
    await put(store, 2001, 'text', 2, 1);
    const seen: unknown[] = [];
    for await (const { key } of store.dump(notes, 1)) seen.push(key[0]);
    expect(seen).toEqual(Array.from({ length: 2001 }, (_, i) => i));
    for await (const { key } of store.dump(notes, 1)) {
      expect(key).toEqual([0]);
      break;
    }
    await put(store, 1, 'newer', 3, 2);
  });

  test('is read by other processes while one writes', async () => {
    const store = openStore();
    await put(store, 2, 'first');
    await store.serve('notebook', 1);
    const program = compiled(['src/read-models', 'src/runtime']);
    const script = `
      import { openLmdbReadStore } from ${JSON.stringify(join(program.path, 'src/read-models/lmdb.js'))};
      const store = openLmdbReadStore(${JSON.stringify(path)}, { readOnly: true });
      const notes = { name: 'notes', projection: 'notebook', indexes: { by_tag: () => undefined } };
      const found = await store.collection(notes).find({ prefix: ['tag 1'] }, 'by_tag');
      let refused = '';
      await store.serve('notebook', 2).catch((error) => { refused = error.name; });
      console.log(JSON.stringify([found, await store.serving(), refused]));
      await store.close();
    `;
    const read = () =>
      JSON.parse(
        execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }),
      ) as unknown;
    const serving = [{ projection: 'notebook', version: 1 }];
    expect(read()).toEqual([
      [{ id: [1], tags: ['tag 1'], text: 'first' }],
      serving,
      'ReadStoreUnavailableError',
    ]);
    await put(store, 2, 'second', 2, 1);
    expect(read()).toEqual([
      [{ id: [1], tags: ['tag 1'], text: 'second' }],
      serving,
      'ReadStoreUnavailableError',
    ]);
    program.remove();
  });

  test('to read only what is not there is an error', () => {
    expect(() => openStore(true)).toThrow(/holds no read models/);
    expect(ReadStoreUnavailableError.name).toBe('ReadStoreUnavailableError');
  });
});
