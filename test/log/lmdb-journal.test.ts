import {
  closeSync,
  copyFileSync,
  cpSync,
  existsSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LogFormatError } from '../../src/log/errors.js';
import { isLockFile } from '../../src/log/folder-lock.js';
import { openLmdbLog } from '../../src/log/lmdb.js';
import { entriesAfter, Journal } from '../../src/log/lmdb-journal.js';
import { openLmdbLogForReading } from '../../src/log/lmdb-reader.js';
import { NO_STREAM } from '../../src/log/position.js';
import { SealKeys } from '../../src/log/seal-keys.js';
import { systemClock } from '../../src/runtime/clock.js';
import { systemRandom } from '../../src/runtime/random.js';
import { aRecord, collect, nameOf } from '../contracts/log/tools.js';
import { temporaryFolder } from '../support/folder.js';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => {
  folder.remove();
});

describe('a journal', () => {
  const made: string[] = [];
  const open = (known?: string) =>
    new Journal(join(folder.path, 'journal'), systemRandom, known, (salt) => made.push(salt));
  const file = () => join(folder.path, 'journal');
  const read = (after: number, isWritten = false) =>
    entriesAfter(after, readFileSync(file()), file(), made.at(-1), isWritten);
  const sequences = (after: number) => read(after).map(({ sequence }) => sequence);

  test('gives back what LMDB does not have, in order', async () => {
    const journal = open();
    for (let n = 1; n <= 5; n++) expect(await journal.write(n, Buffer.alloc(n * 3000, n))).toBe(true);
    journal.turn();
    expect(await journal.write(6, Buffer.from('six'))).toBe(true);
    journal.close();
    expect(sequences(0)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(sequences(4)).toEqual([5, 6]);
    expect(sequences(6)).toEqual([]);
    expect(read(2)[0]?.payload.equals(Buffer.alloc(9000, 3))).toBe(true);
  });

  test('says when a half is full, and uses it again after the other', async () => {
    const journal = open();
    let n = 0;
    while (await journal.write(n + 1, Buffer.alloc(100_000))) n++;
    expect(n).toBe(10);
    journal.turn();
    expect(await journal.write(++n, Buffer.from('other half'))).toBe(true);
    journal.turn();
    expect(await journal.write(++n, Buffer.from('first half'))).toBe(true);
    expect(sequences(10)).toEqual([11, 12]);
    expect(await journal.write(++n, Buffer.alloc(2_000_000))).toBe(false);
    journal.close();
  });

  test('an entry that was torn was never there; one of before stays', async () => {
    const journal = open();
    await journal.write(1, Buffer.alloc(5000, 1));
    await journal.write(2, Buffer.alloc(9000, 2));
    journal.close();
    for (const at of [3 * 4096 + 2, 3 * 4096 + 100, 5 * 4096 + 10]) {
      const handle = openSync(join(folder.path, 'journal'), 'r+');
      const before = readFileSync(join(folder.path, 'journal')).subarray(at, at + 1);
      writeSync(handle, Buffer.from([(before[0] ?? 0) ^ 1]), 0, 1, at);
      expect(sequences(0)).toEqual([1]);
      writeSync(handle, before, 0, 1, at);
      closeSync(handle);
    }
    expect(sequences(0)).toEqual([1, 2]);
  });

  test('with an entry missing in its middle is refused', async () => {
    const journal = open();
    for (const n of [1, 2, 3]) await journal.write(n, Buffer.from('entry'));
    journal.close();
    const handle = openSync(join(folder.path, 'journal'), 'r+');
    writeSync(handle, Buffer.from('??'), 0, 2, 2 * 4096 + 20);
    closeSync(handle);
    expect(() => read(0)).toThrow(LogFormatError);
    // Of one that is being written, the later one was begun after the other was looked for.
    expect(read(0, true).map(({ sequence }) => sequence)).toEqual([1]);
    expect(sequences(2)).toEqual([3]);
  });

  test('what somebody sent is never taken for an entry', async () => {
    const forged = open();
    await forged.write(2, Buffer.from('forged'));
    forged.close();
    const entry = readFileSync(join(folder.path, 'journal')).subarray(4096, 8192);
    rmSync(join(folder.path, 'journal'));
    const journal = open();
    // It lies at the beginning of a page of its own.
    await journal.write(1, Buffer.concat([Buffer.alloc(4096 - 20), entry]));
    journal.close();
    expect(sequences(0)).toEqual([1]);
  });
});

describe('a log whose process was killed', () => {
  const keys = () => SealKeys.open(join(folder.path, 'seal.key'), systemRandom);
  const ports = { clock: systemClock, random: systemRandom };
  const at = (name: string) => join(folder.path, name);
  const openAt = (name: string) => openLmdbLog({ folder: at(name), ...ports, keys: keys() });

  /** The folder as kill -9 leaves it: what is acknowledged is in the journal, and not in LMDB. */
  async function killed(): Promise<void> {
    const log = await openAt('log');
    await log.append('user-a', NO_STREAM, [aRecord('a'), aRecord('b')]);
    await log.append('user-b', NO_STREAM, [aRecord('c')]);
    cpSync(at('log'), at('killed'), { recursive: true, filter: (path) => !isLockFile(basename(path)) });
    await log.close();
  }

  test('has what was acknowledged, for who only reads as well, and goes on', async () => {
    await killed();
    const reader = openLmdbLogForReading({ folder: at('killed'), ...ports, keys: keys() });
    expect((await collect(reader.readAll())).map(nameOf)).toEqual(['a', 'b', 'c']);
    expect((await collect(reader.read('user-a'))).map(nameOf)).toEqual(['a', 'b']);
    expect([reader.head, await reader.revision('user-a')]).toEqual([3, 1]);
    await reader.close();
    const log = await openAt('killed');
    expect((await collect(log.readAll())).map(nameOf)).toEqual(['a', 'b', 'c']);
    expect((await log.append('user-a', 1, [aRecord('d')])).positions).toEqual([4]);
    await log.close();
    const again = await openAt('killed');
    expect((await collect(again.readAll())).map(nameOf)).toEqual(['a', 'b', 'c', 'd']);
    await again.close();
  });

  test('that ended in order leaves no journal', async () => {
    const log = await openAt('log');
    await log.append('user-a', NO_STREAM, [aRecord('a')]);
    expect(existsSync(at('log/log.journal'))).toBe(true);
    await log.close();
    expect(existsSync(at('log/log.journal'))).toBe(false);
  });

  test('refuses the journal of another log', async () => {
    await killed();
    const other = await openAt('other');
    await other.append('user-x', NO_STREAM, [aRecord('x')]);
    await other.close();
    copyFileSync(at('killed/log.journal'), at('other/log.journal'));
    await expect(openAt('other')).rejects.toThrow(/later entries than the log.*delete the journal/);
    expect(existsSync(at('other/log.journal'))).toBe(true);
    rmSync(at('other/log.journal'));
    const again = await openAt('other');
    expect((await collect(again.readAll())).map(nameOf)).toEqual(['x']);
    await again.close();
  });
});
