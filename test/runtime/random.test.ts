import { expect, test } from 'vitest';
import { systemRandom } from '../../src/runtime/random.js';

test('randomness has the length that is asked for, and is never given twice', () => {
  const seen = new Set<string>();
  for (let i = 0; i < 3000; i++) {
    const length = 12 + (i % 60);
    const bytes = systemRandom.bytes(length);
    expect(bytes).toHaveLength(length);
    seen.add(Buffer.from(bytes.subarray(0, 12)).toString('hex'));
  }
  expect(seen.size).toBe(3000);
  expect(systemRandom.bytes(0)).toHaveLength(0);
  expect(new Set(systemRandom.bytes(5000)).size).toBe(256);
});

test('every bit of it is as often set as not', () => {
  const counts = new Array<number>(8).fill(0);
  for (let i = 0; i < 2000; i++)
    for (const byte of systemRandom.bytes(16))
      for (let bit = 0; bit < 8; bit++) counts[bit] = (counts[bit] ?? 0) + ((byte >> bit) & 1);
  for (const count of counts) expect(Math.abs(count / 32_000 - 0.5)).toBeLessThan(0.02);
});
