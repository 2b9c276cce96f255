import { expect, test } from 'vitest';
import { LogUnavailableError } from '../../src/log/errors.js';
import type { NewRecord } from '../../src/log/log.js';
import { NO_STREAM, START } from '../../src/log/position.js';
import { collect, someRecords } from '../contracts/log/tools.js';
import { eventStoreDbHarness } from '../support/eventstoredb.js';
import { EVENTSTOREDB_COMMAND, eventStoreDbProcess } from '../support/eventstoredb-process.js';
import { until } from '../support/until.js';

const command = EVENTSTOREDB_COMMAND;
const KILLS = 5;
const WRITERS = 10;
/** How many appends are answered between two kills. */
const APPENDS = 150;

const name =
  'an EventStoreDB that is killed under load loses nothing that was acknowledged, and doubles nothing';

if (command === undefined || command === '') {
  test.skip(`${name} (skipped: ENGRAM_TEST_EVENTSTOREDB_COMMAND says how to start no server)`);
} else {
  test(name, { timeout: 120_000 }, () => killed(command));
}

async function killed(startedBy: string): Promise<void> {
  const server = await eventStoreDbProcess(startedBy);
  server.start();
  const harness = eventStoreDbHarness(server.url);
  const log = await harness.open();
  const stop = new AbortController();
  const acknowledged = new Map<string, string[]>();
  let appends = 0;

  /** As commands do: what became of an append is found out by repeating it. */
  async function settled(stream: string, expected: number, records: readonly NewRecord[]): Promise<number> {
    for (;;) {
      try {
        return (await log.append(stream, expected, records)).revision;
      } catch (error) {
        if (!(error instanceof LogUnavailableError)) throw error;
      }
    }
  }
  async function write(stream: string): Promise<void> {
    const ids: string[] = [];
    acknowledged.set(stream, ids);
    let revision = NO_STREAM;
    while (!stop.signal.aborted) {
      const records = someRecords(`${stream} `, 1 + (appends % 3));
      revision = await settled(stream, revision, records);
      ids.push(...records.map(({ id }) => id));
      expect(revision).toBe(ids.length - 1);
      appends++;
    }
  }
  const seen: string[] = [];
  async function follow(): Promise<void> {
    let position = START;
    while (!stop.signal.aborted) {
      try {
        for await (const batch of log.subscribe(position, stop.signal)) {
          seen.push(...batch.records.map(({ id }) => id));
          position = batch.position;
        }
      } catch (error) {
        if (!(error instanceof LogUnavailableError)) throw error;
      }
    }
  }

  try {
    const following = follow();
    const writing = Promise.all(Array.from({ length: WRITERS }, (_, i) => write(`user-${i}`)));
    for (let kill = 0; kill < KILLS; kill++) {
      const before = appends;
      await until(() => appends >= before + APPENDS);
      await server.kill();
      server.start();
    }
    const before = appends;
    await until(() => appends >= before + APPENDS);
    const all = () => [...acknowledged.values()].reduce((sum, ids) => sum + ids.length, 0);
    const sampled = all();
    await until(() => seen.length >= sampled);
    stop.abort();
    await Promise.all([writing, following]);

    for (const [stream, ids] of acknowledged) {
      const read = await collect(log.read(stream));
      expect(read.map(({ id }) => id)).toStrictEqual(ids);
    }
    const order = (await collect(log.readAll())).map(({ id }) => id);
    expect(order).toHaveLength(all());
    expect(seen).toStrictEqual(order.slice(0, seen.length));
    expect(log.damaged).toStrictEqual([]);
  } finally {
    stop.abort();
    await log.close();
    await server.end();
  }
}
