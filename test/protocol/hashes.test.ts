import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { checkContentHash, contentHash, eventId, referenceHash } from '../../src/protocol/hashes.js';
import type { JsonObject } from '../../src/protocol/json.js';
import { roomVersion, type RoomVersion } from '../../src/protocol/room-versions.js';

function version(id: string): RoomVersion {
  const found = roomVersion(id);
  if (found === undefined) throw new Error(`No room version ${id}`);
  return found;
}

const EVENT: JsonObject = {
  type: 'm.room.message',
  sender: '@a:b',
  room_id: '!r:b',
  content: { body: 'x' },
  hashes: { sha256: 'h' },
  signatures: { b: { 'ed25519:1': 's' } },
  unsigned: { age: 1 },
};

function sha256(text: string, encoding: 'base64' | 'base64url'): string {
  return createHash('sha256').update(text, 'utf8').digest(encoding).replaceAll('=', '');
}

describe('hashes', () => {
  it('content hash: over all but unsigned, signatures and hashes', () => {
    const text = '{"content":{"body":"x"},"room_id":"!r:b","sender":"@a:b","type":"m.room.message"}';
    expect(contentHash(EVENT)).toBe(sha256(text, 'base64'));
    expect(contentHash({ ...EVENT, unsigned: {}, signatures: {}, hashes: {} })).toBe(contentHash(EVENT));
    expect(contentHash({ ...EVENT, content: {} })).not.toBe(contentHash(EVENT));
  });

  it('reference hash: over the redacted event without signatures', () => {
    const text =
      '{"content":{},"hashes":{"sha256":"h"},"room_id":"!r:b","sender":"@a:b","type":"m.room.message"}';
    expect(referenceHash(EVENT, version('4'))).toBe(sha256(text, 'base64'));
    expect(eventId(EVENT, version('3'))).toBe(`$${sha256(text, 'base64')}`);
    for (const id of ['4', '12']) expect(eventId(EVENT, version(id))).toBe(`$${sha256(text, 'base64url')}`);
  });

  it('event ID: the field, in versions 1 and 2', () => {
    for (const id of ['1', '2']) {
      expect(eventId({ ...EVENT, event_id: '$e:b' }, version(id))).toBe('$e:b');
      expect(() => eventId(EVENT, version(id))).toThrow(TypeError);
    }
  });

  it('reference hash: refuses fractions where canonical JSON is strict', () => {
    const event = { ...EVENT, depth: 1.5 };
    expect(() => referenceHash(event, version('6'))).toThrow(expect.objectContaining({ kind: 'number' }));
    expect(referenceHash(event, version('5'))).toHaveLength(43);
  });

  it('checkContentHash compares the bytes', () => {
    const sealed = (sha256: string): JsonObject => ({ ...EVENT, hashes: { sha256 } });
    const hash = contentHash(EVENT);
    expect(checkContentHash(sealed(hash))).toBe(true);
    expect(checkContentHash(sealed(`${hash}=`))).toBe(true);
    expect(checkContentHash({ ...sealed(hash), content: { body: 'y' } })).toBe(false);
    expect(checkContentHash(sealed(hash.slice(1)))).toBe(false);
    expect(checkContentHash(sealed('?'))).toBe(false);
    expect(checkContentHash({ ...EVENT, hashes: {} })).toBe(false);
    expect(checkContentHash({ ...EVENT, hashes: 'x' })).toBe(false);
  });
});
