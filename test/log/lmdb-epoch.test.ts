import { cpSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LmdbLog } from '../../src/log/lmdb.js';
import { LmdbLogReader } from '../../src/log/lmdb-reader.js';
import { systemRandom } from '../../src/runtime/random.js';
import { temporaryFolder } from '../support/folder.js';
import { ManualClock } from '../support/manual-clock.js';

const clock = new ManualClock();
const random = systemRandom;

let parent: ReturnType<typeof temporaryFolder>;
let folder: string;
beforeEach(() => {
  parent = temporaryFolder();
  folder = join(parent.path, 'log');
});
afterEach(() => {
  parent.remove();
});

/** Opens the log, and gives the epoch that it has then. */
async function epochOf(at: string): Promise<string> {
  const log = new LmdbLog({ folder: at, clock, random });
  const { epoch } = log;
  await log.close();
  return epoch;
}

describe('the epoch of an embedded log', () => {
  test('is kept over restarts, and where the folder is moved', async () => {
    const epoch = await epochOf(folder);
    expect(await epochOf(folder)).toBe(epoch);
    renameSync(folder, `${folder}-moved`);
    expect(await epochOf(`${folder}-moved`)).toBe(epoch);
  });

  test('is another in a copy made by any tool, and then stays; the original keeps its own', async () => {
    const epoch = await epochOf(folder);
    const copies = ['one', 'two'].map((name) => join(parent.path, name));
    for (const copy of copies) cpSync(folder, copy, { recursive: true, preserveTimestamps: true });
    const [one, two] = await Promise.all(copies.map(epochOf));
    expect(new Set([epoch, one, two]).size).toBe(3);
    expect(await Promise.all(copies.map(epochOf))).toStrictEqual([one, two]);
    expect(await epochOf(folder)).toBe(epoch);
  });

  test('is another after a copy was put in the place of the folder', async () => {
    const epoch = await epochOf(folder);
    const backup = join(parent.path, 'backup');
    cpSync(folder, backup, { recursive: true, preserveTimestamps: true });
    for (let restore = 0; restore < 2; restore++) {
      rmSync(folder, { recursive: true });
      cpSync(backup, folder, { recursive: true, preserveTimestamps: true });
      expect(await epochOf(folder)).not.toBe(epoch);
    }
  });

  test('is one of its own for a reader, where it was ended', async () => {
    const log = new LmdbLog({ folder, clock, random });
    const readers = [new LmdbLogReader({ folder, clock, random })];
    expect(readers[0]?.epoch).toBe(log.epoch);
    await log.endEpoch();
    await log.close();
    readers.push(...[1, 2].map(() => new LmdbLogReader({ folder, clock, random })));
    expect(new Set(readers.map(({ epoch }) => epoch)).size).toBe(3);
    for (const reader of readers) await reader.close();
  });
});
