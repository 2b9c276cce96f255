import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DamageError } from '../../src/log/codec.js';
import { SealKeys } from '../../src/log/seal-keys.js';
import { seal, unseal, type SealedRecord } from '../../src/log/sealing.js';
import { systemRandom } from '../../src/runtime/random.js';

const keys = SealKeys.ephemeral(systemRandom);
const place = { stream: 'room-!a', revision: 3 };
const id = '00000000-0000-4000-8000-000000000000';

function accountData(data: SealedRecord['data']): SealedRecord {
  return { id, type: 'account_data.changed', version: 1, data };
}

test('what was sealed comes back, and is not in the stored form', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(9), (content, index) => {
      const data = { room_id: null, type: 'm.tag', content: { secret: 'a secret word', content } };
      const at = { ...place, index };
      const stored = seal(accountData(data), at, keys, systemRandom);
      expect(Object.keys(stored)).toStrictEqual(['room_id', 'type', '$sealed']);
      expect(JSON.stringify(stored)).not.toContain('secret');
      const text: unknown = JSON.parse(JSON.stringify(stored));
      const opened = unseal(accountData(text as SealedRecord['data']), at, keys);
      expect(opened.forgotten).toBe(false);
      expect(JSON.stringify(opened.data)).toBe(JSON.stringify(data));
    }),
    { numRuns: 100 },
  );
});

test('the same content is never sealed to the same bytes', () => {
  const record = accountData({ room_id: null, type: 'm.tag', content: {} });
  const [one, other] = [seal(record, place, keys, systemRandom), seal(record, place, keys, systemRandom)];
  expect(one['$sealed']).not.toBe(other['$sealed']);
});

test('data without sealed properties stays as it is', () => {
  const data = { room_id: null, type: 'm.tag' };
  expect(seal(accountData(data), place, keys, systemRandom)).toBe(data);
  expect(unseal(accountData(data), place, keys)).toStrictEqual({ data, forgotten: false });
});

test('a ciphertext opens only at its place, in its record, with its key, unchanged', () => {
  const record = accountData({ room_id: null, type: 'm.tag', content: { a: 1 } });
  const stored = { ...record, data: seal(record, place, keys, systemRandom) };
  expect(unseal(stored, place, keys).data).toStrictEqual({ room_id: null, type: 'm.tag', content: { a: 1 } });
  const sealed = String(stored.data['$sealed']);
  const elsewhere = [
    () => unseal(stored, { ...place, revision: 4 }, keys),
    () => unseal(stored, { ...place, stream: 'room-!b' }, keys),
    () => unseal(stored, { ...place, index: 0 }, keys),
    () => unseal({ ...stored, id: id.replace('8', '9') }, place, keys),
    () => unseal({ ...stored, type: 'profile.changed' }, place, keys),
    () => unseal({ ...stored, version: 2 }, place, keys),
    () => unseal(stored, place, SealKeys.ephemeral(systemRandom)),
    () =>
      unseal({ ...stored, data: { $sealed: `${sealed.slice(0, 20)}AAAA${sealed.slice(24)}` } }, place, keys),
    () => unseal({ ...stored, data: { $sealed: sealed.slice(0, -4) } }, place, keys),
    () => unseal({ ...stored, data: { $sealed: '' } }, place, keys),
    () => unseal({ ...stored, data: { $sealed: 5 } }, place, keys),
  ];
  for (const attempt of elsewhere) expect(attempt).toThrow(DamageError);
});

test('when the key is destroyed, the rest can still be read', () => {
  const own = SealKeys.ephemeral(systemRandom);
  const record = accountData({ room_id: '!r', type: 'm.tag', content: { a: 1 } });
  const stored = { ...record, data: seal(record, place, own, systemRandom) };
  own.puncture([{ stream: place.stream, from: place.revision, to: place.revision }]);
  expect(unseal(stored, place, own)).toStrictEqual({
    data: { room_id: '!r', type: 'm.tag' },
    forgotten: true,
  });
  expect(() => seal(record, place, own, systemRandom)).toThrow('destroyed');
});
