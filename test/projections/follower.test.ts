import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ReadModelFollower, servedPosition } from '../../projections/follower.js';
import { ProjectionRunner } from '../../projections/runner.js';
import { START, type Position } from '../../src/log/position.js';
import { ReadStoreUnavailableError } from '../../src/read-models/errors.js';
import { openLmdbReadStore } from '../../src/read-models/lmdb.js';
import type { ReadStore } from '../../src/read-models/store.js';
import { systemClock } from '../../src/runtime/clock.js';
import { FaultyReadStore } from '../support/faulty-store.js';
import { temporaryFolder } from '../support/folder.js';
import { MemoryLog } from '../support/memory-log.js';
import { until } from '../support/until.js';
import { aliases, created, diary, directory } from './made-up.js';

const LONG = 20_000;
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

describe('a follower of read models that another process keeps', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let store: ReadStore;
  let log: MemoryLog;
  let ending: (() => Promise<void>)[];

  beforeEach(() => {
    folder = temporaryFolder();
    store = openLmdbReadStore(folder.path);
    log = new MemoryLog();
    ending = [];
  });

  afterEach(async () => {
    for (const end of ending.reverse()) await end();
    await store.close();
    folder.remove();
  });

  const projections = [directory(), diary];
  const names = new Set(projections.map(({ name }) => name));

  /** The process that keeps them. */
  async function keeper(): Promise<ProjectionRunner> {
    const onFatal = (error: unknown) => {
      throw error;
    };
    const runner = new ProjectionRunner({
      log,
      store,
      projections,
      clock: systemClock,
      logger: silent,
      onFatal,
    });
    ending.push(() => runner.stop());
    await runner.start();
    return runner;
  }

  function follower(options: { store?: ReadStore; onRecords?: (position: Position) => Promise<void> } = {}) {
    const readable: Position[] = [];
    const made = new ReadModelFollower({
      log,
      store: options.store ?? store,
      clock: systemClock,
      logger: silent,
      names,
      onRecords: async (_records, position) => options.onRecords?.(position),
      onReadable: (_records, position) => {
        readable.push(position);
      },
    });
    ending.push(() => made.stop());
    made.start(log.head);
    return { follower: made, readable };
  }

  test('says that something can be read when it can, and not before', async () => {
    const { follower: followed, readable } = follower();
    const position = log.append([created('#a')]);
    const waiting = followed.whenProcessed(position, LONG);
    await until(() => readable.length === 0 && followed.processed === START);
    expect(await store.serving()).toEqual([]);
    await keeper();
    expect(await waiting).toBe(true);
    expect(await store.collection(aliases).get(['#a'])).toBeDefined();
    expect(readable).toEqual([position]);
    for (let i = 0; i < 5; i++) {
      const next = log.append([created(`#${i}`)]);
      expect(await followed.whenProcessed(next, LONG)).toBe(true);
      expect(await store.collection(aliases).get([`#${i}`])).toBeDefined();
    }
  });

  test('first does what this process has to do with a batch', async () => {
    await keeper();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { follower: followed, readable } = follower({ onRecords: () => held });
    const position = log.append([created('#a')]);
    await until(async () => (await servedPosition(store, names)) === position);
    expect([followed.processed, readable]).toEqual([START, []]);
    release();
    expect(await followed.whenProcessed(position, LONG)).toBe(true);
  });

  test('goes on after the store was away', async () => {
    await keeper();
    let isAway = true;
    const away = () => {
      if (isAway) throw new ReadStoreUnavailableError('It is away.');
    };
    const { follower: followed } = follower({ store: new FaultyReadStore(store, { beforeRead: away }) });
    const position = log.append([created('#a')]);
    await until(async () => (await servedPosition(store, names)) === position);
    expect(followed.processed).toBeLessThan(position);
    isAway = false;
    expect(await followed.whenProcessed(position, LONG)).toBe(true);
  });

  test('tells those who wait that nothing comes when it stops', async () => {
    const { follower: followed } = follower();
    const waiting = followed.whenProcessed(1000, LONG);
    await followed.stop();
    expect(await waiting).toBe(false);
  });

  test('goes by the least of the models that count', async () => {
    expect(await servedPosition(store, names)).toBe(START);
    const position = log.append([created('#a')]);
    const runner = await keeper();
    await runner.whenProcessed(position, LONG);
    expect(await servedPosition(store, names)).toBe(position);
    await store.serve('of-another-program', 1);
    expect(await servedPosition(store, names)).toBe(position);
    expect(await servedPosition(store, new Set([...names, 'of-another-program']))).toBe(START);
  });
});
