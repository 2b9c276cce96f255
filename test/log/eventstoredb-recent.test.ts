import { expect, test } from 'vitest';
import type { RawStored } from '../../src/log/adapter.js';
import { RecentRecords } from '../../src/log/eventstoredb-recent.js';

function stored(position: number, stream = 'a', revision = position, bytes = 10): RawStored {
  const [data, metadata] = [new Uint8Array(bytes), new Uint8Array(0)];
  return { id: `${stream}${revision}`, type: 't', data, metadata, stream, revision, position };
}

test('gives what comes after a position that it covers, in batches', () => {
  const recent = new RecentRecords();
  recent.resume(100);
  for (const position of [110, 120, 130]) recent.add(stored(position));
  expect([recent.covers(99), recent.covers(100), recent.covers(115)]).toStrictEqual([false, true, true]);
  const positions = (after: number, to: number, size = 500) => {
    const batch = recent.batch(after, to, size);
    return [batch.records.map((record) => record.position), batch.position];
  };
  expect(positions(100, 130)).toStrictEqual([[110, 120, 130], 130]);
  expect(positions(110, 125)).toStrictEqual([[120], 125]);
  expect(positions(105, 130, 2)).toStrictEqual([[110, 120], 120]);
  expect(positions(130, 130)).toStrictEqual([[], 130]);
});

test('begins anew where something was missed, and goes on where nothing was', () => {
  const recent = new RecentRecords();
  recent.resume(100);
  recent.add(stored(110));
  recent.resume(110);
  expect(recent.covers(100)).toBe(true);
  recent.passed(150);
  recent.resume(150);
  expect(recent.covers(100)).toBe(true);
  recent.resume(200);
  expect([recent.covers(150), recent.covers(200), recent.position]).toStrictEqual([false, true, 200]);
});

test('keeps only so many, and so much', () => {
  const many = new RecentRecords();
  for (let position = 1; position <= 20_000; position++) many.add(stored(position));
  expect([many.covers(14_000), many.covers(18_000)]).toStrictEqual([false, true]);
  const large = new RecentRecords();
  for (let position = 1; position <= 100; position++) large.add(stored(position, 'a', position, 1_000_000));
  expect([large.covers(90), large.covers(98)]).toStrictEqual([false, true]);
});

test('finds where records of one append are, among others', () => {
  const recent = new RecentRecords();
  for (const [i, [stream, revision]] of (
    [
      ['a', 3],
      ['b', 0],
      ['a', 4],
      ['b', 1],
      ['a', 5],
      ['a', 6],
    ] as const
  ).entries()) {
    recent.add(stored(10 * (i + 1), stream, revision));
  }
  const ids = (...names: string[]) => names.map((id) => ({ ...stored(0), id }));
  expect(recent.positionsOf('a', 4, ids('a4', 'a5'))).toStrictEqual([30, 50]);
  expect(recent.positionsOf('b', 0, ids('b0', 'b1'))).toStrictEqual([20, 40]);
  expect(recent.positionsOf('a', 4, ids('a4', 'x'))).toBeUndefined();
  expect(recent.positionsOf('a', 2, ids('a2', 'a3'))).toBeUndefined();
  expect(recent.positionsOf('c', 0, ids('c0'))).toBeUndefined();
});
