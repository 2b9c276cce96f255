import { cpSync, copyFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileIdentity, isSameFile } from '../../src/log/file-identity.js';
import { temporaryFolder } from '../support/folder.js';

let folder: ReturnType<typeof temporaryFolder>;
let file: string;
beforeEach(() => {
  folder = temporaryFolder();
  file = join(folder.path, 'a');
  writeFileSync(file, 'one');
});
afterEach(() => {
  folder.remove();
});

describe('the identity of a file', () => {
  it('stays with it, whatever is written into it and whatever it is called', () => {
    const identity = fileIdentity(file);
    expect(identity).toMatch(/^[0-9]+:[0-9]+$/);
    writeFileSync(file, 'two');
    expect(fileIdentity(file)).toBe(identity);
    renameSync(file, join(folder.path, 'b'));
    expect(fileIdentity(join(folder.path, 'b'))).toBe(identity);
  });

  it('is not a copy’s, even one that got the inode of the removed file', () => {
    const identity = fileIdentity(file);
    const copy = join(folder.path, 'copy');
    copyFileSync(file, copy);
    expect(isSameFile(identity, fileIdentity(copy))).toBe(false);
    rmSync(file);
    cpSync(copy, file, { preserveTimestamps: true });
    expect(isSameFile(identity, fileIdentity(file))).toBe(false);
  });

  it.each([
    ['1:5', '1:5', true],
    ['1:5', '2:5', false],
    ['1:5', '1:6', false],
    ['1:0', '1:6', true],
    ['1:6', '1:0', true],
    ['1:0', '2:0', false],
  ])('%s and %s: %s', (one, other, same) => {
    expect(isSameFile(one, other)).toBe(same);
  });
});
