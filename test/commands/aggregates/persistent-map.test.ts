import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PersistentMap } from '../../../src/commands/aggregates/persistent-map.js';

it('holds what a map holds that was changed alike, and the ones before keep what they held', () => {
  const change = fc.record({ key: fc.integer({ min: 0, max: 60 }), value: fc.option(fc.nat()) });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 300 }), (changes) => {
      const expected = new Map<number, { n: number }>();
      let map = PersistentMap.empty<number, { n: number }>();
      const before: [PersistentMap<number, { n: number }>, Map<number, { n: number }>][] = [];
      for (const { key, value } of changes) {
        before.push([map, new Map(expected)]);
        if (value === null) expected.delete(key);
        else expected.set(key, { n: value });
        map = value === null ? map.without(key) : map.with(key, { n: value });
      }
      for (const [earlier, held] of [...before, [map, expected] as const]) {
        expect(new Map(earlier.entries())).toEqual(held);
        expect([earlier.size, new Set(earlier.keys()).size]).toEqual([held.size, held.size]);
        for (const key of held.keys()) expect(earlier.get(key)).toEqual(held.get(key));
      }
    }),
    { numRuns: 50 },
  );
});

it('takes ten thousand changes in no time', () => {
  const began = performance.now();
  let map = PersistentMap.empty<string, object>();
  for (let n = 0; n < 10_000; n++) map = map.with(`key ${n}`, {});
  expect(map.size).toBe(10_000);
  expect(performance.now() - began).toBeLessThan(2000);
});
