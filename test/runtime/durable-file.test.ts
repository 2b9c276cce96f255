import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFileDurably, writeFileDurably } from '../../src/runtime/durable-file.js';
import { temporaryFolder } from '../support/folder.js';

let folder: ReturnType<typeof temporaryFolder>;
let file: string;
beforeEach(() => {
  folder = temporaryFolder();
  file = join(folder.path, 'a.key');
});
afterEach(() => {
  folder.remove();
});

/** The number of a process that has ended. */
function deadProcess(): number {
  return spawnSync(process.execPath, ['--version']).pid;
}

describe('a durable file', () => {
  it('is written for the owner only, and replaced', () => {
    writeFileDurably(file, Buffer.from('first'));
    expect(readFileSync(file, 'utf8')).toBe('first');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    writeFileDurably(file, Buffer.from('second'));
    expect(readFileSync(file, 'utf8')).toBe('second');
    expect(readdirSync(folder.path)).toEqual(['a.key']);
  });

  it('takes away what processes that died have left, and leaves alone what others are writing', () => {
    writeFileSync(`${file}.${deadProcess()}.new`, 'half of an old one');
    writeFileSync(`${file}.new`, 'of no process');
    writeFileSync(`${file}.${process.ppid}.new`, 'another process at work');
    writeFileDurably(file, Buffer.from('whole'));
    expect(readdirSync(folder.path).sort()).toEqual(['a.key', `a.key.${process.ppid}.new`].sort());
  });

  it('is made once', () => {
    expect(makeFileDurably(file, Buffer.from('first'))).toBe(true);
    expect(makeFileDurably(file, Buffer.from('second'))).toBe(false);
    expect(readFileSync(file, 'utf8')).toBe('first');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder.path)).toEqual(['a.key']);
  });
});
