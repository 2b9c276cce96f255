import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { LogFormatError } from '../../src/log/errors.js';
import { lockFolder } from '../../src/log/folder-lock.js';
import { temporaryFolder } from '../support/folder.js';

const folders: { readonly path: string; remove(): void }[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) folder.remove();
});
function newFolder(): string {
  const folder = temporaryFolder();
  folders.push(folder);
  return folder.path;
}

/** What this process writes when it holds a lock. */
function ownLock(): Record<string, unknown> {
  const folder = newFolder();
  const { release } = lockFolder(folder);
  const lock = JSON.parse(readFileSync(join(folder, 'lock.1'), 'utf8')) as Record<string, unknown>;
  release();
  return lock;
}

test('numbers go up, and one file is left', () => {
  const folder = newFolder();
  for (let i = 1; i <= 3; i++) {
    const { release } = lockFolder(folder);
    expect(readdirSync(folder)).toStrictEqual([`lock.${i}`]);
    expect(() => lockFolder(folder)).toThrow(LogFormatError);
    release();
  }
});

test('a lock is taken over from who is gone, and from nobody else', () => {
  const own = ownLock();
  const stale: [object | null, boolean][] = [
    [{ ...own, started: '1' }, false],
    [{ ...own, started: '1', crashes: 1 }, true],
    [{ ...own, boot: 'another boot' }, true],
    [{ ...own, pid: 2 ** 22 + 1 }, false],
    [{ pid: 1 }, false],
    [{}, false],
    [null, false],
  ];
  for (const [lock, suspect] of stale) {
    const folder = newFolder();
    writeFileSync(join(folder, 'lock.7'), JSON.stringify(lock));
    const { release, isSuspect } = lockFolder(folder);
    expect(readdirSync(folder)).toStrictEqual(['lock.8']);
    expect(isSuspect).toBe(suspect);
    release();
  }
  const folder = newFolder();
  writeFileSync(join(folder, 'lock.7'), JSON.stringify(own));
  // An older lock says nothing, whoever holds it.
  writeFileSync(join(folder, 'lock.6'), '{}');
  expect(() => lockFolder(folder)).toThrow(/in use by this process/);
});

test.runIf(process.platform === 'linux')(
  'a lock is taken over from who was killed and not yet waited for',
  async () => {
    // The shell becomes a program that waits for nobody, so that its child stays a zombie.
    const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      const [line] = (await once(parent.stdout, 'data')) as [Buffer];
      const pid = Number(line.toString());
      const fields = () => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      const waits = () => readFileSync(`/proc/${parent.pid ?? 0}/comm`, 'utf8').trim() === 'sleep';
      while (!waits()) await new Promise(setImmediate);
      process.kill(pid, 'SIGKILL');
      while (fields()[0] !== 'Z') await new Promise(setImmediate);
      const folder = newFolder();
      writeFileSync(join(folder, 'lock.1'), JSON.stringify({ ...ownLock(), pid, started: fields()[19] }));
      lockFolder(folder).release();
    } finally {
      parent.kill('SIGKILL');
    }
  },
);
