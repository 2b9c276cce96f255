import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeBase64,
  decodeBase64Url,
  encodeBase64,
  encodeBase64Url,
  unpad,
} from '../../src/protocol/base64.js';

describe('Base64', () => {
  it.each([
    ['', ''],
    ['f', 'Zg'],
    ['fo', 'Zm8'],
    ['foo', 'Zm9v'],
    ['foob', 'Zm9vYg'],
    ['fooba', 'Zm9vYmE'],
    ['foobar', 'Zm9vYmFy'],
  ])('encodes %j as in the specification', (text, expected) => {
    expect(encodeBase64(Buffer.from(text))).toBe(expected);
    expect(Buffer.from(decodeBase64(expected) ?? []).toString()).toBe(text);
  });

  it('round-trips in both alphabets, with and without padding', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        const standard = encodeBase64(bytes);
        const url = encodeBase64Url(bytes);
        expect(standard).toMatch(/^[A-Za-z0-9+/]*$/);
        expect(url).toBe(standard.replaceAll('+', '-').replaceAll('/', '_'));
        const padded = Buffer.from(bytes).toString('base64');
        expect(unpad(padded)).toBe(standard);
        for (const decoded of [decodeBase64(standard), decodeBase64(padded), decodeBase64Url(url)]) {
          expect(decoded === undefined ? undefined : Uint8Array.from(decoded)).toEqual(bytes);
        }
      }),
    );
  });

  it.each(['A', 'AAAAA', 'Zg=', 'Zg===', 'Zm9v=', 'Zm9v====', '=', 'Zg==Zg', 'Z g', 'Zm9v\n', 'Zm-_', 'é'])(
    'does not decode %j',
    (text) => {
      expect(decodeBase64(text)).toBeUndefined();
    },
  );

  it('keeps the alphabets apart', () => {
    expect(decodeBase64('-_-_')).toBeUndefined();
    expect(decodeBase64Url('+/+/')).toBeUndefined();
  });
});
