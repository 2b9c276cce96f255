import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { comparison } from '../../bench/compare.mjs';
import { latencies, mannWhitney, median, noiseBand, percentile } from '../../bench/statistics.mjs';

describe('a percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, n) => n + 1);

  it.each([
    [0, 1],
    [0.5, 51],
    [0.99, 100],
    [1, 100],
  ])('of a hundred values at %d is the %dth', (share, value) => {
    expect(percentile(hundred, share)).toBe(value);
  });

  it('of latencies does not need them sorted', () => {
    expect(latencies([...hundred].reverse())).toEqual({ 'p50 (ms)': 51, 'p99 (ms)': 100 });
  });
});

describe('a median', () => {
  it('is the middle one, or halfway between the two in the middle', () => {
    expect(median([9, 1, 3])).toBe(3);
    expect(median([9, 1, 3, 5])).toBe(4);
  });
});

describe('the Mann-Whitney test', () => {
  it('gives the probabilities of its tables', () => {
    expect(mannWhitney([1, 2, 3], [4, 5, 6])).toBeCloseTo(2 / 20, 10);
    expect(mannWhitney([1, 2, 3, 4], [5, 6, 7, 8])).toBeCloseTo(2 / 70, 10);
    expect(mannWhitney([1, 2, 4], [3, 5, 6])).toBeCloseTo(4 / 20, 10);
    expect(mannWhitney([1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12])).toBeCloseTo(2 / 924, 10);
  });

  it('takes what is all alike for noise', () => {
    expect(mannWhitney([5, 5, 5, 5], [5, 5, 5, 5])).toBe(1);
  });

  it('does not mind which group is named first, nor the unit', () => {
    const group = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 7 });
    fc.assert(
      fc.property(group, group, (a, b) => {
        const p = mannWhitney(a, b);
        expect(p).toBeGreaterThan(0);
        expect(p).toBeLessThanOrEqual(1);
        expect(mannWhitney(b, a)).toBeCloseTo(p, 10);
        expect(
          mannWhitney(
            a.map((value) => 10 * value),
            b.map((value) => 10 * value),
          ),
        ).toBeCloseTo(p, 10);
      }),
    );
  });
});

describe('the noise band', () => {
  it('is that of the values around their medians, however far these lie apart', () => {
    const a = [10, 11, 12, 13, 14, 15];
    const near = noiseBand(a, a);
    expect(near).toBeGreaterThan(0);
    expect(near).toBeLessThan(5);
    expect(
      noiseBand(
        a,
        a.map((value) => value + 1000),
      ),
    ).toBe(near);
  });

  it('is nothing where nothing varies', () => {
    expect(noiseBand([3, 3, 3], [8, 8, 8])).toBe(0);
  });
});

describe('a comparison', () => {
  const slow = [100, 101, 102, 103, 104, 105];
  const fast = slow.map((value) => value + 20);

  it('knows which way is better', () => {
    expect(comparison({ better: 'higher' }, slow, fast).verdict).toBe('better');
    expect(comparison({ better: 'lower' }, slow, fast).verdict).toBe('worse');
  });

  it('gives the difference as a share of the first', () => {
    const { medianA, medianB, change } = comparison({ better: 'higher' }, slow, fast);
    expect([medianA, medianB]).toEqual([102.5, 122.5]);
    expect(change).toBeCloseTo(20 / 102.5, 10);
  });

  it('calls noise what may be chance', () => {
    const alike = slow.map((value) => value + 0.5);
    expect(comparison({ better: 'higher' }, slow, alike).verdict).toBe('noise');
  });
});
