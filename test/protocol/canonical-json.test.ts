import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, canonicalJsonBytes, compareCodePoints } from '../../src/protocol/canonical-json.js';
import type { JsonObject } from '../../src/protocol/json.js';
import { parseJson, parseJsonObject } from '../../src/protocol/strict-json.js';

/** Appendices, Canonical JSON, Examples: every one. */
const EXAMPLES: [string, string][] = [
  ['{}', '{}'],
  ['{"one": 1, "two": "Two"}', '{"one":1,"two":"Two"}'],
  ['{"b": "2", "a": "1"}', '{"a":"1","b":"2"}'],
  ['{"b":"2","a":"1"}', '{"a":"1","b":"2"}'],
  [
    `{"auth": {"success": true, "mxid": "@john.doe:example.com", "profile": {"display_name": "John Doe",
      "three_pids": [{"medium": "email", "address": "john.doe@example.org"},
                     {"medium": "msisdn", "address": "123456789"}]}}}`,
    '{"auth":{"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","three_pids":[{"address":"john.doe@example.org","medium":"email"},{"address":"123456789","medium":"msisdn"}]},"success":true}}',
  ],
  ['{"a": "日本語"}', '{"a":"日本語"}'],
  ['{"本": 2, "日": 1}', '{"日":1,"本":2}'],
  ['{"a": "\\u65E5"}', '{"a":"日"}'],
  ['{"a": null}', '{"a":null}'],
  ['{"a": -0, "b": 1e10}', '{"a":0,"b":10000000000}'],
];

describe('canonicalJson', () => {
  it.each(EXAMPLES)('prints the example %s of the specification', (input, expected) => {
    expect(canonicalJson(parseJsonObject(input))).toBe(expected);
    expect(Buffer.from(canonicalJsonBytes(parseJsonObject(input)))).toEqual(Buffer.from(expected));
  });

  it('orders keys by code point, not by UTF-16 unit', () => {
    const keys = ['\u{1f600}', '\uff5e', '\ue000', '\u{10000}', '\ud7ff', 'a', 'B', '', '10', '9', 'aa'];
    const printed = canonicalJson(Object.fromEntries(keys.map((key) => [key, 0])));
    const order = ['', '10', '9', 'B', 'a', 'aa', '\ud7ff', '\ue000', '\uff5e', '\u{10000}', '\u{1f600}'];
    expect(printed).toBe(`{${order.map((key) => `"${key}":0`).join(',')}}`);
  });

  it('orders keys as their UTF-8 bytes are ordered', () => {
    const text = fc.string({ unit: 'binary', maxLength: 4 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareCodePoints(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
      { numRuns: 2000 },
    );
  });

  it('uses the shortest escapes of the grammar', () => {
    const controls = Array.from({ length: 0x20 }, (_, code) => String.fromCharCode(code)).join('');
    expect(canonicalJson({ a: `${controls}"\\/\u007f\u2028` })).toBe(
      '{"a":"\\u0000\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007\\b\\t\\n\\u000b\\f\\r\\u000e\\u000f' +
        '\\u0010\\u0011\\u0012\\u0013\\u0014\\u0015\\u0016\\u0017\\u0018\\u0019\\u001a\\u001b\\u001c\\u001d\\u001e\\u001f' +
        '\\"\\\\/\u007f\u2028"}',
    );
  });

  it('is read back as the same value, and printed as the same text', () => {
    const key = fc.string({
      unit: fc.oneof(fc.constantFrom('a', '"', '\\', '\n'), fc.string({ unit: 'binary', maxLength: 1 })),
      maxLength: 5,
    });
    const { object } = fc.letrec<{ value: unknown; object: JsonObject }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, true, false),
        fc.maxSafeInteger(),
        key,
        fc.array(tie('value'), { maxLength: 4 }),
        tie('object'),
      ),
      object: fc.dictionary(key, tie('value'), {
        maxKeys: 5,
        noNullPrototype: false,
      }) as fc.Arbitrary<JsonObject>,
    }));
    fc.assert(
      fc.property(object, (value) => {
        const text = canonicalJson(value);
        const parsed = parseJsonObject(text, { strictNumbers: true });
        expect(parsed).toEqual(value);
        expect(canonicalJson(parsed)).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  it('keeps __proto__ and its like', () => {
    const text = '{"__proto__":{"a":1},"constructor":{},"toJSON":1}';
    expect(canonicalJson(parseJsonObject(text))).toBe(text);
  });

  it('leaves out members that are undefined', () => {
    expect(canonicalJson({ b: undefined, a: 1, c: undefined })).toBe('{"a":1}');
  });

  it.each([
    ['a fraction', { a: 1.5 }, 'number'],
    ['2^53', { a: [2 ** 53] }, 'number'],
    ['NaN', { a: NaN }, 'number'],
    ['infinity', { a: -Infinity }, 'number'],
    ['a lone surrogate', { a: 'x\ud800' }, 'encoding'],
    ['a lone surrogate in a key', { a: { '\udfff': 1 } }, 'encoding'],
  ])('refuses %s', (_, value, kind) => {
    expect(() => canonicalJson(value)).toThrow(expect.objectContaining({ kind }));
  });

  it('refuses a value too deep for the stack', () => {
    let value: JsonObject = {};
    for (let i = 0; i < 100_000; i++) value = { a: value };
    expect(() => canonicalJson(value)).toThrow(expect.objectContaining({ kind: 'depth' }));
  });

  it.each([
    ['1.5', '1.5'],
    ['-0.1', '-0.1'],
    ['1e-5', '1e-05'],
    ['1.25e-7', '1.25e-07'],
    ['1e-100', '1e-100'],
    ['0.0001', '0.0001'],
    ['100000000000000000000', '100000000000000000000'],
    ['9007199254740992', '9007199254740992'],
  ])('prints %s leniently as Python does', (input, expected) => {
    expect(canonicalJson({ a: parseJson(input) }, { lenient: true })).toBe(`{"a":${expected}}`);
  });

  it('refuses NaN and infinities leniently too', () => {
    for (const number of [NaN, Infinity])
      expect(() => canonicalJson({ a: number }, { lenient: true })).toThrow();
  });
});
