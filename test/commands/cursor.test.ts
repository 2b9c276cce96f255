import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Cursor } from '../../src/commands/cursor.js';
import type { Log, RecordBatch } from '../../src/log/log.js';
import { START, type Position } from '../../src/log/position.js';
import { until } from '../support/until.js';
import { World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world.close());

/** Lets a log's positions seem far apart to those who follow it, as places in a file are. */
function spread(log: Log, distance: number): void {
  const subscribe = log.subscribe.bind(log);
  async function* far(after: Position, signal: AbortSignal): AsyncGenerator<RecordBatch> {
    for await (const batch of subscribe(after === START ? START : after / distance, signal)) {
      yield { ...batch, position: batch.position * distance };
    }
  }
  vi.spyOn(log, 'subscribe').mockImplementation(far);
}

test('records its place by the records that it has passed, however far their positions are apart', async () => {
  for (const user of ['alice', 'bob', 'carol']) await world.user(user);
  const distance = 1_000_000;
  spread(world.log, distance);
  const ending = new AbortController();
  const cursor = new Cursor(world.side, 'idle', async () => false);
  const running = cursor.run(ending.signal);
  await until(() => cursor.position >= world.log.head * distance);
  ending.abort();
  await running;
  vi.restoreAllMocks();
  expect(await world.recordsOf('cursor.moved')).toHaveLength(0);
});

test('records its place at an orderly end, when it has passed some hundred', async () => {
  for (let n = 0; n < 120; n++) await world.user(`user${n}`);
  const ending = new AbortController();
  const cursor = new Cursor(world.side, 'ended', async () => false);
  const running = cursor.run(ending.signal);
  await until(() => cursor.position >= world.log.head);
  expect(await world.recordsOf('cursor.moved')).toHaveLength(0);
  ending.abort();
  await running;
  expect(await world.recordsOf('cursor.moved')).toHaveLength(1);
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
