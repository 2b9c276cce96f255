import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LmdbLog } from '../../src/log/lmdb.js';
import { NO_STREAM } from '../../src/log/position.js';
import { RecordLog } from '../../src/log/record-log.js';
import { SealKeys } from '../../src/log/seal-keys.js';
import { systemClock } from '../../src/runtime/clock.js';
import { systemRandom } from '../../src/runtime/random.js';
import { largeRecords, someRecords } from '../contracts/log/tools.js';
import { temporaryFolder } from '../support/folder.js';
import { runProgram } from '../support/program.js';
import { seededRandom } from '../support/seeded-random.js';

/** docs/testing.md says how to run it with more, and how to repeat a run. */
const KILLS = Number(process.env['ENGRAM_CRASH_KILLS'] ?? 20);
const SEED = process.env['ENGRAM_CRASH_SEED'] ?? randomBytes(4).toString('hex');

/** The program takes some time to start, and then this log to be copied (milliseconds). */
const LONGEST_LIFE = 1500;

const folder = temporaryFolder();
const [data, copy] = [join(folder.path, 'data'), join(folder.path, 'copy')];

beforeAll(async () => {
  const keys = SealKeys.open(join(data, 'keys', 'seal.key'), systemRandom);
  const raw = new LmdbLog({ folder: join(data, 'log'), clock: systemClock, random: systemRandom });
  const log = new RecordLog(raw, { keys, random: systemRandom });
  const append = async (stream: string, count: number): Promise<unknown> =>
    log.append(stream, await log.revision(stream), someRecords(`${stream} `, count));
  for (let n = 0; n < 100; n++) {
    await Promise.all(
      Array.from({ length: 40 }, (_, i) => append(`user-${(7 * i + n) % 300}`, 1 + ((i + n) % 7))),
    );
    await append('kept-short', 20);
  }
  await log.append('room-!a', NO_STREAM, largeRecords('large', 30));
  await log.setRetention('kept-short', { maxCount: 1 });
  await raw.scavenge(1_500);
  await log.close();
});
afterAll(() => {
  folder.remove();
});

const copying = () => runProgram(['log', 'copy', '--from', data, '--to', copy], {});

test(
  `copying that is killed ${KILLS} times gets all in the end (seed ${SEED})`,
  { timeout: 60_000 + KILLS * 5_000 },
  async () => {
    const bytes = seededRandom(SEED);
    const roll = (): number => Buffer.from(bytes.bytes(4)).readUInt32BE() / 2 ** 32;
    let killed = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const { child, ended } = copying();
      await Promise.race([setTimeout(200 + roll() * LONGEST_LIFE), ended]);
      child.kill('SIGKILL');
      if ((await ended) === 'SIGKILL') killed++;
    }
    expect(killed).toBeGreaterThan(0);
    const last = copying();
    expect(await last.ended, last.written.stderr).toBe(0);
    const [, compared] = /Compared ([\d,]+) records .* all checksums agree/.exec(last.written.stdout) ?? [];
    expect(Number(compared?.replaceAll(',', ''))).toBeGreaterThan(15_000);
    for (const at of [data, copy]) {
      const { ended, written } = runProgram(['verify'], { ENGRAM_DATA_DIR: at });
      expect(await ended, written.stdout).toBe(0);
    }
    const again = copying();
    expect(await again.ended).toBe(0);
    expect(again.written.stdout).toContain('Copied 0 records');
  },
);
