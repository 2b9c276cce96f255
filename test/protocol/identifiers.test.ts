import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as ids from '../../src/protocol/identifiers.js';
import { ROOM_VERSIONS } from '../../src/protocol/room-versions.js';

function lines(name: string): string[] {
  const url = new URL(`../fixtures/identifiers/${name}.txt`, import.meta.url);
  return readFileSync(url, 'utf8').split('\n').slice(0, -1);
}

const CHECKS: [string, (text: string) => boolean][] = [
  ['server_names', ids.isServerName],
  ['user_ids', ids.isUserId],
  ['user_ids_current', ids.isCurrentUserId],
  ['room_ids', (text) => ids.isRoomId(text)],
  ['room_aliases', ids.isRoomAlias],
  ['event_ids', (text) => ids.isEventId(text)],
  ['key_ids', ids.isServerKeyId],
  ['opaque_ids', ids.isOpaqueId],
  ['mxc_uris', (text) => ids.parseMxcUri(text) !== undefined],
];

describe.each(CHECKS)('%s', (name, check) => {
  it.each(lines(`${name}_valid`))('accepts %s', (text) => {
    expect(check(text)).toBe(true);
  });

  it.each([...lines(`${name}_invalid`), '', '\0'])('refuses %j', (text) => {
    expect(check(text)).toBe(false);
  });

  it.each(lines(`${name}_valid`))('refuses %s with a NUL, a line break or a lone surrogate in it', (text) => {
    for (const bad of ['\0', '\ud800'])
      expect(check(`${text.slice(0, 1)}${bad}${text.slice(1)}`)).toBe(false);
    expect(check(`${text}\n`)).toBe(false);
  });
});

describe('limits', () => {
  const makers: [string, (length: number) => string, (text: string) => boolean][] = [
    ['user ID', (n) => `@${'a'.repeat(n - 13)}:example.org`, ids.isUserId],
    ['room ID', (n) => `!${'a'.repeat(n - 13)}:example.org`, (text) => ids.isRoomId(text)],
    ['alias', (n) => `#${'a'.repeat(n - 13)}:example.org`, ids.isRoomAlias],
    ['event ID', (n) => `$${'a'.repeat(n - 13)}:example.org`, (text) => ids.isEventId(text)],
    ['server name', (n) => 'a'.repeat(n), ids.isServerName],
    ['opaque ID', (n) => 'a'.repeat(n), ids.isOpaqueId],
    ['namespaced ID', (n) => 'a'.repeat(n), ids.isNamespacedId],
    ['device ID', (n) => 'a'.repeat(n), ids.isDeviceId],
  ];
  it.each(makers)('a %s has at most 255 bytes', (_, make, check) => {
    expect(make(255)).toHaveLength(255);
    expect(check(make(255))).toBe(true);
    expect(check(make(256))).toBe(false);
  });

  it('counts bytes, not characters', () => {
    expect(ids.isUserId(`@${'ü'.repeat(121)}:example.org`)).toBe(true);
    expect(ids.isUserId(`@${'ü'.repeat(122)}:example.org`)).toBe(false);
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        expect(ids.fitsBytes(text)).toBe(Buffer.byteLength(text) <= 255);
      }),
    );
  });
});

describe('parts', () => {
  it('splits at the first colon', () => {
    expect(ids.parseUserId('@alice:example.org:8448')).toEqual({
      localpart: 'alice',
      serverName: 'example.org:8448',
    });
    expect(ids.parseRoomAlias('#a b:[::1]')).toEqual({ localpart: 'a b', serverName: '[::1]' });
    expect(ids.localpart('@alice:example.org:8448')).toBe('alice');
    expect(ids.serverName('@alice:example.org:8448')).toBe('example.org:8448');
    expect(ids.serverName('!Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpYQ')).toBeUndefined();
    expect(ids.localpart('$abc')).toBe('abc');
  });

  it('parses server names', () => {
    expect(ids.parseServerName('example.org')).toEqual({ hostname: 'example.org', port: undefined });
    expect(ids.parseServerName('[::1]:80')).toEqual({ hostname: '[::1]', port: 80 });
  });

  it('parses key IDs of users and servers, and content URIs', () => {
    expect(ids.parseKeyId('signed_curve25519:AAAA:Q')).toEqual({
      algorithm: 'signed_curve25519',
      version: 'AAAA:Q',
    });
    expect(ids.parseMxcUri('mxc://example.org:1/a_B')).toEqual({
      serverName: 'example.org:1',
      mediaId: 'a_B',
    });
  });
});

describe('room versions', () => {
  const byDomain = '!abc:example.org';
  const byHash = '!Nhcu5BS-UMnFX7hBVfVSoXiD7OgH6iRT-xyIuqDnpYQ';
  const forms = {
    pdu: '$abc:example.org',
    base64: '$acR1l0raoZnm60CBwAVgqbZqoO/mYU81xysh1u7XcJk',
    base64url: '$Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg',
  };
  it.each([...ROOM_VERSIONS.values()].map((version) => [version.id, version] as const))(
    'version %s has one form of room IDs and one of event IDs',
    (id, version) => {
      expect(ids.isRoomId(byHash, version)).toBe(id === '12');
      expect(ids.isRoomId(byDomain, version)).toBe(id !== '12');
      const form = Number(id) < 3 ? 'pdu' : id === '3' ? 'base64' : 'base64url';
      for (const [name, eventId] of Object.entries(forms))
        expect(ids.isEventId(eventId, version)).toBe(name === form);
    },
  );
});

describe('new user IDs', () => {
  it('take lower case of the current grammar', () => {
    expect(ids.newUserId('Alice', 'example.org')).toBe('@alice:example.org');
    for (const name of ['', 'a b', 'al!ce', 'ä', '\u212a', 'a:b', 'a\n']) {
      expect(ids.newUserId(name, 'example.org')).toBeUndefined();
    }
    expect(ids.newUserId('a'.repeat(243), 'example.org')).toBeUndefined();
  });

  it('map any name as the specification suggests', () => {
    expect(ids.localpartFrom('#')).toBe('=23');
    expect(ids.localpartFrom('á')).toBe('=c3=a1');
    expect(ids.localpartFrom('A=B c')).toBe('a=3db=20c');
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }), (name) => {
        expect(ids.isCurrentUserId(`@${ids.localpartFrom(name)}:x`)).toBe(true);
      }),
    );
  });

  it('tell the compliant from the merely historical', () => {
    expect(ids.isCompliantUserId('@Al!ce:example.org')).toBe(true);
    for (const id of ['@:x', '@a b:x', '@ä:x', '@\x7f:x']) {
      expect(ids.isUserId(id)).toBe(true);
      expect(ids.isCompliantUserId(id)).toBe(false);
    }
  });
});

describe('device IDs', () => {
  it.each(['ABCDEF', 'my phone', 'ä', '/'])('accept %j', (text) => {
    expect(ids.isDeviceId(text)).toBe(true);
  });
  it.each(['', 'a\0', 'a\nb', '\u0085', '\ud800'])('refuse %j', (text) => {
    expect(ids.isDeviceId(text)).toBe(false);
  });
});
