import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RawStored } from '../../src/log/adapter.js';
import { DamageError, decode, encode, recordText } from '../../src/log/codec.js';
import { lifter, UPCASTERS } from '../../src/log/upcasters/upcasters.js';

const ID = '11111111-2222-4333-8444-555555555555';
const METADATA = { correlation_id: 'c', causation_id: 'd', origin: 'example.org', received_at: 7 };

function stored(data: Record<string, unknown>): RawStored {
  const raw = encode(recordText(ID, 'filter.created', 1, data, METADATA), 'user-a', 4);
  return { ...raw, stream: 'user-a', revision: 4, position: 9 };
}

test('encoding and decoding is identity', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (data) => {
      const plain = JSON.parse(JSON.stringify(data)) as Record<string, unknown>;
      expect(decode(stored(plain))).toStrictEqual({
        id: ID,
        type: 'filter.created',
        version: 1,
        data: plain,
        metadata: METADATA,
      });
    }),
  );
});

test('the stored form is this, for good', () => {
  const raw = stored({ filter_id: 'a', filter: { ü: 1 } });
  expect(Buffer.from(raw.data).toString()).toBe('{"filter_id":"a","filter":{"ü":1}}');
  expect(Buffer.from(raw.metadata).toString()).toBe(
    '{"version":1,"correlation_id":"c","causation_id":"d","origin":"example.org","received_at":7,"checksum":"db27afb8"}',
  );
});

test('any changed byte is noticed', () => {
  const raw = stored({ filter_id: 'a', filter: {} });
  for (const part of ['data', 'metadata'] as const) {
    for (let at = 0; at < raw[part].byteLength; at++) {
      for (const flip of [1, 0x20, 0x80]) {
        const bytes = Buffer.from(raw[part]);
        bytes.writeUInt8(bytes.readUInt8(at) ^ flip, at);
        expect(() => decode({ ...raw, [part]: bytes })).toThrow(DamageError);
      }
    }
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from(raw[part]).subarray(1),
      Buffer.concat([raw[part], Buffer.from(' ')]),
    ]) {
      expect(() => decode({ ...raw, [part]: bytes })).toThrow(DamageError);
    }
  }
});

test('swapped records are noticed', () => {
  const raw = stored({ filter_id: 'a', filter: {} });
  expect(() => decode({ ...raw, stream: 'user-b' })).toThrow(DamageError);
  expect(() => decode({ ...raw, revision: 5 })).toThrow(DamageError);
  expect(() => decode({ ...raw, id: ID.replace('5', '6') })).toThrow(DamageError);
  expect(() => decode({ ...raw, type: 'filter.deleted' })).toThrow(DamageError);
});

test('upcasters lift an old version step by step, and what cannot be lifted says why', () => {
  const newest = new Map([['thing.made', 3]]);
  const lift = lifter(newest, [
    { type: 'thing.made', from: 1, lift: ({ name, ...rest }) => ({ ...rest, names: [name] }) },
    { type: 'thing.made', from: 2, lift: (data) => ({ ...data, colour: 'grey' }) },
  ]);
  expect(lift('thing.made', 1, { name: 'x', size: 2 })).toStrictEqual({
    ok: true,
    version: 3,
    data: { size: 2, names: ['x'], colour: 'grey' },
  });
  expect(lift('thing.made', 3, { names: [] })).toStrictEqual({ ok: true, version: 3, data: { names: [] } });
  expect(lift('thing.made', 4, {})).toMatchObject({
    ok: false,
    reason: expect.stringContaining('newer') as unknown,
  });
  expect(lift('thing.lost', 1, {})).toMatchObject({
    ok: false,
    reason: expect.stringContaining('not known') as unknown,
  });
  expect(lifter(newest, [])('thing.made', 2, {})).toMatchObject({ ok: false });
  const failing = {
    type: 'thing.made',
    from: 2,
    lift: () => {
      throw new Error('no name');
    },
  };
  expect(lifter(newest, [failing])('thing.made', 2, {})).toMatchObject({
    ok: false,
    reason: expect.stringContaining('no name') as unknown,
  });
  expect(new Set(UPCASTERS.map(({ type, from }) => `${type}.v${from}`)).size).toBe(UPCASTERS.length);
});
