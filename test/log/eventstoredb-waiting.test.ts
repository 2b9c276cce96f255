import { describe, expect, test } from 'vitest';
import { GivenUpError, NotBegunError } from '../../src/log/eventstoredb-errors.js';
import { bounded, pause, Places } from '../../src/log/eventstoredb-waiting.js';
import { ManualClock } from '../support/manual-clock.js';

const never = new Promise<never>(() => undefined);

describe('a bounded call', () => {
  test('ends as its work does, and leaves nothing behind', async () => {
    const clock = new ManualClock();
    const breaking = new Set<() => void>();
    await expect(bounded(Promise.resolve(7), clock, 100, breaking)).resolves.toBe(7);
    await expect(bounded(Promise.reject(new Error('no')), clock, 100, breaking)).rejects.toThrow('no');
    expect([clock.pending, breaking.size]).toStrictEqual([0, 0]);
  });

  test('is given up when it takes too long, or its connection breaks', async () => {
    const clock = new ManualClock();
    const breaking = new Set<() => void>();
    const late = expect(bounded(never, clock, 100, breaking)).rejects.toThrow('no answer after 100 ms');
    clock.advance(100);
    await late;
    const broken = expect(bounded(never, clock, 100, breaking)).rejects.toBeInstanceOf(GivenUpError);
    for (const giveUp of breaking) giveUp();
    await broken;
    expect([clock.pending, breaking.size]).toStrictEqual([0, 0]);
  });
});

test('a pause ends with its time or its signal', async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const whole = pause(clock, 50, stop.signal);
  clock.advance(50);
  await whole;
  const cut = pause(clock, 50, stop.signal);
  stop.abort();
  await cut;
  await pause(clock, 50, stop.signal);
  expect(clock.pending).toBe(0);
});

describe('places', () => {
  test('are for so many at once, in the order of coming', async () => {
    const clock = new ManualClock();
    const places = new Places(2, clock);
    const entered: number[] = [];
    const waiting = [1, 2, 3, 4].map(async (n) => {
      await places.take(100);
      entered.push(n);
    });
    await Promise.all(waiting.slice(0, 2));
    expect(entered).toStrictEqual([1, 2]);
    places.leave();
    await waiting[2];
    places.leave();
    await waiting[3];
    expect(entered).toStrictEqual([1, 2, 3, 4]);
  });

  test('are not waited for without end, nor lost by those who gave up', async () => {
    const clock = new ManualClock();
    const places = new Places(1, clock);
    await places.take(100);
    const refused = expect(places.take(100)).rejects.toBeInstanceOf(NotBegunError);
    clock.advance(100);
    await refused;
    places.leave();
    await places.take(100);
    expect(clock.pending).toBe(0);
  });
});
