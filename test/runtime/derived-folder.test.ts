import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DerivedFolder, markInUse } from '../../src/runtime/derived-folder.js';
import { temporaryFolder } from '../support/folder.js';

let folder: ReturnType<typeof temporaryFolder>;
let path: string;
beforeEach(() => {
  folder = temporaryFolder();
  path = join(folder.path, 'derived');
});
afterEach(() => {
  folder.remove();
});

const derived = () => new DerivedFolder(path, 'data.mdb', { tables: [], isSound: () => true });

async function aDatabase(): Promise<void> {
  const root = open({ path: join(path, 'data.mdb') });
  await root.put('a', 1);
  await root.close();
}

test('a folder that is whole, or not there, stays as it is', async () => {
  expect(derived().dropDamaged(true)).toBeUndefined();
  await aDatabase();
  expect(derived().dropDamaged(true)).toBeUndefined();
  expect(existsSync(path)).toBe(true);
});

test('a damaged one is deleted', () => {
  mkdirSync(path);
  writeFileSync(join(path, 'data.mdb'), 'x'.repeat(100_000));
  expect(derived().dropDamaged(false)).toMatch(/data\.mdb is not a database/);
  expect(existsSync(path)).toBe(false);
});

test('so is one that was reported while it served, at the next start', async () => {
  await aDatabase();
  const serving = derived();
  expect([serving.damaged, serving.report(new Error('MDB_CORRUPTED'))]).toEqual([false, true]);
  expect([serving.damaged, serving.report(new Error('MDB_CORRUPTED'))]).toEqual([true, false]);
  expect(derived().dropDamaged(false)).toMatch(/was found to be damaged: MDB_CORRUPTED/);
  expect(existsSync(path)).toBe(false);
});

test('a data folder that one process did not close is believed, one that several did not is not', () => {
  expect(markInUse(folder.path).isSuspect).toBe(false);
  expect(markInUse(folder.path).isSuspect).toBe(false);
  const third = markInUse(folder.path);
  expect(third.isSuspect).toBe(true);
  third.done();
  expect(markInUse(folder.path).isSuspect).toBe(false);
});
