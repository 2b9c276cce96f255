import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KeyError } from '../../src/read-models/errors.js';
import {
  compareKeys,
  encodeDocumentKey,
  encodeEntry,
  encodeKey,
  MAX_ENTRY_BYTES,
} from '../../src/read-models/keys.js';

const unit = fc.oneof(fc.constantFrom('\0', '\x01', '\ud800', '\udbff', '\udc00', '\udfff', '\ue000', '\uffff', '😀', '🿿', 'a'), fc.string({ unit: 'binary', maxLength: 1 })); // prettier-ignore
const text = fc.array(unit, { maxLength: 4 }).map((units) => units.join(''));
const number = fc.oneof(
  fc.integer({ min: -2, max: 2 }),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const key = fc.array(fc.oneof(text, number), { maxLength: 4 });

describe('keys as bytes', () => {
  test('compare as keys do, and are equal only when keys are', () => {
    fc.assert(
      fc.property(key, key, (a, b) => {
        expect(Math.sign(Buffer.compare(encodeKey(a), encodeKey(b)))).toBe(Math.sign(compareKeys(a, b)));
        const same = JSON.stringify(a) === JSON.stringify(b);
        expect(compareKeys(a, b) === 0).toBe(same);
      }),
      { numRuns: 3000 },
    );
  });

  test('of a longer key begin with those of a shorter', () => {
    fc.assert(
      fc.property(key, key, (a, b) => {
        const whole = Buffer.from(encodeKey([...a, ...b]));
        expect(whole.subarray(0, encodeKey(a).length).equals(encodeKey(a))).toBe(true);
      }),
    );
  });

  test('of index entries are one for each pair of values and key', () => {
    fc.assert(
      fc.property(key, fc.nat(4), (parts, cut) => {
        const entries = [0, cut].map((at) =>
          Buffer.from(encodeEntry(parts.slice(0, at), parts.slice(at))).toString('hex'),
        );
        expect(entries[0] === entries[1]).toBe(Math.min(cut, parts.length) === 0);
      }),
    );
  });

  test('are refused when too long or no number, however long', () => {
    expect(encodeDocumentKey(['x'.repeat(MAX_ENTRY_BYTES - 2)])).toHaveLength(MAX_ENTRY_BYTES);
    expect(() => encodeDocumentKey(['x'.repeat(MAX_ENTRY_BYTES - 1)])).toThrow(KeyError);
    expect(() => encodeEntry(['\0'.repeat(1500)], ['😀'.repeat(300)])).toThrow(KeyError);
    expect(() =>
      encodeEntry(
        Array.from({ length: 16 }, () => 1),
        [],
      ),
    ).toThrow(KeyError);
    for (const bad of [NaN, Infinity, -Infinity]) expect(() => encodeKey([bad])).toThrow(KeyError);
    expect(encodeKey(['é'.repeat(1_000_000)])).toHaveLength(2_000_002);
    expect(encodeKey(['a'])).toEqual(Buffer.from([0x20, 0x61, 0]));
  });
});
