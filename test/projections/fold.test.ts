import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { slices } from '../../projections/fold.js';
import { MemoryLog } from '../support/memory-log.js';
import { projectionContract } from '../support/projections.js';
import { created, diary, directory, fillSamples, profile } from './made-up.js';

const samples = fillSamples(new MemoryLog());

projectionContract(directory(), samples);
projectionContract(diary, samples, { quarantined: 2 });

describe('slices', () => {
  test('keep order, lose nothing, and never part what shares a position', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 12 }), (commits, size) => {
        const log = new MemoryLog();
        commits.forEach((n, i) =>
          log.append(Array.from({ length: n }, () => (i % 2 === 0 ? profile() : created('#a')))),
        );
        const batch = { records: log.records, damaged: [], position: log.head + 3 };
        const cut = [...slices(batch, size)];
        expect(cut.flatMap((slice) => slice.records)).toEqual(log.records);
        expect(cut.at(-1)?.position).toBe(log.head + 3);
        for (const [i, slice] of cut.entries()) {
          const next = cut[i + 1];
          if (next !== undefined) {
            expect(slice.records.length).toBeGreaterThanOrEqual(size);
            expect(slice.position).toBe(slice.records.at(-1)?.position);
            expect(next.records[0]?.position).toBeGreaterThan(slice.position);
          }
          expect(slice.records.length).toBeLessThan(size + 5);
        }
      }),
    );
  });

  test('of nothing are one empty slice that moves the position', () => {
    expect([...slices({ records: [], damaged: [], position: 9 }, 10)]).toEqual([
      { records: [], position: 9 },
    ]);
  });
});
