import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProcessedPositions } from '../../projections/positions.js';
import { START } from '../../src/log/position.js';
import { ManualClock } from '../support/manual-clock.js';

describe('processed positions', () => {
  test('are told at once when they are there, and when they come', async () => {
    const positions = new ProcessedPositions(new ManualClock());
    expect(await positions.whenProcessed(START, 0)).toBe(true);
    const wait = positions.whenProcessed(5, 1000);
    positions.publish(5);
    expect(await wait).toBe(true);
    expect(await positions.whenProcessed(5, 0)).toBe(true);
    expect(await positions.whenProcessed(6, 0)).toBe(false);
  });

  test('never go back, and are observed in order', () => {
    const positions = new ProcessedPositions(new ManualClock());
    const seen: number[] = [];
    positions.positions.subscribe((position) => seen.push(position));
    for (const position of [3, 2, 3, 7]) positions.publish(position);
    expect(seen).toEqual([START, 3, 7]);
    expect(positions.processed).toBe(7);
  });

  test('say no when time is up or nothing comes any more, and leave no timer behind', async () => {
    const clock = new ManualClock();
    const positions = new ProcessedPositions(clock);
    const [late, closed] = [positions.whenProcessed(5, 100), positions.whenProcessed(5, 1000)];
    clock.advance(100);
    expect(await late).toBe(false);
    positions.close();
    expect(await closed).toBe(false);
    expect(await positions.whenProcessed(9, 1000)).toBe(false);
    expect(clock.pending).toBe(0);
  });

  test('wake everybody who waits, whatever the order of waiting, publishing and time', async () => {
    const step = fc.oneof(
      fc.record({ wait: fc.nat(30), timeout: fc.integer({ min: 1, max: 50 }) }),
      fc.record({ publish: fc.nat(30) }),
      fc.record({ pass: fc.nat(20) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const clock = new ManualClock(0);
        const positions = new ProcessedPositions(clock);
        const reachedAt = new Map<number, number>();
        const waits: { position: number; deadline: number; answer: Promise<boolean>; settled: boolean }[] =
          [];
        const check = async () => {
          await new Promise(setImmediate);
          for (const { position, deadline, settled } of waits) {
            // Settled exactly when the position was reached or its time was up: neither lost nor early.
            expect(settled).toBe(positions.processed >= position || clock.now() >= deadline);
          }
        };
        for (const one of steps) {
          if ('wait' in one) {
            const answer = positions.whenProcessed(one.wait, one.timeout);
            const wait = { position: one.wait, deadline: clock.now() + one.timeout, answer, settled: false };
            void answer.then(() => (wait.settled = true));
            waits.push(wait);
          } else if ('publish' in one) {
            positions.publish(one.publish);
            for (let p = 0; p <= one.publish; p++) if (!reachedAt.has(p)) reachedAt.set(p, clock.now());
          } else clock.advance(one.pass);
          await check();
        }
        clock.advance(100);
        for (const { position, deadline, answer } of waits) {
          const reached = reachedAt.get(position);
          expect(await answer).toBe(reached !== undefined && reached < deadline);
        }
        expect(clock.pending).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});
