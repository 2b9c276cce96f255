import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RawLog, RawStored } from '../../../src/log/adapter.js';
import { decode, isSound } from '../../../src/log/codec.js';
import { firstShown, shownOf } from '../../../src/log/copy/finding.js';
import { LogCopy } from '../../../src/log/copy/log-copy.js';
import { isSame, speaksOfPositions } from '../../../src/log/copy/positions.js';
import { LmdbLog } from '../../../src/log/lmdb.js';
import { PLACEHOLDER } from '../../../src/log/placeholder.js';
import { SealKeys } from '../../../src/log/seal-keys.js';
import { systemRandom } from '../../../src/runtime/random.js';
import { appendingBy } from '../../contracts/log/tools.js';
import { temporaryFolder } from '../../support/folder.js';
import { ManualClock } from '../../support/manual-clock.js';
import { RandomLog, someSteps, type Step } from './random-log.js';

const STREAMS = ['room-a', 'room-b', 'user-a', 'user-b', 'cursor-a', 'receipts-a', 'receipts-b'];
const ROUND_RECORDS = 4;

class Killed extends Error {}

/** A store whose process is killed at an append: of what is on its way then, only some is written. */
function killed(raw: RawLog, at: number, written: readonly boolean[]): RawLog {
  let appends = 0;
  return appendingBy(raw, async (...append) => {
    const nth = ++appends - at;
    if (nth < 0) return raw.append(...append);
    if (written[nth % written.length] === true) await raw.append(...append);
    throw new Killed();
  });
}

async function copyInto(
  source: RawLog,
  folder: string,
  kill?: Extract<Step, { kind: 'copy' }>,
): Promise<void> {
  const raw = new LmdbLog({ folder, clock: new ManualClock(), random: systemRandom, mapSize: 1_048_576 });
  const target = kill === undefined ? raw : killed(raw, kill.killedAt, kill.written);
  try {
    const copying = await LogCopy.begin({
      source,
      target,
      clock: new ManualClock(),
      patience: 0,
      roundRecords: ROUND_RECORDS,
    });
    await copying.catchUp();
    if (kill === undefined) {
      expect(await copying.compare()).toMatchObject({ differing: 0, differences: [] });
      await expectAlike(source, target);
    }
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
  } finally {
    await raw.close();
  }
}

/** Every stream shows the same revisions, with the same records but where the source's are damaged. */
async function expectAlike(source: RawLog, target: RawLog): Promise<void> {
  const places = await placesOf(source);
  for (const stream of [...STREAMS, ...(await all(source.retained()))]) {
    const [here, there] = [await all(shownOf(source, stream, 0)), await all(shownOf(target, stream, 0))];
    if (!places.has(stream)) continue;
    expect([stream, await target.revision(stream)]).toStrictEqual([stream, await source.revision(stream)]);
    expect(there.map(({ revision }) => revision)).toStrictEqual(here.map(({ revision }) => revision));
    for (const [nth, { record }] of here.entries()) {
      const copy = there[nth]?.record;
      if (copy === undefined) throw new Error(`${stream} lacks a record.`);
      // One that was damaged more than once may have been copied in between.
      if (record === undefined) continue;
      if (isSound(record)) expect(isSame(record, copy)).toBe(true);
      else expect(copy.type === PLACEHOLDER || isSound(copy) || isSame(record, copy)).toBe(true);
      if (isSound(record) && speaksOfPositions(record)) {
        await expectTranslated(record, copy, { source, target });
      }
    }
  }
}

/** A receipt names the same record; a cursor leaves out nothing that comes after its place. */
async function expectTranslated(
  record: RawStored,
  copy: RawStored,
  { source, target }: { source: RawLog; target: RawLog },
): Promise<void> {
  const [here, there] = [record, copy].map((one) => decode(one).data);
  const [before, after] = [await recordsOf(source), await recordsOf(target)];
  if (record.type === 'receipt.posted') {
    const named = before.find(({ position }) => position === here?.['event_position']);
    const found = after.find(({ position }) => position === there?.['event_position']);
    if (found !== undefined && named !== undefined) {
      expect(found).toMatchObject({ stream: named.stream, revision: named.revision });
    }
    // One that is shown is found. (Receipts of receipts are none.)
    const shown = named === undefined ? undefined : await firstShown(target, named.stream, named.revision);
    const isPlain = named !== undefined && !speaksOfPositions(named) && shown?.revision === named.revision;
    if (isPlain && shown.record !== undefined && shown.record.type !== PLACEHOLDER)
      expect(found).toBeDefined();
    return;
  }
  const [from, to] = [Number(here?.['position']), Number(there?.['position'])];
  const origin = new Map(before.map((one) => [`${one.stream} ${one.revision}`, one.position]));
  for (const { stream, revision, position } of after) {
    if (position <= to) expect(origin.get(`${stream} ${revision}`) ?? -1).toBeLessThanOrEqual(from);
  }
}

async function recordsOf(log: RawLog): Promise<RawStored[]> {
  const records: RawStored[] = [];
  for await (const batch of log.readAll({ direction: 'forwards' })) {
    records.push(...batch.records.filter((record) => isSound(record) && record.type !== PLACEHOLDER));
  }
  return records;
}

/** Streams of which the source has a record that can be read: another one has nobody to tell of it. */
async function placesOf(log: RawLog): Promise<ReadonlySet<string>> {
  return new Set((await recordsOf(log)).map(({ stream }) => stream));
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

test('whatever happened to a log, and however often copying was killed, the copy is the same', async () => {
  await fc.assert(
    fc.asyncProperty(someSteps, async (steps) => {
      const parent = temporaryFolder();
      const log = new RandomLog(join(parent.path, 'log'), SealKeys.ephemeral(systemRandom));
      try {
        const copy = join(parent.path, 'copy');
        for (const step of steps) {
          if (step.kind === 'copy') await copyInto(log.raw, copy, step);
          else await log.happens(step);
        }
        await copyInto(log.raw, copy);
        // And in one go.
        await copyInto(log.raw, join(parent.path, 'other'));
      } finally {
        await log.close();
        parent.remove();
      }
    }),
    { numRuns: Number(process.env['ENGRAM_COPY_RUNS'] ?? 30) },
  );
}, 300_000);
