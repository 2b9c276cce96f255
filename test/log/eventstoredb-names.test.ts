import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StreamNames } from '../../src/log/eventstoredb-names.js';

/** As schemas/config.json allows them. */
const prefix = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,12}$/);
/** As the log allows them. */
const stream = fc.string({ minLength: 1, unit: 'grapheme' }).filter((name) => !name.startsWith('$'));

test('a stream is called by its prefix there, and found again', () => {
  fc.assert(
    fc.property(prefix, stream, (ours, name) => {
      const names = new StreamNames(ours);
      expect(names.ours(names.there(name))).toBe(name);
      expect(names.there(name).startsWith('$')).toBe(false);
    }),
  );
});

test('the streams of one prefix are never those of another', () => {
  fc.assert(
    fc.property(prefix, prefix, stream, (ours, other, name) => {
      fc.pre(ours !== other);
      expect(new StreamNames(ours).ours(new StreamNames(other).there(name))).toBeUndefined();
    }),
  );
});

test("the server's streams, metadata and the adapter's own stream are not of the log", () => {
  const names = new StreamNames('engram');
  for (const name of [
    '$all',
    '$$engram:room-!a',
    'engram',
    'engramroom',
    'engram.b:room-!a',
    names.history,
  ]) {
    expect(names.ours(name)).toBeUndefined();
  }
  expect(names.history).toBe('engram:$log');
});
