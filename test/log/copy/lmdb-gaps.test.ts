import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LogCopy } from '../../../src/log/copy/log-copy.js';
import { LmdbLog } from '../../../src/log/lmdb.js';
import type { Log } from '../../../src/log/log.js';
import { NO_STREAM } from '../../../src/log/position.js';
import { RecordLog } from '../../../src/log/record-log.js';
import { SealKeys } from '../../../src/log/seal-keys.js';
import { systemRandom } from '../../../src/runtime/random.js';
import { aRecord, appendingBy, collect, names, someRecords } from '../../contracts/log/tools.js';
import { temporaryFolder } from '../../support/folder.js';
import { ManualClock } from '../../support/manual-clock.js';
import { RandomLog } from './random-log.js';

const keys = SealKeys.ephemeral(systemRandom);
const clock = new ManualClock();

let parent: ReturnType<typeof temporaryFolder>;
let here: LmdbLog;
let there: LmdbLog;
let source: Log;
let target: Log;
beforeEach(() => {
  parent = temporaryFolder();
  here = rawLog('here');
  there = rawLog('there');
  [source, target] = [logOver(here), logOver(there)];
});
afterEach(async () => {
  for (const log of [source, target]) await log.close();
  parent.remove();
});

function rawLog(name: string): LmdbLog {
  return new LmdbLog({ folder: join(parent.path, name), clock, random: systemRandom, mapSize: 1_048_576 });
}

function logOver(raw: LmdbLog): Log {
  return new RecordLog(raw, { keys, random: systemRandom });
}

async function copy(): Promise<LogCopy> {
  const copying = await LogCopy.begin({ source: here, target: there, clock, patience: 0 });
  await copying.catchUp();
  expect(await copying.compare()).toMatchObject({ differing: 0, damaged: 0 });
  return copying;
}

async function expectAlike(stream: string): Promise<void> {
  expect(await target.revision(stream)).toBe(await source.revision(stream));
  const [wanted, found] = [await collect(source.read(stream)), await collect(target.read(stream))];
  expect(found.map(({ id, revision }) => [id, revision])).toStrictEqual(
    wanted.map(({ id, revision }) => [id, revision]),
  );
}

test('revisions that were scavenged are held by placeholders that nobody is shown', async () => {
  await source.append('user-a', NO_STREAM, someRecords('a', 3000));
  await source.setRetention('user-a', { truncateBefore: 2990 });
  await here.scavenge(5000);
  await source.append('user-b', NO_STREAM, someRecords('b', 1));
  expect((await copy()).counts).toMatchObject({ records: 11, placeholders: 2990 });
  await expectAlike('user-a');
  expect(await target.retention('user-a')).toStrictEqual({ truncateBefore: 2990 });
  expect((await target.append('user-a', 2999, someRecords('c', 1))).revision).toBe(3000);
});

test('nor where the source shows none of them, though it has no retention any more', async () => {
  await source.append('user-a', NO_STREAM, someRecords('a', 6));
  await source.setRetention('user-a', { maxCount: 2 });
  await here.scavenge(100);
  await source.setRetention('user-a', {});
  await copy();
  await expectAlike('user-a');
  expect(await names(target.read('user-a'))).toStrictEqual(['a4', 'a5']);
  expect(await target.retention('user-a')).toStrictEqual({ truncateBefore: 4 });
  const damaged: unknown[] = [];
  for await (const batch of target.readAll()) damaged.push(...batch.damaged);
  expect(damaged).toStrictEqual([]);
  // The same again changes nothing.
  await copy();
  await expectAlike('user-a');
});

test('a stream whose records are all gone goes on where it was', async () => {
  await source.append('user-a', NO_STREAM, someRecords('a', 5));
  await source.setRetention('user-a', { truncateBefore: 5 });
  await here.scavenge(100);
  expect((await copy()).counts).toMatchObject({ records: 0, placeholders: 5 });
  await expectAlike('user-a');
  for (const log of [source, target]) {
    expect((await log.append('user-a', 4, [aRecord('next')])).revision).toBe(5);
    expect(await names(log.read('user-a'))).toStrictEqual(['next']);
  }
});

test('what has come of age in the source stays gone, though the copy is younger', async () => {
  await source.setRetention('user-a', { maxAge: 60 });
  await source.append('user-a', NO_STREAM, someRecords('old', 2));
  clock.advance(50_000);
  await source.append('user-a', 1, someRecords('new', 2));
  clock.advance(20_000);
  await copy();
  await expectAlike('user-a');
  expect(await target.retention('user-a')).toStrictEqual({ maxAge: 60, truncateBefore: 2 });
});

