import {
  closeSync,
  cpSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { READ_MODELS_CONTENT } from '../../src/read-models/lmdb.js';
import { ROOM_STATE_CONTENT } from '../../src/room-state/lmdb.js';
import { damageOf } from '../../src/runtime/lmdb-check.js';
import { LEAF, metaOf } from '../../src/runtime/lmdb-pages.js';
import { damageRecord } from '../support/damage.js';
import { matrixPath } from '../support/matrix-client.js';
import { temporaryFolder } from '../support/folder.js';
import { runProgram } from '../support/program.js';
import { seededRandom } from '../support/seeded-random.js';
import { until } from '../support/until.js';
import { liveIn, type LivedIn } from './lived-in.js';

// Servers in processes of their own, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const DERIVED = [
  [
    'read-models',
    'read-models/data.mdb',
    'Read models are damaged: they are built again from the log.',
    READ_MODELS_CONTENT,
  ],
  [
    'room-state',
    'room-state/data.mdb',
    'The room index is damaged: it is made again from the log.',
    ROOM_STATE_CONTENT,
  ],
] as const;

/** LMDB may follow a damaged page in circles: a client gives up, and an operator ends the process (milliseconds). */
const LONGEST_ANSWER = 15_000;

const ONE_BYTE = 'one wrong byte in a page';

/** What a bad disk does to a file; `pages` are those with data, and `size` is of a page. */
const DAMAGES: readonly [string, (file: string, page: number, size: number) => void][] = [
  ['a page of nonsense', (file, page, size) => { overwrite(file, page * size, nonsense(size)); }],
  ['a page of zeros', (file, page, size) => { overwrite(file, page * size, Buffer.alloc(size)); }],
  [ONE_BYTE, (file, page, size) => { overwrite(file, page * size + size - 20, Buffer.from('?')); }],
  ['its head gone', (file) => { overwrite(file, 0, Buffer.alloc(16_384)); }],
  ['a torn tail', (file) => { truncateSync(file, Math.floor(statSync(file).size / 2)); }],
  ['nothing but a torn head', (file) => { truncateSync(file, 100); }],
]; // prettier-ignore

const folder = temporaryFolder();
const kept = `${folder.path}-kept`;
let lived: LivedIn;
let before: Awaited<ReturnType<LivedIn['seen']>>;

beforeAll(async () => {
  lived = await liveIn(folder.path);
  before = await lived.seen();
  await lived.server.stop();
  cpSync(folder.path, kept, { recursive: true });
});
afterEach(async () => {
  await lived.server.kill().catch(() => undefined);
});
afterAll(async () => {
  await lived.end();
  folder.remove();
  rmSync(kept, { recursive: true });
});

/** The folder as it was left, whatever a test has done to it. */
function restore(): void {
  rmSync(folder.path, { recursive: true });
  cpSync(kept, folder.path, { recursive: true });
}

describe.each(DERIVED)('%s', (_, path, told, content) => {
  test.each(DAMAGES)('with %s are made again, and say the same', async (_name, damage) => {
    restore();
    const file = join(folder.path, path);
    const { page, size } = aPageInUse(file);
    damage(file, page, size);
    await lived.server.start();
    await until(() => lived.server.wrote().includes(told));
    expect(await lived.seen()).toEqual(before);
    expect((await lived.send('after it')).status).toBe(200);
    await lived.server.stop();
    await expectSound();
  });

  test('that are damaged while they serve answer 503 at worst, and are made again at the next start', async () => {
    const file = join(folder.path, path);
    do {
      restore();
      await lived.server.start();
      damageInUse(file);
      const answers = await Promise.all(lived.clients.map(syncOrGiveUp));
      for (const answer of answers) expect([200, 401, 503, undefined]).toContain(answer?.status);
      await lived.server.kill().catch(() => undefined);
      // Where the server wrote at that very moment, the pages were in use no more.
    } while (damageOf(file, true, content) === undefined);
    await lived.server.start();
    await until(() => lived.server.wrote().includes(told));
    expect(await lived.seen()).toEqual(before);
    await lived.server.stop();
  });
});

function damageInUse(file: string): void {
  const { pages, size } = pagesInUse(file);
  for (const page of pages) overwrite(file, page * size + 200, nonsense(size - 200));
}

function syncOrGiveUp(client: LivedIn['clients'][number]): Promise<{ readonly status: number } | undefined> {
  const answer = client.request('GET', 'v3/sync', { query: { timeout: 0 } }).catch(() => undefined);
  return Promise.race([answer, setTimeout(LONGEST_ANSWER, undefined)]);
}

