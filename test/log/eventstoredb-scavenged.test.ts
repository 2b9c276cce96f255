import { expect, test } from 'vitest';
import type { EventStoreDbLog } from '../../src/log/eventstoredb.js';
import { NO_STREAM, START, type Position } from '../../src/log/position.js';
import { collectRaw, eventStoreDbHarness, rawRecord } from '../support/eventstoredb.js';
import { EVENTSTOREDB_COMMAND, eventStoreDbProcess } from '../support/eventstoredb-process.js';
import { until } from '../support/until.js';

const command = EVENTSTOREDB_COMMAND;
const name = 'readers of an EventStoreDB that is scavenged under them miss nothing that is left';

if (command === undefined || command === '') {
  test.skip(`${name} (skipped: ENGRAM_TEST_EVENTSTOREDB_COMMAND says how to start no server)`);
} else {
  test(name, { timeout: 60_000 }, () => scavenged(command));
}

/** What is written here fills several chunks of this size, and only full ones are scavenged. */
const SMALL_CHUNKS = '--chunk-size 4194304 --chunks-cache-size 16777216';

async function scavenged(startedBy: string): Promise<void> {
  const server = await eventStoreDbProcess(`${startedBy} ${SMALL_CHUNKS}`);
  server.start();
  const harness = eventStoreDbHarness(server.url);
  const log = await harness.raw();
  const logs: EventStoreDbLog[] = [log];
  try {
    const gone = await fill(log, 'gone', 60);
    const left = await fill(log, 'left', 60);
    await log.setRetention('gone', { truncateBefore: 40 });
    await fetch(`http://127.0.0.1:${server.port}/admin/scavenge`, { method: 'POST' });
    // One that was opened later has nothing at hand, and reads what the server has.
    const later = await harness.raw();
    logs.push(later);
    const from = (after: Position) => revisions(later, { direction: 'forwards', after });
    await until(async () => (await from(START)).length === 80);

    const [rest, all] = [
      Array.from({ length: 20 }, (_, i) => `gone ${i + 40}`),
      left.map((_, i) => `left ${i}`),
    ];
    for (const nth of [0, 1, 20, 39]) {
      const position = gone[nth] ?? START;
      for (const beside of [-1, 0, 1]) expect(await from(position + beside)).toStrictEqual([...rest, ...all]);
      expect(await revisions(later, { direction: 'backwards', before: position })).toStrictEqual([]);
    }
    expect(await from(gone[50] ?? START)).toStrictEqual([...rest.slice(11), ...all]);
    expect([later.epoch, later.head]).toStrictEqual([log.epoch, log.head]);
    expect(await later.revision('gone')).toBe(59);
    expect((await later.append('gone', 59, [rawRecord('t')])).revision).toBe(60);
    await until(() => log.head === later.head);
  } finally {
    for (const open of logs) await open.close();
    await server.end();
  }
}

async function fill(log: EventStoreDbLog, stream: string, count: number): Promise<Position[]> {
  const positions: Position[] = [];
  let revision = NO_STREAM;
  while (positions.length < count) {
    const appended = await log.append(stream, revision, [rawRecord('t', 100_000), rawRecord('t', 100_000)]);
    revision = appended.revision;
    positions.push(...appended.positions);
  }
  return positions;
}

async function revisions(
  log: EventStoreDbLog,
  options: Parameters<EventStoreDbLog['readAll']>[0],
): Promise<string[]> {
  return (await collectRaw(log.readAll(options))).map(({ stream, revision }) => `${stream} ${revision}`);
}
