import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isJsonArray, type JsonValue } from '../../src/protocol/json.js';
import { assertCanonical, JsonError, parseJson, parseJsonObject } from '../../src/protocol/strict-json.js';

function errorOf(run: () => unknown): JsonError {
  try {
    run();
  } catch (error) {
    if (error instanceof JsonError) return error;
    throw error;
  }
  throw new Error('Nothing was thrown');
}

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from([0x22, ...values, 0x22]);
}

describe('parseJson', () => {
  it('agrees with JSON.parse on every JSON value, from text and from bytes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        fc.pre(JSON.stringify(JSON.parse(text)) === text && !/\\ud[89a-f]/i.test(text));
        expect(parseJson(text)).toEqual(JSON.parse(text));
        expect(parseJson(Buffer.from(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  it('agrees with JSON.parse on which texts are JSON', () => {
    const pieces = [
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"a"',
      '"\\n"',
      '1',
      '-',
      '0',
      'true',
      'null',
      ' ',
      '\\',
      '"',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 8 }), (parts) => {
        const text = parts.join('');
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        if (valid) parseJson(text, { duplicateKeys: 'last' });
        else expect(errorOf(() => parseJson(text)).kind).toBe('syntax');
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    '',
    '{',
    '{"a":1,}',
    '[1 2]',
    "{'a':1}",
    '01',
    '+1',
    '.5',
    '1.',
    'NaN',
    '"\t"',
    '"\\x"',
    '\u00a01',
    '\ufeff{}',
  ])('refuses %j as a syntax error', (text) => {
    expect(errorOf(() => parseJson(text)).kind).toBe('syntax');
  });

  it('never quotes the text, and says where the syntax breaks if the engine does', () => {
    for (const text of ['{"secret": tru}', '{"secret": 1,}']) {
      const error = errorOf(() => parseJson(text));
      expect(error.message).not.toContain('secret');
      expect([undefined, 13]).toContain(error.position);
    }
  });

  it.each([
    ['a byte that begins nothing', [0xff]],
    ['an overlong form', [0xc0, 0xaf]],
    ['an encoded surrogate', [0xed, 0xa0, 0x80]],
    ['a character cut short', [0xe2, 0x82]],
    ['a code point beyond Unicode', [0xf4, 0x90, 0x80, 0x80]],
  ])('refuses %s in bytes', (_, values) => {
    expect(errorOf(() => parseJson(bytes(...values))).kind).toBe('encoding');
  });

  it('refuses a byte order mark in bytes', () => {
    expect(errorOf(() => parseJson(Buffer.from('\ufeff{}'))).kind).toBe('syntax');
  });

  it.each([
    '"\\ud800"',
    '"\\uDFFF"',
    '"\\ude00\\ud83d"',
    '{"\\ud800":1}',
    '[["\\ud83dx"]]',
    '"\ud800"',
    '"\ud83d\\ude00"',
  ])('refuses the lone surrogate in %j', (text) => {
    expect(errorOf(() => parseJson(text)).kind).toBe('encoding');
  });

  it('accepts pairs of surrogates, and what only looks like an escape', () => {
    expect(parseJson('"\\ud83d\\ude00"')).toBe('\u{1f600}');
    expect(parseJson('"\\\\ud800"')).toBe('\\ud800');
  });

  it.each([
    '{"a":1,"a":2}',
    '[{"x":{"a":1,"b":{},"\\u0061":2}}]',
    '{"__proto__":1,"__proto__":2}',
    '{"":1,"":1}',
  ])('refuses the repeated key in %s', (text) => {
    const error = errorOf(() => parseJson(text));
    expect(error.kind).toBe('duplicate_key');
    expect(error.position).toBe(text.lastIndexOf('"', text.lastIndexOf('":') - 1));
    expect(() => parseJson(text, { duplicateKeys: 'last' })).not.toThrow();
  });

  it('takes the last of repeated keys where told to', () => {
    expect(parseJson('{"a":1,"a":{"b":1,"b":2}}', { duplicateKeys: 'last' })).toEqual({ a: { b: 2 } });
  });

  it('is not misled by colons, braces and digits in strings', () => {
    const text = '{"a:b":"c:{[1.5e9\\":","d":":\\\\"}';
    expect(parseJson(text, { strictNumbers: true, maxDepth: 1 })).toEqual(JSON.parse(text));
  });

  it('limits the depth', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    expect(() => parseJson(nested(100))).not.toThrow();
    expect(errorOf(() => parseJson(nested(101)))).toMatchObject({ kind: 'depth', position: 100 });
    expect(errorOf(() => parseJson('{"a":{"a":1}}', { maxDepth: 1 })).kind).toBe('depth');
    expect(errorOf(() => parseJson(nested(1_000_000))).kind).toBe('depth');
    expect(() => parseJson('[[],[],[[]]]', { maxDepth: 3 })).not.toThrow();
  });

  it('makes objects whose keys are only their own', () => {
    const text = '{"__proto__":{"admin":true},"constructor":1,"hasOwnProperty":2,"toString":3,"toJSON":4}';
    const value = parseJsonObject(text);
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor', 'hasOwnProperty', 'toString', 'toJSON']);
    expect(Object.getPrototypeOf(value)).toBeNull();
    expect(value['admin']).toBeUndefined();
    expect('valueOf' in value).toBe(false);
    expect(JSON.stringify(value)).toBe(text);
    const nested = parseJson('[{"a":[{}]}]');
    expect(isJsonArray(nested) && Object.getPrototypeOf(nested[0]) === null).toBe(true);
  });

  const refused = [
    '1.0',
    '1.5',
    '1e3',
    '1E3',
    '-0',
    '0.0',
    '-0.0',
    '0e0',
    '1e-1',
    '9007199254740992',
    '9007199254740993',
  ];
  it.each([...refused, '-9007199254740992', '100000000000000000000', '1e400'])(
    'refuses the number %s in strict mode',
    (text) => {
      expect(errorOf(() => parseJson(text, { strictNumbers: true }))).toMatchObject({
        kind: 'number',
        position: 0,
      });
      expect(errorOf(() => parseJson(`{"a":[0, ${text}]}`, { strictNumbers: true }))).toMatchObject({
        position: 9,
      });
    },
  );

  it.each(['0', '1', '-1', '10', '9007199254740991', '-9007199254740991', '1000000000000000'])(
    'accepts the number %s in strict mode',
    (text) => {
      expect(parseJson(text, { strictNumbers: true })).toBe(Number(text));
    },
  );

  it('keeps fractions and large numbers otherwise, but no number beyond a double', () => {
    expect(parseJson('[1.5,-0.25,1e3,1e20]')).toEqual([1.5, -0.25, 1000, 1e20]);
    expect(errorOf(() => parseJson('[1e400]')).kind).toBe('number');
    expect(errorOf(() => parseJson('9'.repeat(400))).kind).toBe('number');
  });

  it('accepts in strict mode exactly the integers that doubles hold and print again', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 54n), max: 2n ** 54n }), (number) => {
        const allowed = number >= -(2n ** 53n) + 1n && number <= 2n ** 53n - 1n;
        const text = number.toString();
        if (allowed) expect(JSON.stringify(parseJson(text, { strictNumbers: true }))).toBe(text);
        else expect(errorOf(() => parseJson(text, { strictNumbers: true })).kind).toBe('number');
      }),
    );
  });

  it('parseJsonObject refuses every other top level', () => {
    for (const text of ['[]', 'null', '1', '"a"', 'true'])
      expect(() => parseJsonObject(text)).toThrow(JsonError);
  });
});

describe('assertCanonical', () => {
  it('accepts what strict parsing yields', () => {
    const value: JsonValue = { a: [1, -5, null, true, 'x\u{1f600}'], b: {} };
    expect(() => {
      assertCanonical(value);
    }).not.toThrow();
  });

  it.each([
    ['a fraction', { a: 1.5 }, 'number'],
    ['-0', [-0], 'number'],
    ['2^53', 2 ** 53, 'number'],
    ['NaN', NaN, 'number'],
    ['a lone surrogate', ['\ud800'], 'encoding'],
    ['a lone surrogate in a key', { '\udc00': 1 }, 'encoding'],
    ['undefined', { a: undefined }, 'syntax'],
    ['a bigint', 1n, 'syntax'],
    ['a deep value', JSON.parse('['.repeat(101) + ']'.repeat(101)), 'depth'],
  ])('refuses %s', (_, value, kind) => {
    expect(
      errorOf(() => {
        assertCanonical(value);
      }).kind,
    ).toBe(kind);
  });
});
