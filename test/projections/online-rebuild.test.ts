import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Projection } from '../../projections/projection.js';
import { rebuild } from '../../projections/rebuild.js';
import { ProjectionRunner } from '../../projections/runner.js';
import { openLmdbReadStore } from '../../src/read-models/lmdb.js';
import type { ReadStore } from '../../src/read-models/store.js';
import { temporaryFolder } from '../support/folder.js';
import { ManualClock } from '../support/manual-clock.js';
import { MemoryLog } from '../support/memory-log.js';
import { until } from '../support/until.js';
import { aliases, created, diary, directory, fillSamples, profile } from './made-up.js';

const LONG = 60_000;

describe('rebuilding what serves, beside itself', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let store: ReadStore;
  let log: MemoryLog;
  let fatal: unknown[];
  let runners: ProjectionRunner[];

  beforeEach(() => {
    folder = temporaryFolder();
    store = openLmdbReadStore(folder.path);
    log = new MemoryLog();
    [fatal, runners] = [[], []];
  });

  afterEach(async () => {
    for (const runner of runners) await runner.stop();
    await store.close();
    folder.remove();
  });

  async function start(projections: readonly Projection[]): Promise<ProjectionRunner> {
    const silent = () => undefined;
    const logger = { info: silent, warn: silent, error: silent };
    const onFatal = (error: unknown) => fatal.push(error);
    const runner = new ProjectionRunner({
      log,
      store,
      projections,
      clock: new ManualClock(),
      logger,
      onFatal,
    });
    runners.push(runner);
    await runner.start();
    return runner;
  }

  test('builds the same version again beside itself, switches, and drops what served', async () => {
    const projections = [directory(), diary];
    const runner = await start(projections);
    fillSamples(log);
    await runner.whenProcessed(log.head, LONG);
    expect(runner.rebuildProgress()).toEqual({ building: false, fraction: 1 });
    for (let round = 0; round < 2; round++) {
      const before = await store.serving();
      runner.rebuild();
      runner.rebuild();
      expect(runner.rebuildProgress().building).toBe(true);
      // What is recorded meanwhile is answered as ever.
      expect(await runner.whenProcessed(log.append([profile(), created(`#round${round}`)]), LONG)).toBe(true);
      expect(await store.collection(aliases).get([`#round${round}`])).toBeDefined();
      await until(() => !runner.rebuildProgress().building);
      await until(async () => (await store.checkpoints()).length === 2);
      const after = await store.serving();
      expect(after.map(({ projection }) => projection).sort()).toEqual(before.map(({ projection }) => projection).sort()); // prettier-ignore
      expect(after.some((one) => before.some(({ version }) => version === one.version))).toBe(false);
      expect(await runner.whenProcessed(log.append([created(`#then${round}`)]), LONG)).toBe(true);
      expect(await store.collection(aliases).get([`#then${round}`])).toBeDefined();
    }
    expect(fatal).toEqual([]);
    await runner.stop();
    const again = await start(projections);
    expect(again.progress().every(({ serving, version }) => serving && version < 10)).toBe(true);
    expect(await again.whenProcessed(log.append([created('#last')]), LONG)).toBe(true);
    await again.stop();
    const fresh = temporaryFolder();
    const beside = openLmdbReadStore(fresh.path);
    const report = await rebuild({ log, store: beside, projections, check: store });
    await beside.close();
    fresh.remove();
    expect(report.uncompared).toEqual([]);
    expect(report.compared.every(({ differing }) => differing === 0)).toBe(true);
    expect(report.compared.some(({ documents }) => documents > 0)).toBe(true);
  });

  test('gives up what was half rebuilt when it stopped, and rebuilds when it is asked again', async () => {
    for (let i = 0; i < 300; i++) log.append([created(`#${i}`)]);
    let folded = 0;
    const counted: Projection = {
      ...directory(),
      evolve: async (record, documents) => {
        if (++folded === 400) void runners.at(-1)?.stop();
        await directory().evolve(record, documents);
      },
    };
    const first = await start([counted]);
    await first.whenProcessed(log.head, LONG);
    first.rebuild();
    await until(() => folded >= 400);
    await first.stop();
    const second = await start([counted]);
    expect(await second.whenProcessed(log.head, LONG)).toBe(true);
    second.rebuild();
    await until(() => !second.rebuildProgress().building);
    expect(await second.whenProcessed(log.append([created('#after')]), LONG)).toBe(true);
    expect(await store.collection(aliases).get(['#299'])).toBeDefined();
    expect(fatal).toEqual([]);
  });
});
