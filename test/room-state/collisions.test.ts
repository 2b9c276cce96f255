import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { diff } from '../../src/room-state/diff.js';
import { CachedNodes } from '../../src/room-state/nodes.js';
import { MAX_DEPTH, pathOf } from '../../src/room-state/path.js';
import { EMPTY_ROOT, entries, lookup, size } from '../../src/room-state/trie.js';
import { Tries } from './tries.js';

// Hashes that share long prefixes, or everything, cannot be found by trying: so here the paths are weak.
vi.mock('../../src/room-state/path.js', async (original) => ({
  ...(await original<typeof import('../../src/room-state/path.js')>()),
  pathOf: (key: string) =>
    key
      .replace(/[^0-7]/g, '')
      .padEnd(42, '0')
      .slice(0, 42),
}));

const collidingKey = fc.oneof(
  fc.tuple(fc.nat(41), fc.nat(7)).map(([depth, digit]) => '1'.repeat(depth) + String(digit)),
  fc.nat(60).map((n) => `3${'x'.repeat(n)}`),
  fc.nat(20).map((n) => `${'1'.repeat(42)}${'x'.repeat(n)}`),
);

test('the weak paths are in use', () => {
  expect(pathOf('12x3')).toBe('123'.padEnd(MAX_DEPTH, '0'));
});

test('keys whose paths share much, or are equal, keep apart; no node is deeper than the bound', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(collidingKey, fc.option(fc.constantFrom('a', 'b'), { nil: undefined, freq: 3 })), {
        minLength: 30,
        maxLength: 150,
      }),
      (steps) => {
        const tries = new Tries();
        const model = new Map<string, string>();
        let root = EMPTY_ROOT;
        for (const [key, value] of steps) {
          root = tries.update(root, new Map([[key, value]]));
          if (value === undefined) model.delete(key);
          else model.set(key, value);
        }
        const fresh = new CachedNodes(tries.store);
        expect(tries.of(model)).toBe(root);
        expect(size(fresh, root)).toBe(model.size);
        expect(new Map(entries(fresh, root))).toEqual(model);
        for (const [key, value] of model) {
          let reads = 0;
          const counted = { read: (hash: string) => (reads++, fresh.read(hash)) };
          expect(lookup(counted, root, key)).toBe(value);
          expect(reads).toBeLessThanOrEqual(MAX_DEPTH + 1);
        }
        const half = new Map([...model].filter((_, n) => n % 2 === 0));
        const gone = [...diff(fresh, root, tries.of(half))].map(({ key }) => key);
        expect(new Set(gone)).toEqual(new Set([...model.keys()].filter((key) => !half.has(key))));
      },
    ),
  );
});
