import { describe, expect, it } from 'vitest';
import { decodeBase64 } from '../../src/protocol/base64.js';
import { contentHash } from '../../src/protocol/hashes.js';
import type { JsonObject } from '../../src/protocol/json.js';
import { generateSigningKey, SigningKey, VerifyKey } from '../../src/protocol/keys.js';
import { redact } from '../../src/protocol/redaction.js';
import { ROOM_VERSIONS, roomVersion, type RoomVersion } from '../../src/protocol/room-versions.js';
import {
  signatureKeyIds,
  signEvent,
  signJson,
  verifyEventSignature,
  verifyEventSignatureAside,
  verifyJson,
  type VerifyKeys,
} from '../../src/protocol/signatures.js';
import { parseJsonObject } from '../../src/protocol/strict-json.js';

/** Appendices, Cryptographic Test Vectors. */
const SEED = decodeBase64('YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1') ?? new Uint8Array();
const KEY = new SigningKey('1', SEED);
const KEYS = keysOf(KEY);

function keysOf(...keys: SigningKey[]): VerifyKeys {
  return new Map(
    keys.map((key) => {
      const verify = VerifyKey.from(key.publicKey);
      if (verify === undefined) throw new Error('Not a key');
      return [key.id, verify];
    }),
  );
}

function version(id: string): RoomVersion {
  const found = roomVersion(id);
  if (found === undefined) throw new Error(`No room version ${id}`);
  return found;
}

function otherKey(fill: number, name: string): SigningKey {
  return generateSigningKey((bytes) => new Uint8Array(bytes).fill(fill), name);
}

describe('the vectors of the specification', () => {
  it.each<[JsonObject, string]>([
    [{}, 'K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ'],
    [
      { one: 1, two: 'Two' },
      'KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw',
    ],
  ])('JSON signing of %j', (object, signature) => {
    const signed = signJson(object, 'domain', KEY);
    expect(signed).toEqual({ ...object, signatures: { domain: { 'ed25519:1': signature } } });
    expect(verifyJson(signed, 'domain', KEYS)).toBe(true);
  });

  it.each<[string, JsonObject, string, string]>([
    [
      'a minimal event',
      {
        room_id: '!x:domain',
        sender: '@a:domain',
        origin: 'domain',
        origin_server_ts: 1000000,
        signatures: {},
        hashes: {},
        type: 'X',
        content: {},
        prev_events: [],
        auth_events: [],
        depth: 3,
        unsigned: { age_ts: 1000000 },
      },
      '5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos',
      'KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5KLjAWbOoMszkwsQma+lYAg',
    ],
    [
      'an event with redactable content',
      {
        content: { body: 'Here is the message content' },
        event_id: '$0:domain',
        origin: 'domain',
        origin_server_ts: 1000000,
        type: 'm.room.message',
        room_id: '!r:domain',
        sender: '@u:domain',
        signatures: {},
        unsigned: { age_ts: 1000000 },
      },
      'onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g',
      'Wm+VzmOUOz08Ds+0NTWb1d4CZrVsJSikkeRxh6aCcUwu6pNC78FunoD7KNWzqFn241eYHYMGCA5McEiVPdhzBA',
    ],
  ])('event signing of %s', (_, event, hash, signature) => {
    expect(contentHash(event)).toBe(hash);
    const hashed = { ...event, hashes: { sha256: hash } };
    const signed = signEvent(hashed, 'domain', KEY, version('1'));
    expect(signed).toEqual({ ...hashed, signatures: { domain: { 'ed25519:1': signature } } });
    expect(verifyEventSignature(signed, 'domain', KEYS, version('1'))).toBe(true);
  });
});