test('newer records of the source do not hide the last one that was copied', async () => {
  await source.setRetention('user-a', { maxCount: 1 });
  await source.append('user-a', NO_STREAM, someRecords('a', 3));
  // Others are written between reading and looking at the retention.
  const copying = await LogCopy.begin({
    source: here,
    target: appendingBy(there, async (...append) => {
      const appended = await there.append(...append);
      if ((await source.revision('user-a')) < 4) await source.append('user-a', 2, someRecords('b', 2));
      return appended;
    }),
    clock,
    patience: 0,
  });
  await copying.catchUp();
  expect(await names(target.read('user-a'))).toStrictEqual(['a2']);
  expect(await copying.compare()).toMatchObject({ differing: 0 });
  await copying.catchUp();
  expect(await names(target.read('user-a'))).toStrictEqual(['b1']);
});

test('where all that was there is replaced while it is copied, what has replaced it is copied, too', async () => {
  await source.append('user-a', NO_STREAM, someRecords('a', 3));
  await source.setRetention('user-a', { maxCount: 1 });
  await source.append('user-b', NO_STREAM, someRecords('b', 1));
  let isReplaced = false;
  const slow = {
    ...appendingBy(here, here.append.bind(here)),
    readAll: async function* (options: Parameters<LmdbLog['readAll']>[0]) {
      for await (const batch of here.readAll(options)) {
        if (isReplaced) yield batch;
        else {
          // Gone before anybody has copied it.
          isReplaced = true;
          await source.append('user-a', 2, someRecords('c', 1));
          await here.scavenge(100);
          yield { ...batch, records: batch.records.filter(({ stream }) => stream !== 'user-a') };
        }
      }
    },
  };
  const copying = await LogCopy.begin({ source: slow, target: there, clock, patience: 0 });
  await copying.catchUp();
  expect(await names(target.read('user-a'))).toStrictEqual(['c0']);
  await expectAlike('user-a');
  expect(await copying.compare()).toMatchObject({ differing: 0 });
});

test('placeholders of a copy are copied like any record', async () => {
  await source.append('user-a', NO_STREAM, someRecords('a', 6));
  await source.setRetention('user-a', { truncateBefore: 4 });
  await here.scavenge(100);
  await copy();
  const third = rawLog('third');
  const copying = await LogCopy.begin({ source: there, target: third, clock, patience: 0 });
  await copying.catchUp();
  expect(await copying.compare()).toMatchObject({ differing: 0, damaged: 0 });
  const log = logOver(third);
  expect(await names(log.read('user-a'))).toStrictEqual(['a4', 'a5']);
  await log.close();
});

test('an older copy has records where a younger one has placeholders, and goes on with it', async () => {
  await source.append('user-a', NO_STREAM, someRecords('a', 6));
  await source.append('user-b', NO_STREAM, someRecords('b', 1));
  await copy();
  await source.setRetention('user-a', { maxCount: 1 });
  await here.scavenge(100);
  const third = rawLog('third');
  const moving = await LogCopy.begin({ source: here, target: third, clock, patience: 0 });
  await moving.catchUp();
  expect(moving.counts).toMatchObject({ records: 2, placeholders: 5 });
  const moved = logOver(third);
  await moved.append('user-a', 5, someRecords('c', 2));
  const copying = await LogCopy.begin({ source: third, target: there, clock, patience: 0 });
  await copying.catchUp();
  expect(copying.counts.records).toBe(2);
  expect(await copying.compare()).toMatchObject({ differing: 0, damaged: 0 });
  expect(await names(target.read('user-a'))).toStrictEqual(['c1']);
  await moved.close();
});

test('a record that nobody can take apart is read as damage in the copy, too', async () => {
  const random = new RandomLog(join(parent.path, 'random'), keys);
  await random.happens({ kind: 'append', stream: 'user-a', count: 3 });
  await random.happens({ kind: 'damage', nth: 1, how: 'frame' });
  await random.happens({ kind: 'append', stream: 'user-a', count: 1 });
  const copying = await LogCopy.begin({ source: random.raw, target: there, clock, patience: 0 });
  await copying.catchUp();
  expect(await copying.compare()).toMatchObject({ records: 3, damaged: 1, differing: 0 });
  expect(await names(target.read('user-a'))).toStrictEqual(['1', '3', '4']);
  expect(target.damaged).toMatchObject([
    {
      stream: 'user-a',
      revision: 1,
      reason: 'It was damaged or missing in the log that this one was copied from.',
    },
  ]);
  await random.close();
});