describe('the log', () => {
  // One wrong byte may be within a record, which has a checksum of its own.
  test.each(DAMAGES.filter(([name]) => name !== ONE_BYTE))(
    'with %s is told, and not touched',
    async (_name, damage) => {
      restore();
      const file = join(folder.path, 'log', 'log.mdb');
      const { page, size } = aPageInUse(file);
      damage(file, page, size);
      const bytes = readFileSync(file);
      for (let start = 0; start < 2; start++) {
        await expect(lived.server.start()).rejects.toThrow(
          /Engram cannot start: .*log\.mdb is (damaged|cut off|not a database).* Restore the log from a backup\./,
        );
        await lived.server.kill().catch(() => undefined);
      }
      expect(readFileSync(file).equals(bytes)).toBe(true);
      for (const args of [['verify'], ['token', 'create']]) {
        const { ended, written } = runProgram(args, lived.server.environment);
        expect([await ended, written.stderr]).toEqual([
          1,
          expect.stringMatching(/log\.mdb is (damaged|cut off|not)/),
        ]);
      }
    },
  );

  test.each([
    ['m.room.message', 'goes on without it, says so, and verify names it'],
    ['m.room.member', 'loses at most the room whose state it changed: it starts, and the others go on'],
  ])('with a damaged record of a %s %s', async (type) => {
    restore();
    const [broken, other] = lived.rooms;
    await damageRecord(folder.path, await positionOf(type, broken ?? ''));
    for (const derived of ['read-models', 'room-state'])
      rmSync(join(folder.path, derived), { recursive: true });
    await lived.server.start();
    const [alice] = lived.clients;
    const body = { msgtype: 'm.text', body: 'goes on' };
    const send = async (room = '') =>
      (
        await alice.request('PUT', matrixPath`v3/rooms/${room}/send/m.room.message/${`after ${room}`}`, {
          body,
        })
      ).status;
    await until(async () => (await alice.request('GET', 'v3/joined_rooms')).status === 200);
    expect(await send(other)).toBe(200);
    const page = await alice.request('GET', matrixPath`v3/rooms/${other ?? ''}/messages`, {
      query: { dir: 'b' },
    });
    expect(JSON.stringify(page.body)).toContain('goes on');
    const sent = await send(broken);
    if (type === 'm.room.message') expect(sent).toBe(200);
    const metrics = async () => (await fetch(`${lived.server.url}/metrics`)).text();
    await until(async () => /^engram_log_damaged_records_total [1-9]/m.test(await metrics()));
    await lived.server.stop();
    const { ended, written } = runProgram(['verify'], lived.server.environment);
    expect(await ended).toBe(1);
    expect(written.stdout).toMatch(/^position \d+ .*checksum/m);
  });
});

/** Of the room's last event of a type. */
async function positionOf(type: string, room: string): Promise<number> {
  const { ended, written } = runProgram(
    ['log', 'cat', '--room', room, '--reverse', '--limit', '60'],
    lived.server.environment,
  );
  expect(await ended, written.stderr).toBe(0);
  const line = written.stdout.split('\n').find((one) => one.includes(`"type":"${type}"`)) ?? '';
  return Number(/^\{"position":(\d+)/.exec(line)?.[1]);
}

describe('the keys', () => {
  test.each([
    ['seal.key', 40, /key file .*seal\.key is damaged; restore it from a backup|is not a key file/],
    ['seal.key', 0, /seal\.key is not a key file/],
    ['signing.key', 20, /signing\.key is damaged/],
    ['signing.key', 0, /signing\.key is damaged/],
  ])('%s cut off to %i bytes is told, and not replaced', async (name, length, words) => {
    restore();
    const file = join(folder.path, 'keys', name);
    truncateSync(file, length);
    await expect(lived.server.start()).rejects.toThrow(words);
    await lived.server.kill().catch(() => undefined);
    expect(statSync(file).size).toBe(length);
  });

  test('one that a server was killed while writing is made, or was there', async () => {
    restore();
    writeFileSync(join(folder.path, 'keys', 'seal.key.new'), 'torn');
    await lived.server.start();
    expect(await lived.seen()).toEqual(before);
    await lived.server.stop();
  });
});

async function expectSound(): Promise<void> {
  for (const args of [['rebuild', '--check'], ['verify']]) {
    const { ended, written } = runProgram(args, lived.server.environment);
    expect(await ended, `engram ${args.join(' ')}: ${written.stdout}\n${written.stderr}`).toBe(0);
  }
}

const random = seededRandom('damage');

function nonsense(length: number): Buffer {
  return Buffer.from(random.bytes(length));
}

function overwrite(file: string, at: number, bytes: Buffer): void {
  const handle = openSync(file, 'r+');
  writeSync(handle, bytes, 0, bytes.byteLength, at);
  closeSync(handle);
}

function aPageInUse(file: string): { page: number; size: number } {
  const { pages, size } = pagesInUse(file);
  return { page: pages[pages.length >> 1] ?? 2, size };
}

/** Leaves that were written by late transactions, so that they are in use as like as not; the main tree's root first. */
function pagesInUse(file: string): { pages: number[]; size: number } {
  const bytes = readFileSync(file);
  const { pageSize: size, lastPage, main } = metaOf(bytes.subarray(0, 131_072), undefined);
  const leaves: { page: number; transaction: number }[] = [];
  for (let page = 2; page <= lastPage; page++) {
    const at = page * size;
    if (bytes.readUInt32LE(at) !== page || bytes.readUInt16LE(at + 18) !== LEAF) continue;
    leaves.push({ page, transaction: bytes.readUInt32LE(at + 8) });
  }
  leaves.sort((a, b) => b.transaction - a.transaction);
  const pages = leaves.slice(0, 3).map(({ page }) => page);
  return { pages: main.root === undefined ? pages : [main.root, ...pages], size };
}
