import { expect, test } from 'vitest';
import { Correspondence } from '../../../src/log/copy/correspondence.js';

const pairs = (...all: [number, number][]) => all.map(([source, target]) => ({ source, target }));

test('tells where a record is, and up to where another log has the same', () => {
  const known = new Correspondence();
  known.add(pairs([3, 30], [5, 31]));
  known.add(pairs([5, 31], [9, 40]));
  expect([2, 3, 4, 5, 8, 9, 10].map((source) => known.at(source))).toStrictEqual([
    undefined, 30, undefined, 31, undefined, 40, undefined,
  ]); // prettier-ignore
  expect([2, 3, 4, 5, 8, 9, 10].map((source) => known.upTo(source))).toStrictEqual([
    undefined, 30, 30, 31, 31, 40, 40,
  ]); // prettier-ignore
});

test('forgets all before a place where the order is another', () => {
  const known = new Correspondence();
  known.add(pairs([3, 30]));
  known.add(pairs([4, 42], [5, 41]));
  expect(known.upTo(5)).toBeUndefined();
  known.add(pairs([6, 43]));
  expect([known.upTo(5), known.upTo(7)]).toStrictEqual([undefined, 43]);
});

test('remembers the last, and no more than twice as many', () => {
  const known = new Correspondence(10);
  for (let n = 0; n < 100; n++) known.add(pairs([n, n + 1000]));
  expect([70, 99].map((n) => known.at(n))).toStrictEqual([undefined, 1099]);
  expect(known.at(90)).toBe(1090);
  expect(known.upTo(50)).toBeUndefined();
});
