import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Projection } from '../../projections/projection.js';
import { quarantineOf } from '../../projections/quarantine.js';
import { ProjectionRunner, type RunnerOptions } from '../../projections/runner.js';
import { LogUnavailableError } from '../../src/log/errors.js';
import { START } from '../../src/log/position.js';
import {
  CheckpointConflictError,
  ReadModelNotReadyError,
  ReadStoreUnavailableError,
} from '../../src/read-models/errors.js';
import { openLmdbReadStore } from '../../src/read-models/lmdb.js';
import type { ReadStore } from '../../src/read-models/store.js';
import { FaultyReadStore, type Faults } from '../support/faulty-store.js';
import { temporaryFolder } from '../support/folder.js';
import { ManualClock } from '../support/manual-clock.js';
import { MemoryLog } from '../support/memory-log.js';
import { dumpAll, dumpProjection, rebuilt } from '../support/projections.js';
import { until } from '../support/until.js';
import { aliases, created, diary, directory, fillSamples, profile } from './made-up.js';

const LONG = 60_000;

describe('the runner of projections', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let store: ReadStore;
  let log: MemoryLog;
  let clock: ManualClock;
  let lines: { level: string; message: string; fields: Readonly<Record<string, unknown>> }[];
  let fatal: unknown[];
  let runners: ProjectionRunner[];

  beforeEach(() => {
    folder = temporaryFolder();
    store = openLmdbReadStore(folder.path);
    log = new MemoryLog();
    clock = new ManualClock();
    [lines, fatal, runners] = [[], [], []];
  });

  afterEach(async () => {
    for (const runner of runners) await runner.stop();
    await store.close();
    folder.remove();
  });

  async function start(
    projections: readonly Projection[],
    options: Partial<RunnerOptions> = {},
  ): Promise<ProjectionRunner> {
    const line = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) => {
      lines.push({ level, message, fields });
    };
    const logger = { info: line('info'), warn: line('warn'), error: line('error') };
    const onFatal = (error: unknown) => fatal.push(error);
    const runner = new ProjectionRunner({ log, store, projections, clock, logger, onFatal, ...options });
    runners.push(runner);
    await runner.start();
    return runner;
  }

  const truth = (projections: readonly Projection[]) => rebuilt(log, projections);
  const dumps = (projections: readonly Projection[]) => dumpAll(store, projections);

  test('serves an empty log at once, and follows it live', async () => {
    const runner = await start([directory(), diary]);
    expect(runner.processed).toBe(START);
    expect(await store.collection(aliases).find({ prefix: [] })).toEqual([]);
    expect(runner.progress().map(({ serving, fraction }) => ({ serving, fraction }))).toEqual([
      { serving: true, fraction: 1 },
      { serving: true, fraction: 1 },
    ]);
    for (let i = 0; i < 5; i++) {
      const position = log.append([created(`#${i}`)]);
      expect(await runner.whenProcessed(position, LONG)).toBe(true);
      expect(await store.collection(aliases).get([`#${i}`])).toBeDefined();
    }
    fillSamples(log);
    expect(await runner.whenProcessed(log.head, LONG)).toBe(true);
    expect(await dumps([directory(), diary])).toEqual(await truth([directory(), diary]));
    expect(runner.progress().map(({ position }) => position)).toEqual([log.head, log.head]);
  });

  test('goes on from its checkpoints, each projection from its own', async () => {
    fillSamples(log);
    const first = await start([directory()]);
    expect(await first.whenProcessed(log.head, LONG)).toBe(true);
    await first.stop();
    const fed: number[] = [];
    const watched = { ...directory() };
    const evolve: Projection['evolve'] = (record, documents) => {
      fed.push(record.position);
      return directory().evolve(record, documents);
    };
    const after = log.head;
    fillSamples(log);
    const second = await start([{ ...watched, evolve }, diary]);
    await until(() => second.progress().every(({ serving, position }) => serving && position === log.head));
    expect(Math.min(...fed)).toBeGreaterThan(after);
    expect(new Set(fed).size).toBeLessThanOrEqual(fed.length);
    expect(await dumps([directory(), diary])).toEqual(await truth([directory(), diary]));
  });

  test('quarantines what a projection throws on, takes back what it had done, and goes on', async () => {
    const runner = await start([directory(), diary]);
    log.append([profile(), profile({ broken: 'secret text' }), profile()]);
    const head = log.append([created('#after')]);
    await runner.whenProcessed(head, LONG);
    const found = await store.collection(quarantineOf('test-journal')).find({ prefix: [] });
    expect(found).toEqual([
      {
        projection: 'test-journal',
        position: 0,
        index: 1,
        stream: 'server',
        revision: 1,
        type: 'profile.changed',
        error: 'TypeError: This one cannot be folded.',
      },
    ]);
    const entries = await dumpProjection(store, diary);
    expect(entries.filter((line) => line.startsWith('test_journal'))).toHaveLength(3);
    expect(runner.progress().map(({ quarantined }) => quarantined)).toEqual([0, 1]);
    expect(lines.filter(({ level }) => level === 'error')).toEqual([
      {
        level: 'error',
        message: 'A record could not be folded: it is quarantined and passed over.',
        fields: { projection: 'test-journal', position: 0, stream: 'server', revision: 1, type: 'profile.changed', error: 'TypeError' },
      },
    ]); // prettier-ignore
    expect(JSON.stringify(lines)).not.toContain('secret');
  });

  test.each<[string, keyof Faults, number]>([
    ['reading', 'beforeRead', 8],
    ['writing', 'beforeWrite', 8],
    // What was written is seen at the next attempt.
    ['hearing that it has written', 'afterWrite', 1],
  ])(
    'waits while the store fails at %s, with pauses that grow, and loses nothing',
    async (_, moment, attempts) => {
      let broken = false;
      const faulty = new FaultyReadStore(store, {
        [moment]: () => {
          if (broken) throw new ReadStoreUnavailableError('away');
        },
      });
      const runner = await start([directory(), diary], { store: faulty });
      fillSamples(log);
      await runner.whenProcessed(log.head, LONG);
      broken = true;
      const before = runner.processed;
      const head = log.append([created('#late'), profile()]);
      for (let i = 0; i < attempts; i++) {
        await until(() => clock.pending > 0);
        expect(runner.processed).toBe(before);
        clock.advance(Math.min(10_000, 50 * 2 ** i) - 1);
        await setImmediate();
        expect(clock.pending).toBe(1);
        if (i === attempts - 1) broken = false;
        clock.advance(1);
      }
      await until(() => runner.processed === head);
      expect(lines.filter(({ level }) => level === 'warn')).toHaveLength(attempts);
      expect(await dumps([directory(), diary])).toEqual(await truth([directory(), diary]));
      expect(fatal).toEqual([]);
      expect(runner.progress().map(({ quarantined }) => quarantined)).toEqual([0, 2]);
    },
  );

  test('waits while the log is away, and goes on where it was', async () => {
    const runner = await start([directory(), diary]);
    fillSamples(log);
    await runner.whenProcessed(log.head, LONG);
    log.beforeRead = () => {
      throw new LogUnavailableError('away', { outcomeUnknown: false });
    };
    const head = log.append([created('#late')]);
    await until(() => clock.pending > 0);
    log.beforeRead = () => undefined;
    clock.advance(50);
    await until(() => runner.processed === head);
    expect(await dumps([directory(), diary])).toEqual(await truth([directory(), diary]));
    expect(fatal).toEqual([]);
  });

  test('starts while the store is away, says that nothing serves, and begins when it is back', async () => {
    fillSamples(log);
    let isAway = true;
    const beforeRead = () => {
      if (isAway) throw new ReadStoreUnavailableError('nobody answers');
    };
    const runner = await start([directory(), diary], { store: new FaultyReadStore(store, { beforeRead }) });
    expect(runner.progress().map(({ serving, position }) => ({ serving, position }))).toEqual([
      { serving: false, position: START },
      { serving: false, position: START },
    ]);
    await until(() => clock.pending > 0);
    isAway = false;
    clock.advance(50);
    await until(() => runner.progress().every(({ serving }) => serving));
    expect(await runner.whenProcessed(log.head, LONG)).toBe(true);
    expect(await dumps([directory(), diary])).toEqual(await truth([directory(), diary]));
    expect(lines.find(({ level }) => level === 'warn')?.fields).toMatchObject({ reason: 'nobody answers' });
    expect(fatal).toEqual([]);
  });

  test('stops, and says so once, when somebody else writes', async () => {
    const runner = await start([directory(), diary]);
    const position = log.append([created('#a')]);
    await runner.whenProcessed(position, LONG);
    const next = { projection: 'test-journal', version: 1, position: 99, epoch: log.epoch };
    await store.write([], [{ next, expected: position }]);
    const waiting = runner.whenProcessed(log.append([created('#b')]), LONG);
    await until(() => fatal.length > 0);
    expect(fatal).toEqual([expect.any(CheckpointConflictError)]);
    expect(await waiting).toBe(false);
    expect(await store.collection(aliases).get(['#b'])).toBeUndefined();
    await runner.stop();
    expect(fatal).toHaveLength(1);
  });

  test('builds what is not there beside, and reads say so meanwhile', async () => {
    fillSamples(log);
    for (let i = 0; i < 300; i++) log.append([created(`#${i}`, `!${i % 7}`)]);
    let held = true;
    const slow: Projection = {
      ...directory(),
      evolve: async (record, documents) => {
        if (record.position > 200) await until(() => !held);
        await directory().evolve(record, documents);
      },
    };
    const runner = await start([slow]);
    await until(() => (runner.progress()[0]?.fraction ?? 0) > 0.2);
    expect(runner.progress()[0]).toMatchObject({
      projection: 'test-directory',
      version: 1,
      serving: false,
      head: log.head,
    });
    await expect(store.collection(aliases).get(['#a'])).rejects.toBeInstanceOf(ReadModelNotReadyError);
    held = false;
    expect(await runner.whenProcessed(log.head, LONG)).toBe(true);
    expect(runner.progress()[0]).toMatchObject({ serving: true, fraction: 1 });
    expect(await dumps([directory()])).toEqual(await truth([directory()]));
    expect(await runner.whenProcessed(log.append([created('#live')]), LONG)).toBe(true);
    expect(await store.collection(aliases).get(['#live'])).toBeDefined();
  });

  test.each([
    ['newer', 1, 2],
    ['older', 2, 1],
  ])(
    'builds a %s version beside the one that serves, switches, and drops the other',
    async (_, old, next) => {
      const first = await start([directory(old), diary]);
      fillSamples(log);
      await first.whenProcessed(log.head, LONG);
      await first.stop();
      fillSamples(log);
      let held = true;
      const slow: Projection = {
        ...directory(next),
        evolve: async (record, documents) => {
          await until(() => !held);
          await directory(next).evolve(record, documents);
        },
      };
      const second = await start([slow, diary]);
      // The diary goes on live, while the directory answers in its old shape.
      expect(await second.whenProcessed(log.append([profile(), created('#new')]), LONG)).toBe(true);
      expect(await store.serving()).toContainEqual({ projection: 'test-directory', version: old });
      const shape = old === 1 ? '#last' : 'v2:#last';
      expect(await store.collection(aliases).get([shape])).toBeDefined();
      held = false;
      await until(() => second.progress().every(({ serving, position }) => serving && position === log.head));
      await until(async () => (await store.checkpoints()).length === 2);
      expect(await store.serving()).toContainEqual({ projection: 'test-directory', version: next });
      expect(await store.version(aliases, old).find({ prefix: [] })).toEqual([]);
      expect(await dumps([directory(next), diary])).toEqual(await truth([directory(next), diary]));
      const position = log.append([created('#then'), profile()]);
      expect(await second.whenProcessed(position, LONG)).toBe(true);
      expect(await dumps([directory(next), diary])).toEqual(await truth([directory(next), diary]));
    },
  );

  test('goes on with a version that was being built when it stopped', async () => {
    for (let i = 0; i < 500; i++) log.append([created(`#${i}`, `!${i % 7}`)]);
    let folded = 0;
    const counted = (stopAt: number): Projection => ({
      ...directory(),
      evolve: async (record, documents) => {
        if (++folded === stopAt) void runners.at(-1)?.stop();
        await directory().evolve(record, documents);
      },
    });
    const first = await start([counted(200)]);
    await until(() => folded >= 200);
    await first.stop();
    const reached = (await store.checkpoint('test-directory', 1))?.position ?? START;
    expect(reached).toBeGreaterThan(100);
    expect(await store.serving()).toEqual([]);
    folded = 0;
    const second = await start([counted(-1)]);
    expect(await second.whenProcessed(log.head, LONG)).toBe(true);
    expect(folded).toBe(499 - reached);
    expect(await dumps([directory()])).toEqual(await truth([directory()]));
  });

  test('builds anew what was built from another history', async () => {
    const first = await start([directory()]);
    fillSamples(log);
    await first.whenProcessed(log.head, LONG);
    await first.stop();
    log = new MemoryLog({ epoch: 'restored' });
    log.append([created('#other')]);
    const second = await start([directory()]);
    expect(await second.whenProcessed(log.head, LONG)).toBe(true);
    expect(await store.collection(aliases).find({ prefix: [] })).toEqual([
      { alias: '#other', room: '!r', position: 0 },
    ]);
    expect(await store.checkpoint('test-directory', 1)).toMatchObject({ epoch: 'restored', position: 0 });
  });

  test('builds under constant appends, and joins without gap or double', async () => {
    fillSamples(log);
    const first = await start([diary]);
    await first.whenProcessed(log.head, LONG);
    await first.stop();
    for (let i = 0; i < 400; i++) log.append([created(`#${i}`, `!${i % 5}`), profile()]);
    const runner = await start([diary, directory()]);
    let appended = 0;
    await until(async () => {
      if (appended < 300) log.append([created(`#new${appended++}`, '!new')], 1 + (appended % 3));
      await setImmediate();
      return (
        appended === 300 &&
        runner.progress().every(({ serving, position }) => serving && position === log.head)
      );
    });
    expect(await dumps([diary, directory()])).toEqual(await truth([diary, directory()]));
    expect(fatal).toEqual([]);
  });

  test('gives the same documents whatever the interleaving of appends, waits, faults and restarts', async () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ append: fc.nat(20), room: fc.nat(3), gap: fc.integer({ min: 1, max: 4 }) }) },
      { weight: 3, arbitrary: fc.record({ turns: fc.nat(6) }) },
      { weight: 2, arbitrary: fc.record({ fails: fc.constantFrom<keyof Faults>('beforeWrite', 'afterWrite', 'beforeRead') }) },
      { weight: 1, arbitrary: fc.constant('restart' as const) },
    ); // prettier-ignore
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.integer({ min: 1, max: 5 }),
        async (steps, batchSize) => {
          for (const runner of runners.splice(0)) await runner.stop();
          for (const name of ['test-directory', 'test-journal']) await store.drop(name, 1);
          log = new MemoryLog({ batchSize });
          const pending = new Set<keyof Faults>();
          const fault = (moment: keyof Faults) => () => {
            if (pending.delete(moment)) throw new ReadStoreUnavailableError(moment);
          };
          const faults = {
            beforeRead: fault('beforeRead'),
            beforeWrite: fault('beforeWrite'),
            afterWrite: fault('afterWrite'),
          };
          const faulty = new FaultyReadStore(store, faults);
          const begin = async () => {
            let started: ProjectionRunner | undefined;
            void start([directory(), diary], { store: faulty }).then((one) => (started = one));
            await until(() => {
              clock.advance(1000);
              return started !== undefined;
            });
            return runners.at(-1) ?? expect.unreachable();
          };
          let runner = await begin();
          const waits: { position: number; done: boolean }[] = [];
          for (const one of steps) {
            if (one === 'restart') {
              await runner.stop();
              waits.length = 0;
              runner = await begin();
            } else if ('append' in one) {
              const position = log.append([created(`#${one.append}`, `!${one.room}`), profile()], one.gap);
              const wait = { position, done: false };
              void runner
                .whenProcessed(position, Number.MAX_SAFE_INTEGER)
                .then((reached) => (wait.done = reached));
              waits.push(wait);
            } else if ('fails' in one) pending.add(one.fails);
            else for (let i = 0; i < one.turns; i++) await setImmediate();
          }
          pending.clear();
          await until(() => {
            clock.advance(10_000);
            return runner.processed === log.head;
          });
          await setImmediate();
          expect(waits.filter(({ done }) => !done)).toEqual([]);
          expect(await dumps([directory(), diary])).toEqual(await truth([directory(), diary]));
          expect(fatal).toEqual([]);
          await runner.stop();
        },
      ),
      { numRuns: 25 },
    );
  });
});
