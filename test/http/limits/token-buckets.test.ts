import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBuckets } from '../../../src/http/limits/token-buckets.js';
import { ManualClock } from '../../support/manual-clock.js';

const RATE = { per_second: 2, burst: 3 };

describe('a token bucket', () => {
  it('gives a burst, then as much as flows in', () => {
    const clock = new ManualClock();
    const buckets = new TokenBuckets(clock);
    expect([1, 2, 3, 4].map(() => buckets.take(RATE, 'a'))).toEqual([0, 0, 0, 500]);
    clock.advance(499);
    expect(buckets.take(RATE, 'a')).toBe(1);
    clock.advance(1);
    expect([buckets.take(RATE, 'a'), buckets.take(RATE, 'a')]).toEqual([0, 500]);
    clock.advance(60_000);
    expect([1, 2, 3, 4].map(() => buckets.take(RATE, 'a'))).toEqual([0, 0, 0, 500]);
  });

  it('is of one key', () => {
    const buckets = new TokenBuckets(new ManualClock());
    for (let n = 0; n < 4; n++) buckets.take(RATE, 'a');
    expect(buckets.take(RATE, 'b')).toBe(0);
  });

  it('takes back what was not owed, and gives what costs more than it holds when it is full', () => {
    const clock = new ManualClock();
    const buckets = new TokenBuckets(clock);
    expect(buckets.take(RATE, 'a', 100)).toBe(0);
    expect(buckets.take(RATE, 'a', 100)).toBe(1500);
    buckets.giveBack(RATE, 'a');
    expect([buckets.take(RATE, 'a'), buckets.take(RATE, 'a')]).toEqual([0, 500]);
  });

  it('is forgotten when there are too many, the one that was used least recently first', () => {
    const buckets = new TokenBuckets(new ManualClock(), 2);
    for (const key of ['a', 'b', 'a', 'c', 'd']) buckets.take(RATE, key, 3);
    expect(buckets.size).toBe(2);
    expect([buckets.take(RATE, 'd'), buckets.take(RATE, 'a')]).toEqual([500, 0]);
  });

  it('never lets more through than its burst and what has flowed in, and refuses nobody who waits', () => {
    const step = fc.record({
      pause: fc.integer({ min: 0, max: 3000 }),
      cost: fc.integer({ min: 1, max: 4 }),
    });
    const rate = fc.record({
      per_second: fc.double({ min: 0.1, max: 50, noNaN: true }),
      burst: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(rate, fc.array(step, { maxLength: 60 }), (limit, steps) => {
        const clock = new ManualClock(0);
        const buckets = new TokenBuckets(clock);
        let taken = 0;
        for (const { pause, cost } of steps) {
          clock.advance(pause);
          const wait = buckets.take(limit, 'a', cost);
          if (wait === 0) taken += Math.min(cost, limit.burst);
          expect(taken).toBeLessThanOrEqual(
            limit.burst + (clock.monotonic() / 1000) * limit.per_second + 0.01,
          );
          if (wait > 0) {
            clock.advance(wait);
            expect(buckets.take(limit, 'a', cost)).toBe(0);
            taken += Math.min(cost, limit.burst);
          }
        }
      }),
    );
  });
});
