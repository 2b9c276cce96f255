import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { writeFileDurably } from '../../src/runtime/durable-file.js';
import { temporaryFolder } from '../support/folder.js';

const folder = temporaryFolder();
afterEach(() => {
  folder.remove();
});

it('writes for the owner only, over what a process that died has left', () => {
  const file = join(folder.path, 'a.key');
  writeFileSync(`${file}.new`, 'half of something longer', { mode: 0o600 });
  writeFileDurably(file, Buffer.from('first'));
  expect(readFileSync(file, 'utf8')).toBe('first');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  writeFileDurably(file, Buffer.from('second'));
  expect(readFileSync(file, 'utf8')).toBe('second');
  expect(existsSync(`${file}.new`)).toBe(false);
});
