import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Turns } from '../../src/read-models/mongodb-turns.js';

test('shared turns go together, exclusive ones alone, and all of them come', async () => {
  const turn = fc.record({
    names: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1 }),
    shared: fc.boolean(),
    fails: fc.boolean(),
    length: fc.integer({ min: 0, max: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(turn, { maxLength: 20 }), async (wanted) => {
      const turns = new Turns();
      const inside = new Map<string, { shared: number; exclusive: number }>();
      let done = 0;
      const outcomes = wanted.map(({ names, shared, fails, length }) => {
        const of = shared ? names.slice(0, 1) : names;
        const action = async () => {
          for (const name of of) {
            const here = inside.get(name) ?? { shared: 0, exclusive: 0 };
            here[shared ? 'shared' : 'exclusive']++;
            inside.set(name, here);
            expect(here.exclusive === 0 || (here.exclusive === 1 && here.shared === 0)).toBe(true);
          }
          for (let i = 0; i < length; i++) await setImmediate();
          for (const name of of) {
            const here = inside.get(name);
            if (here !== undefined) here[shared ? 'shared' : 'exclusive']--;
          }
          done++;
          if (fails) throw new Error('fails');
        };
        return shared ? turns.shared(of[0] ?? '', action) : turns.exclusive(of, action);
      });
      const settled = await Promise.allSettled(outcomes);
      expect(done).toBe(wanted.length);
      expect(settled.map(({ status }) => status === 'rejected')).toEqual(wanted.map(({ fails }) => fails));
    }),
    { numRuns: 200 },
  );
});

test('turns of other names do not wait', async () => {
  const turns = new Turns();
  let end: (() => void) | undefined;
  const long = turns.exclusive(['a', 'b'], () => new Promise<void>((resolve) => (end = resolve)));
  expect(await turns.shared('c', async () => 'now')).toBe('now');
  const waiting = turns.shared('b', async () => 'then');
  end?.();
  await long;
  expect(await waiting).toBe('then');
});
