import {
  closeSync,
  copyFileSync,
  openSync,
  readSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { open, type Database, type RootDatabase } from 'lmdb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { damageOf } from '../../src/runtime/lmdb-check.js';
import { temporaryFolder } from '../support/folder.js';
import { seededRandom } from '../support/seeded-random.js';

const BINARY = { encoding: 'binary', keyEncoding: 'binary' } as const;
const TABLES = ['documents', 'indexes', 'meta'];
const ROUNDS = 30;
const KEYS = 3000;

let folder: ReturnType<typeof temporaryFolder>;
let file: string;
beforeEach(() => {
  folder = temporaryFolder();
  file = join(folder.path, 'data.mdb');
});
afterEach(() => {
  folder.remove();
});

type Tables = readonly Database<Buffer, Buffer>[];

/** How the log, and how the derived stores open theirs. */
const WAYS = [
  ['flushed before it is visible', { overlappingSync: false }],
  ['flushed later', { overlappingSync: true, pageSize: 8192 }],
] as const;

function openStore(options: object): { root: RootDatabase<Buffer, Buffer>; tables: Tables } {
  const root = open<Buffer, Buffer>(file, { noSubdir: true, maxDbs: 8, ...BINARY, ...options });
  return { root, tables: TABLES.map((name) => root.openDB<Buffer, Buffer>(name, BINARY)) };
}

/** Numbers from 0 up to 1, the same in every run. */
function dice(seed: string): () => number {
  const random = seededRandom(seed);
  return () => Buffer.from(random.bytes(4)).readUInt32LE() / 2 ** 32;
}

/** A value that says by itself whether it is what was stored. */
function sealed(key: Buffer, size: number): Buffer {
  const body = Buffer.alloc(size, key);
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32(body, crc32(key)));
  return Buffer.concat([sum, body]);
}

function isSound(_table: string, key: Buffer, value: Buffer): boolean {
  return value.byteLength >= 4 && value.readUInt32LE() === crc32(value.subarray(4), crc32(key));
}

/** Puts and removes at random, small and large values, so that pages are freed and used again. */
async function fill(root: RootDatabase<Buffer, Buffer>, tables: Tables, roll: () => number): Promise<void> {
  await root.batch(() => {
    for (let i = 0; i < 200; i++) {
      const key = Buffer.alloc(8);
      key.writeUInt32BE(Math.floor(roll() * KEYS));
      const table = tables[Math.floor(roll() * tables.length)];
      if (roll() < 0.3) void table?.remove(key);
      else void table?.put(key, sealed(key, Math.floor(roll() * (roll() < 0.05 ? 20_000 : 600))));
    }
  });
}

function dump(options: object): string {
  const { root, tables } = openStore({ ...options, readOnly: true });
  const entries = tables.map((table) =>
    [...table.getRange()].map(({ key, value }) => `${key.toString('hex')} ${crc32(value)}`),
  );
  void root.close();
  return JSON.stringify(entries);
}

describe.each(WAYS)('a database that is %s', (_, options) => {
  test('is sound after whatever was written, while it is open and when it is closed', async () => {
    const roll = dice('sound');
    let { root, tables } = openStore(options);
    for (let round = 0; round < ROUNDS; round++) {
      await fill(root, tables, roll);
      if (round % 10 === 7) await tables[round % 3]?.clearAsync();
      await root.flushed;
      expect(damageOf(file, true, { tables: TABLES, isSound }), `round ${round}`).toBeUndefined();
      if (round % 5 !== 0) continue;
      await root.close();
      expect(damageOf(file, true, { tables: TABLES, isSound }), `closed in round ${round}`).toBeUndefined();
      ({ root, tables } = openStore(options));
    }
    await root.close();
  });

  test('with a changed byte is told, or says what it said before', async () => {
    const { root, tables } = openStore(options);
    const roll = dice('changed');
    for (let round = 0; round < ROUNDS; round++) await fill(root, tables, roll);
    await root.close();
    const [whole, before] = [`${file}.whole`, dump(options)];
    copyFileSync(file, whole);
    let told = 0;
    for (let i = 0; i < 150; i++) {
      copyFileSync(whole, file);
      changeByte(file, Math.floor(roll() * statSync(file).size), roll);
      if (damageOf(file, true, { tables: TABLES, isSound }) === undefined) expect(dump(options)).toBe(before);
      else told++;
    }
    expect(told).toBeGreaterThan(30);
  });
});

/** One bit, as memory loses it, or all of a byte. */
function changeByte(path: string, at: number, roll: () => number): void {
  const handle = openSync(path, 'r+');
  const byte = Buffer.alloc(1);
  readSync(handle, byte, 0, 1, at);
  const change = roll() < 0.5 ? 1 << Math.floor(roll() * 8) : 1 + Math.floor(roll() * 255);
  writeSync(handle, Buffer.from([byte.readUInt8() ^ change]), 0, 1, at);
  closeSync(handle);
}

test('what is no database, or cut off, is told without reading it whole', async () => {
  writeFileSync(file, '');
  expect(damageOf(file, true)).toBeUndefined();
  for (const text of ['x', 'something else entirely '.repeat(1000)]) {
    writeFileSync(file, text);
    expect(damageOf(file, false)).toMatch(/^is not a database/);
  }
  writeFileSync(file, '');
  const { root, tables } = openStore({ overlappingSync: false });
  const roll = dice('cut');
  for (let round = 0; round < 5; round++) await fill(root, tables, roll);
  await root.close();
  const whole = `${file}.whole`;
  copyFileSync(file, whole);
  for (const part of [0.1, 0.5, 0.9]) {
    copyFileSync(whole, file);
    truncateSync(file, Math.floor(statSync(file).size * part));
    expect(damageOf(file, false)).toMatch(/^is (cut off|not a database)/);
  }
});

test('a table whose name was damaged is told, one of something else is not', async () => {
  const { root } = openStore({});
  await root.close();
  expect(damageOf(file, true, { tables: TABLES })).toBeUndefined();
  expect(damageOf(file, true, { tables: ['documents', 'indexes', 'metb'] })).toMatch(
    /a table has another name/,
  );
  expect(damageOf(file, true, { tables: ['nothing', 'of', 'this'] })).toBeUndefined();
});
