import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { quarantineOf } from '../../projections/quarantine.js';
import { rebuild, type RebuildOptions, type RebuildProgress } from '../../projections/rebuild.js';
import type { ReadStore } from '../../src/read-models/store.js';
import { openLmdbReadStore } from '../../src/read-models/lmdb.js';
import { temporaryFolder } from '../support/folder.js';
import { MemoryLog } from '../support/memory-log.js';
import { dumpProjection } from '../support/projections.js';
import { aliases, created, diary, directory, fillSamples, profile } from './made-up.js';

describe('rebuild', () => {
  const projections = [directory(), diary];
  let log: MemoryLog;
  let closing: (() => Promise<void>)[];

  beforeEach(() => {
    closing = [];
    log = new MemoryLog();
    fillSamples(log);
    for (let i = 0; i < 700; i++) log.append([created(`#${i % 400}`, `!${i % 9}`), profile()]);
  });

  afterEach(async () => {
    for (const close of closing) await close();
  });

  function open(): ReadStore {
    const folder = temporaryFolder();
    const store = openLmdbReadStore(folder.path);
    closing.push(async () => {
      await store.close();
      folder.remove();
    });
    return store;
  }

  const run = (store: ReadStore, more: Partial<RebuildOptions> = {}) =>
    rebuild({ log, store, projections, ...more });

  test('builds everything, lets it serve, and finds it equal to what served', async () => {
    const [served, fresh] = [open(), open()];
    const first = await run(served);
    expect(first).toMatchObject({
      complete: true,
      position: log.head,
      quarantined: 2,
      compared: [],
      uncompared: [],
    });
    expect(await served.serving()).toHaveLength(2);
    const seen: RebuildProgress[] = [];
    const report = await run(fresh, { check: served, onProgress: (progress) => seen.push(progress) });
    expect(report).toMatchObject({ complete: true, position: log.head, uncompared: [] });
    expect(report.compared.map(({ collection, differing }) => [collection, differing])).toEqual([
      ['test_aliases', 0],
      ['test_rooms', 0],
      ['quarantine.test-directory', 0],
      ['test_journal', 0],
      ['quarantine.test-journal', 0],
    ]);
    expect(report.compared[0]?.documents).toBeGreaterThan(390);
    expect(seen.at(-1)).toEqual({ position: log.head, head: log.head, records: log.records.length });
    expect(seen.map(({ position }) => position)).toEqual(
      seen.map(({ position }) => position).sort((a, b) => a - b),
    );
  });

  test('compares at the position where the other store is, each projection at its own, and goes on to the end', async () => {
    const [served, fresh] = [open(), open()];
    const cut = new MemoryLog();
    cut.records.push(...log.records.filter((record) => record.position <= 300));
    await rebuild({ log: cut, store: served, projections: [diary] });
    cut.records.push(...log.records.filter((record) => record.position > 300 && record.position <= 331));
    await rebuild({ log: cut, store: served, projections: [directory()] });
    const report = await run(fresh, { check: served });
    expect(report).toMatchObject({ complete: true, position: log.head, uncompared: [] });
    expect(report.compared.map(({ differing }) => differing)).toEqual([0, 0, 0, 0, 0]);
    expect(await fresh.checkpoint('test-journal', 1)).toMatchObject({ position: log.head });
  });

  test('reports what differs, with the first of it', async () => {
    const [served, fresh] = [open(), open()];
    await run(served);
    const owner = { projection: 'test-directory', version: 1 };
    const next = { ...owner, position: log.head + 1, epoch: log.epoch };
    const bad = (alias: string) => ({ alias, room: 'bad', position: 0 });
    await served.write(
      [
        { ...owner, collection: aliases, key: ['#1'], document: bad('#1') },
        { ...owner, collection: aliases, key: ['#2'], document: undefined },
        ...Array.from({ length: 20 }, (_, i) => ({
          ...owner,
          collection: aliases,
          key: [`~${i}`],
          document: bad(`~${i}`),
        })),
      ],
      [{ next, expected: log.head }],
    );
    const report = await run(fresh, { check: served });
    expect(report.compared[0]).toMatchObject({ collection: 'test_aliases', differing: 22 });
    expect(report.compared[0]?.first).toHaveLength(10);
    expect(report.compared[0]?.first.slice(0, 3)).toEqual([
      { collection: 'test_aliases', key: ['#1'], kind: 'different' },
      { collection: 'test_aliases', key: ['#2'], kind: 'missing' },
      { collection: 'test_aliases', key: ['~0'], kind: 'extra' },
    ]);
    expect(report.compared.slice(1).map(({ differing }) => differing)).toEqual([0, 0, 0, 0]);
  });

  test('does not compare with other versions or another history', async () => {
    const [served, fresh] = [open(), open()];
    await rebuild({ log, store: served, projections: [directory(2)] });
    const other = new MemoryLog({ epoch: 'other' });
    other.append([profile()]);
    await rebuild({ log: other, store: served, projections: [diary] });
    const report = await run(fresh, { check: served });
    expect(report).toMatchObject({
      complete: true,
      compared: [],
      uncompared: ['test-directory', 'test-journal'],
    });
  });

  test.each([false, true])(
    'can be interrupted at any write, and goes on where it was (check: %s)',
    async (checked) => {
      const [served, store] = [open(), open()];
      await run(served);
      let calls = 0;
      let read = 0;
      for (let complete = false; !complete; calls++) {
        expect(calls).toBeLessThan(100);
        const controller = new AbortController();
        const signal = controller.signal;
        const options = { signal, onProgress: () => { controller.abort(); }, ...(checked && { check: served }) }; // prettier-ignore
        const report = await run(store, options);
        read += report.records;
        complete = report.complete;
      }
      expect(calls).toBeGreaterThan(2);
      expect(read).toBe(log.records.length);
      for (const projection of projections) {
        expect(await dumpProjection(store, projection)).toEqual(await dumpProjection(served, projection));
      }
    },
  );

  test('starts anew where the store is of another history', async () => {
    const store = open();
    const other = new MemoryLog({ epoch: 'other' });
    other.append([created('#gone'), profile({ broken: 1 })]);
    await rebuild({ log: other, store, projections });
    await run(store);
    expect(await store.collection(aliases).get(['#gone'])).toBeUndefined();
    expect(await store.collection(quarantineOf('test-journal')).count({ prefix: [] })).toBe(2);
  });

  test('of an empty log leaves everything serving, and empty', async () => {
    const store = open();
    expect(await rebuild({ log: new MemoryLog(), store, projections })).toMatchObject({
      complete: true,
      records: 0,
    });
    expect(await store.collection(aliases).find({ prefix: [] })).toEqual([]);
  });
});
