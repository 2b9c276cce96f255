import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openLmdbReadStore, READ_MODELS_CONTENT } from '../../src/read-models/lmdb.js';
import { damageOf } from '../../src/runtime/lmdb-check.js';
import type { Key, ReadStore } from '../../src/read-models/store.js';
import { note, notes } from '../contracts/read-store-notes.js';
import { temporaryFolder } from '../support/folder.js';

/** What must not be found any more. With a character that JSON escapes, so that it is looked for in pieces, too. */
const SECRET = 'what I should not have said';

let folder: ReturnType<typeof temporaryFolder>;
let file: string;
let store: ReadStore;
let position: number;
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = temporaryFolder();
  file = join(folder.path, 'data.mdb');
  store = openLmdbReadStore(folder.path);
  position = -1;
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await store.close();
  folder.remove();
});

interface Write {
  readonly id: Key;
  /** `undefined` deletes. */
  readonly text: string | undefined;
  readonly tags?: Key;
}

async function write(writes: readonly Write[], to = store): Promise<void> {
  const owner = { projection: 'notebook', version: 1 };
  const expected = position++;
  await to.write(
    writes.map(({ id, text, tags }) => ({
      ...owner,
      collection: notes,
      key: id,
      document: text === undefined ? undefined : note(id, text, tags),
    })),
    [{ next: { ...owner, position, epoch: 'e' }, expected }],
  );
}

const found = (): number => readFileSync(file).toString('latin1').split(SECRET).length - 1;
const never = new AbortController().signal;
const scrub = () => store.scrubbing?.scrub(position, never);
/** Of the key's length some, so that pages are cut in many ways. */
const filler = (i: number) => 'y'.repeat((i * 7919) % 700);

async function fill(notes: number, secretEvery: number, size: (i: number) => number): Promise<Key[]> {
  const secrets: Key[] = [];
  for (let at = 0; at < notes; at += 100) {
    const writes: Write[] = [];
    for (let i = at; i < at + 100; i++) {
      // Rooms take turns, so that pages are split in their middle.
      const id = [`room ${i % 17}`, i];
      const isSecret = i % secretEvery === 0;
      if (isSecret) secrets.push(id);
      writes.push({
        id,
        text: isSecret ? `${SECRET} ${'x'.repeat(size(i))}` : filler(i),
        tags: [`tag ${i % 5}`],
      });
    }
    await write(writes);
  }
  return secrets;
}

async function forget(ids: readonly Key[]): Promise<void> {
  for (let at = 0; at < ids.length; at += 7) {
    const some = ids.slice(at, at + 7);
    await write(some.map((id, i) => ({ id, text: (at + i) % 3 === 0 ? undefined : 'gone' })));
  }
}