describe('signJson and verifyJson', () => {
  const second = otherKey(5, '2');
  const signed = signJson(signJson({ a: 1 }, 'one', KEY), 'one', second);

  it('keep earlier signatures, of any server', () => {
    const both = signJson(signed, 'two', second);
    expect(signatureKeyIds(both, 'one')).toEqual(['ed25519:1', 'ed25519:2']);
    expect(signatureKeyIds(both, 'two')).toEqual(['ed25519:2']);
    expect(verifyJson(both, 'one', keysOf(KEY, second))).toBe(true);
    expect(verifyJson(both, 'two', keysOf(second))).toBe(true);
  });

  it('do not cover unsigned and signatures', () => {
    expect(verifyJson({ ...signed, unsigned: { x: 1.5 } }, 'one', KEYS)).toBe(true);
    expect(verifyJson({ ...signed, a: 2 }, 'one', KEYS)).toBe(false);
    expect(verifyJson({ ...signed, b: 1 }, 'one', KEYS)).toBe(false);
  });

  it('ignore signatures under unknown keys, but need one under a known key', () => {
    expect(verifyJson(signed, 'one', KEYS)).toBe(true);
    expect(verifyJson(signed, 'one', new Map())).toBe(false);
    expect(verifyJson(signed, 'two', KEYS)).toBe(false);
    expect(verifyJson({ a: 1 }, 'one', KEYS)).toBe(false);
  });

  it('fail if one of the known keys does', () => {
    const forged = {
      a: 1,
      signatures: { one: { 'ed25519:1': 'A'.repeat(86), 'ed25519:2': 'A'.repeat(86) } },
    };
    const mixed = signJson(forged, 'one', KEY);
    expect(verifyJson(mixed, 'one', KEYS)).toBe(true);
    expect(verifyJson(mixed, 'one', keysOf(KEY, second))).toBe(false);
  });

  it.each<[string, JsonObject]>([
    ['signatures of another shape', { signatures: [] }],
    ['a server of another shape', { signatures: { one: 'x' } }],
    ['a signature that is no text', { signatures: { one: { 'ed25519:1': 1 } } }],
    ['a signature that is no Base64', { signatures: { one: { 'ed25519:1': '?' } } }],
    ['an object without canonical form', { a: 1.5, signatures: { one: { 'ed25519:1': 'A'.repeat(86) } } }],
  ])('refuse %s', (_, object) => {
    expect(verifyJson(object, 'one', KEYS)).toBe(false);
  });

  it('are not misled by a server or key named like a part of a prototype', () => {
    expect(verifyJson({ signatures: {} }, '__proto__', KEYS)).toBe(false);
    expect(verifyJson({ signatures: {} }, 'constructor', KEYS)).toBe(false);
    const odd = signJson(parseJsonObject('{"__proto__":{"a":1}}'), '__proto__', KEY);
    expect(verifyJson(odd, '__proto__', KEYS)).toBe(true);
    expect(verifyJson({ signatures: odd['signatures'] }, '__proto__', KEYS)).toBe(false);
  });

  it('take numbers beyond canonical JSON only where told to', () => {
    expect(() => signJson({ a: 1.5 }, 'one', KEY)).toThrow();
    const lenient = signJson({ a: 1.5 }, 'one', KEY, { lenient: true });
    expect(verifyJson(lenient, 'one', KEYS, { lenient: true })).toBe(true);
  });
});

describe('event signatures', () => {
  it.each([...ROOM_VERSIONS.values()].map((of) => [of.id, of] as const))(
    'version %s: cover the redacted form, no more and no less',
    (_, of) => {
      const event = {
        type: 'm.room.member',
        event_id: '$a:b',
        content: { membership: 'join', displayname: 'x' },
        hashes: {},
      };
      const signed = signEvent(event, 'b', KEY, of);
      expect(verifyEventSignature(signed, 'b', KEYS, of)).toBe(true);
      expect(verifyEventSignature(redact(signed, of), 'b', KEYS, of)).toBe(true);
      expect(verifyEventSignature({ ...signed, content: { membership: 'join' } }, 'b', KEYS, of)).toBe(true);
      expect(verifyEventSignature({ ...signed, content: { membership: 'ban' } }, 'b', KEYS, of)).toBe(false);
      expect(verifyEventSignature({ ...signed, hashes: { sha256: 'x' } }, 'b', KEYS, of)).toBe(false);
    },
  );

  it.each([
    ['good', (signed: JsonObject) => signed, true],
    ['of other content', (signed: JsonObject) => ({ ...signed, content: { membership: 'ban' } }), false],
    ['no Base64', (signed: JsonObject) => ({ ...signed, signatures: { b: { [KEY.id]: '!' } } }), false],
    ['too short', (signed: JsonObject) => ({ ...signed, signatures: { b: { [KEY.id]: 'AAAA' } } }), false],
    [
      'under another key',
      (signed: JsonObject) => ({ ...signed, signatures: { b: { 'ed25519:z': 'A' } } }),
      false,
    ],
  ] as const)('are judged alike in the thread pool: %s', async (_, change, valid) => {
    for (const of of ROOM_VERSIONS.values()) {
      const event = { type: 'm.room.member', event_id: '$a:b', content: { membership: 'join' }, hashes: {} };
      const pdu = change(signEvent(event, 'b', KEY, of));
      expect(verifyEventSignature(pdu, 'b', KEYS, of)).toBe(valid);
      expect(await verifyEventSignatureAside(pdu, 'b', KEYS, of)).toBe(valid);
    }
  });
});
