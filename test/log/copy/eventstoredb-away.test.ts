import { afterEach, expect, test } from 'vitest';
import type { RawLog } from '../../../src/log/adapter.js';
import { LogCopy } from '../../../src/log/copy/log-copy.js';
import { LmdbLog } from '../../../src/log/lmdb.js';
import { NO_STREAM } from '../../../src/log/position.js';
import { RecordLog } from '../../../src/log/record-log.js';
import { systemClock } from '../../../src/runtime/clock.js';
import { systemRandom } from '../../../src/runtime/random.js';
import { collect, names, someRecords } from '../../contracts/log/tools.js';
import { eventStoreDbHarness, gateTo, onEventStoreDb } from '../../support/eventstoredb.js';
import { lmdbHarness } from '../../support/lmdb-log.js';
import { until } from '../../support/until.js';

onEventStoreDb('EventStoreDB, away while it is copied from or to', (url) => {
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  test.each(['there', 'back'])('the copy %s is whole, and in order', { timeout: 120_000 }, async (way) => {
    const [embedded, server] = [lmdbHarness(), eventStoreDbHarness(url)];
    closing.push(() => embedded.dispose());
    const { gate, url: through } = await gateTo(url);
    closing.push(() => gate.close());
    const lmdb = new LmdbLog({ folder: embedded.folder, clock: systemClock, random: systemRandom });
    closing.push(() => lmdb.close());
    const direct = await server.raw();
    closing.push(() => direct.close());
    const { keys } = embedded;
    const logs = [lmdb, direct].map((raw) => new RecordLog(raw, { keys, random: systemRandom }));
    const [here, there] = way === 'there' ? logs : logs.toReversed();
    if (here === undefined || there === undefined) throw new Error('Both are open.');
    for (let n = 0; n < 20; n++) {
      await Promise.all(
        Array.from({ length: 100 }, (_, i) =>
          here.append(`user-${i}`, n === 0 ? NO_STREAM : n - 1, someRecords(`${i} ${n} `, 1)),
        ),
      );
    }
    // Opened now, so that what it reads comes through the gate.
    const gated = await server.raw({ url: through });
    closing.push(() => gated.close());
    const [source, target]: [RawLog, RawLog] = way === 'there' ? [lmdb, gated] : [gated, lmdb];
    let steps = 0;
    let waits = 0;
    const copying = await LogCopy.begin({
      source,
      target,
      clock: systemClock,
      patience: 60_000,
      roundRecords: 100,
      onProgress: () => {
        if (++steps % 3 !== 2) return;
        if (steps % 2 === 0) gate.drop();
        else {
          void gate.cut();
          systemClock.after(300, () => void gate.open());
        }
      },
      onWaiting: () => waits++,
    });
    await copying.catchUp();
    expect(waits).toBeGreaterThan(0);
    expect(copying.counts.disordered).toBe(0);
    await until(() => direct.head >= gated.head);
    const wanted = await names(here.readAll());
    expect(await names(there.readAll())).toStrictEqual(wanted);
    expect(wanted).toHaveLength(2000);
    expect(await copying.compare()).toMatchObject({ records: 2000, differing: 0 });
    expect(await collect(there.read('user-7'))).toHaveLength(20);
  });
});