describe('scrubbing', () => {
  test.each([
    ['small ones', (i: number) => i % 90],
    ['large ones', (i: number) => 3000 + ((i * 31) % 30_000)],
    ['of both kinds', (i: number) => (i % 4 === 0 ? 12_000 : i % 500)],
  ])('leaves nothing of documents that were changed and deleted: %s', async (_, size) => {
    const ids = await fill(3000, 11, size);
    await forget(ids);
    expect(found()).toBeGreaterThan(0);
    expect(await store.scrubbing?.scrubbed()).toBe(-1);
    expect(await scrub()).toBe(true);
    expect(found()).toBe(0);
    expect(await store.scrubbing?.scrubbed()).toBe(position);
    const all = await store.version(notes, 1).find({ prefix: [] });
    expect(all).toHaveLength(3000 - Math.ceil(ids.length / 3));
  });

  test('keeps every document as it is', async () => {
    const ids = await fill(1000, 10, (i) => i * 3);
    await forget(ids.slice(0, 50));
    const dump = async () => {
      const lines: string[] = [];
      for await (const { key, bytes } of store.dump(notes, 1))
        lines.push(`${JSON.stringify(key)} ${Buffer.from(bytes).toString()}`);
      return lines;
    };
    const before = await dump();
    expect(await scrub()).toBe(true);
    expect(await dump()).toEqual(before);
    for (const tag of ['tag 0', 'tag 3']) {
      const tagged = await store.version(notes, 1).find({ prefix: [tag] }, 'by_tag');
      expect(tagged.length).toBeGreaterThan(100);
    }
    expect(found()).toBe(50);
  });

  test('of what changes in any order', async () => {
    const step = fc.tuple(
      fc.nat(300),
      fc.constantFrom('secret', 'clean', 'delete'),
      fc.nat(9000),
      fc.boolean(),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 50, maxLength: 400, size: 'max' }), async (steps) => {
        const texts = new Map<number, string>();
        const writes: Write[] = [];
        for (const [nth, what, size, flush] of steps) {
          const text =
            what === 'delete' ? undefined : `${what === 'secret' ? SECRET : ''}${'z'.repeat(size)}`;
          if (text === undefined) texts.delete(nth);
          else texts.set(nth, text);
          writes.push({ id: [nth], text });
          if (flush) await write(writes.splice(0).filter(isLast));
        }
        await write(writes.filter(isLast));
        await write(
          [...texts].filter(([, text]) => text.includes(SECRET)).map(([nth]) => ({ id: [nth], text: '' })),
        );
        expect(await scrub()).toBe(true);
        expect(found()).toBe(0);
      }),
      { numRuns: 15 },
    );
  });

  test('of what was written and changed at once', async () => {
    // Both go into one of LMDB's transactions, in which large values are overwritten in place.
    await Promise.all([
      write([{ id: [1], text: `${'x'.repeat(12_000)}${SECRET}` }]),
      write([{ id: [1], text: 'y'.repeat(10_000) }]),
    ]);
    expect(found()).toBeGreaterThan(0);
    expect(await scrub()).toBe(true);
    expect(found()).toBe(0);
  });

  test('does not stop others from writing, and what they write stays', async () => {
    const ids = await fill(3000, 7, (i) => i % 400);
    await forget(ids);
    const scrubbing = scrub();
    let written = 0;
    let isOver = false;
    const writing = (async () => {
      while (!isOver) {
        await write([{ id: ['new', ++written], text: `news ${filler(written)}`, tags: ['new'] }]);
        await setImmediate();
      }
    })();
    expect(await scrubbing).toBe(true);
    isOver = true;
    await writing;
    expect(found()).toBe(0);
    expect(await store.version(notes, 1).count({ prefix: ['new'] })).toBe(written);
    expect(written).toBeGreaterThan(5);
  });

  test('takes no more room each time', async () => {
    await forget(await fill(2000, 5, (i) => i % 1000));
    expect(await scrub()).toBe(true);
    const { size } = statSync(file);
    for (let i = 0; i < 3; i++) {
      await write([{ id: ['room 3', 3], text: `${SECRET} ${i}` }]);
      await write([{ id: ['room 3', 3], text: 'gone' }]);
      expect(await scrub()).toBe(true);
      expect(found()).toBe(0);
    }
    expect(statSync(file).size).toBeLessThan(size + 3_000_000);
  });

  test('that was ended goes on when it is called again', async () => {
    await forget(await fill(3000, 5, (i) => i % 1000));
    for (let turns = 1; turns < 60; turns += 9) {
      const ending = new AbortController();
      const scrubbing = store.scrubbing?.scrub(position, ending.signal);
      for (let i = 0; i < turns; i++) await setImmediate();
      ending.abort();
      if (await scrubbing) break;
      expect(await store.scrubbing?.scrubbed()).toBe(-1);
    }
    await store.close();
    store = openLmdbReadStore(folder.path);
    expect(await scrub()).toBe(true);
    expect(found()).toBe(0);
  });

  test('leaves a file that is believed at the next start', async () => {
    await forget(await fill(3000, 5, (i) => i % 1000));
    for (let turns = 1, isDone = false; !isDone; turns = Math.ceil(turns * 1.3)) {
      const ending = new AbortController();
      const scrubbing = store.scrubbing?.scrub(position, ending.signal);
      for (let i = 0; i < turns; i++) await setImmediate();
      ending.abort();
      isDone = (await scrubbing) === true;
      await store.close();
      expect(damageOf(file, true, READ_MODELS_CONTENT), `after ${turns} turns`).toBeUndefined();
      store = openLmdbReadStore(folder.path);
    }
  });

  test('is ended by closing', async () => {
    await forget(await fill(2000, 5, (i) => i % 1000));
    const scrubbing = scrub();
    await setImmediate();
    await store.close();
    expect(await scrubbing).toBe(false);
    store = openLmdbReadStore(folder.path);
    expect(await store.version(notes, 1).count({ prefix: [] })).toBeGreaterThan(1000);
  });

  test('is owed again once a version was dropped', async () => {
    await fill(500, 5, (i) => i);
    expect(await scrub()).toBe(true);
    expect(await store.scrubbing?.scrubbed()).toBe(position);
    await store.drop('notebook', 1);
    expect(await store.scrubbing?.scrubbed()).toBe(-1);
    expect(await scrub()).toBe(true);
    expect(found()).toBe(0);
  });

  test.each(['ends', 'is killed'])(
    'waits for a reader in another process that still sees what was there, until it %s',
    async (how) => {
      const ids = await fill(1000, 5, (i) => i);
      const script = join(folder.path, 'reader.mjs');
      const lmdb = import.meta.resolve('lmdb');
      writeFileSync(
        script,
        `import { open } from ${JSON.stringify(lmdb)};
       const root = open(${JSON.stringify(file)}, { readOnly: true, maxDbs: 4, keyEncoding: 'binary', encoding: 'binary' });
       const reading = root.useReadTransaction();
       root.getKeysCount({ transaction: reading });
       process.send('reading');
       process.on('message', () => { reading.done(); root.close().then(() => process.exit(0)); });`,
      );
      const child = fork(script);
      children.push(child);
      await once(child, 'message');
      await forget(ids);
      expect(await scrub()).toBe(false);
      expect(found()).toBeGreaterThan(0);
      expect(await store.scrubbing?.scrubbed()).toBe(-1);
      if (how === 'ends') child.send('end');
      else child.kill('SIGKILL');
      await once(child, 'exit');
      expect(await scrub()).toBe(true);
      expect(found()).toBe(0);
    },
  );
});

/** Of several writes to one document in a lot the last counts. */
function isLast({ id }: Write, nth: number, all: readonly Write[]): boolean {
  return all.findLastIndex((other) => other.id[0] === id[0]) === nth;
}
