import { join } from 'node:path';
import fc from 'fast-check';
import { open } from 'lmdb';
import { expect, test } from 'vitest';
import { OverlaidTable, type TableRange } from '../../src/log/lmdb-overlay.js';
import { temporaryFolder } from '../support/folder.js';

const key = fc.nat(60).map((n) => Buffer.from([n >> 2, n & 3]));
const range = fc.record(
  { start: key, end: key, reverse: fc.boolean(), limit: fc.nat(8) },
  { requiredKeys: [] },
);
const step = fc.oneof(
  fc.record({ do: fc.constant('put' as const), key, value: fc.option(fc.nat(9), { nil: undefined }) }),
  fc.constant({ do: 'freeze' as const }),
  fc.constant({ do: 'settle' as const }),
);

test('a table with changes over it reads as one that has them', async () => {
  const folder = temporaryFolder();
  let nth = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.array(range, { minLength: 5, maxLength: 12 }),
      async (steps, ranges) => {
        const options = { encoding: 'binary', keyEncoding: 'binary', noSubdir: true } as const;
        const [root, plain] = ['a', 'b'].map((name) =>
          open<Buffer, Buffer>(join(folder.path, `${name}${nth++}`), options),
        ) as [ReturnType<typeof open<Buffer, Buffer>>, ReturnType<typeof open<Buffer, Buffer>>];
        const table = new OverlaidTable(root);
        let frozen: ReturnType<OverlaidTable['freeze']> | undefined;
        for (const one of steps) {
          if (one.do === 'put') {
            const value = one.value === undefined ? undefined : Buffer.from([one.value]);
            table.put(one.key, value);
            if (value === undefined) plain.removeSync(one.key);
            else plain.putSync(one.key, value);
          } else if (one.do === 'freeze') {
            frozen ??= table.freeze();
          } else if (frozen !== undefined) {
            for (const { key: at, value } of frozen) {
              if (value === undefined) root.removeSync(at);
              else root.putSync(at, value);
            }
            table.settle();
            frozen = undefined;
          }
        }
        const list = (entries: Iterable<{ key: Buffer; value: Buffer }>) =>
          [...entries].map((entry) => [
            Buffer.from(entry.key).toString('hex'),
            Buffer.from(entry.value).toString('hex'),
          ]);
        for (const asked of [{}, ...ranges] as TableRange[]) {
          const expected = asked.limit === 0 ? [] : list(plain.getRange(asked));
          expect(list(table.getRange(asked)), JSON.stringify(asked)).toEqual(expected);
          expect([...table.getKeys(asked)].map((at) => Buffer.from(at).toString('hex'))).toEqual(
            expected.map(([at]) => at),
          );
        }
        for (let n = 0; n < 60; n++) {
          const at = Buffer.from([n >> 2, n & 3]);
          expect(table.getBinary(at)).toEqual(plain.getBinary(at));
        }
        await Promise.all([root.close(), plain.close()]);
      },
    ),
    { numRuns: 40 },
  );
  folder.remove();
});
