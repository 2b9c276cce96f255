import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DiskGuard } from '../../src/runtime/disk-guard.js';
import { temporaryFolder } from '../support/folder.js';

let folder: ReturnType<typeof temporaryFolder>;
let file: string;
beforeEach(() => {
  folder = temporaryFolder();
  file = join(folder.path, 'data.mdb');
  writeFileSync(file, 'data');
});
afterEach(() => {
  folder.remove();
});

test('nothing speaks against writing to a file on a disk with space', () => {
  expect(new DiskGuard(file, 0).objection(1000)).toBeUndefined();
});

test('less space than must be left, or than is about to be written, does', () => {
  expect(new DiskGuard(file, 2 ** 60).objection()).toMatch(/^The disk of .* is full: [0-9.]+ MB are free/);
  expect(new DiskGuard(file, 0).objection(2 ** 60)).toMatch(/is full/);
});

test('so does a file that is gone, or another one in its place, until it is back', () => {
  const guard = new DiskGuard(file, 0);
  renameSync(file, `${file}.away`);
  expect(guard.objection()).toMatch(/cannot be written any more: ENOENT/);
  writeFileSync(file, 'other');
  expect(guard.objection()).toMatch(/was replaced/);
  rmSync(file);
  renameSync(`${file}.away`, file);
  expect(guard.objection()).toBeUndefined();
});
