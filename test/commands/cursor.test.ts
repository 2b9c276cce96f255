import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cursor } from '../../src/commands/cursor.js';
import type { WriteSide } from '../../src/commands/write-side.js';
import type { Log, RecordBatch } from '../../src/log/log.js';
import { START, type Position } from '../../src/log/position.js';
import { until } from '../support/until.js';
import { World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world.close());

/** The write side over the same log with positions far apart, as places in a file are. */
function farApart(side: WriteSide, distance: number): WriteSide {
  const { log } = side.ports;
  async function* subscribe(after: Position, signal: AbortSignal): AsyncGenerator<RecordBatch> {
    const from = after === START ? START : after / distance;
    for await (const batch of log.subscribe(from, signal)) {
      yield { ...batch, position: batch.position * distance };
    }
  }
  const far: Log = {
    epoch: log.epoch,
    head: log.head,
    heads: log.heads,
    damaged: log.damaged,
    end: () => log.end(),
    append: (stream, revision, records) => log.append(stream, revision, records),
    read: (stream, options) => log.read(stream, options),
    readAll: (options) => log.readAll(options),
    revision: (stream) => log.revision(stream),
    setRetention: (stream, retention) => log.setRetention(stream, retention),
    retention: (stream) => log.retention(stream),
    subscribe,
    close: () => log.close(),
  };
  return { ...side, ports: { ...side.ports, log: far } };
}

test('records its place by the records that it has passed, however far their positions are apart', async () => {
  const users = ['alice', 'bob', 'carol'];
  for (const user of users) await world.user(user);
  const distance = 1_000_000;
  const ending = new AbortController();
  const cursor = new Cursor(farApart(world.side, distance), 'idle', async () => false);
  const running = cursor.run(ending.signal);
  await until(() => cursor.position >= world.log.head * distance);
  ending.abort();
  await running;
  expect(await world.recordsOf('cursor.moved')).toHaveLength(0);
});

test('records its place when it did something', async () => {
  await world.user('dave');
  const ending = new AbortController();
  const cursor = new Cursor(world.side, 'busy', async ({ type }) => type === 'user.registered');
  const running = cursor.run(ending.signal);
  await until(async () => (await world.recordsOf('cursor.moved')).length > 0);
  ending.abort();
  await running;
});
