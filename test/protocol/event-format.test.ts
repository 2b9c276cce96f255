import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/protocol/canonical-json.js';
import {
  buildEvent,
  checkContentHash,
  EventFormatError,
  eventTooLarge,
  parseEvent,
  type EventTemplate,
} from '../../src/protocol/event-format.js';
import type { RoomEvent } from '../../src/protocol/events.js';
import { eventId, referenceHash } from '../../src/protocol/hashes.js';
import type { JsonObject, JsonValue } from '../../src/protocol/json.js';
import { SigningKey, VerifyKey } from '../../src/protocol/keys.js';
import { ROOM_VERSIONS, roomVersion, type RoomVersion } from '../../src/protocol/room-versions.js';
import { verifyEventSignature } from '../../src/protocol/signatures.js';
import { parseJsonObject } from '../../src/protocol/strict-json.js';

const VERSIONS = [...ROOM_VERSIONS.values()].map((of) => [of.id, of] as const);
const signer = { serverName: 'b', key: new SigningKey('1', new Uint8Array(32).fill(1)) };
const HASH = 'A'.repeat(43);

function version(id: string): RoomVersion {
  const found = roomVersion(id);
  if (found === undefined) throw new Error(`No room version ${id}`);
  return found;
}

/** A template that suits the version, for an ordinary event. */
function template(of: RoomVersion, changes: Partial<EventTemplate> = {}): EventTemplate {
  return {
    type: 'm.room.message',
    sender: '@a:b',
    roomId: of.roomIds === 'domain' ? '!r:b' : `!${HASH}`,
    content: { body: 'x' },
    authEvents: of.eventIds === 'pdu' ? ['$x:b'] : [`$${HASH}`],
    prevEvents: of.eventIds === 'pdu' ? ['$y:b', '$z:b'] : [`$${HASH}`],
    depth: 7,
    originServerTs: 1000,
    ...(of.eventIds === 'pdu' ? { eventId: '$e:b', refHashes: () => HASH } : {}),
    ...changes,
  };
}

function build(of: RoomVersion, changes: Partial<EventTemplate> = {}): RoomEvent {
  return buildEvent(template(of, changes), of, signer);
}

function parsed(pdu: JsonObject, of: RoomVersion): RoomEvent {
  const event = parseEvent(pdu, of);
  if (event instanceof EventFormatError) throw event;
  return event;
}

/** The message of the refusal, and its code. */
function refusal(pdu: JsonObject, of: RoomVersion): string {
  const event = parseEvent(pdu, of);
  return event instanceof EventFormatError ? `${event.code}: ${event.message}` : 'accepted';
}

describe.each(VERSIONS)('version %s', (id, of) => {
  const event = build(of);

  it('an event that was built is read back the same, from text too', () => {
    expect(parseEvent(event.pdu, of)).toEqual(event);
    const again = parsed(parseJsonObject(canonicalJson(event.pdu), { strictNumbers: true }), of);
    expect(again).toEqual(event);
    expect(parseEvent(event.pdu, of, { eventId: event.eventId })).toEqual(event);
  });

  it('an event that was built has its ID, hash and signature', () => {
    expect(event.eventId).toBe(of.eventIds === 'pdu' ? '$e:b' : eventId(event.pdu, of));
    expect(event.pdu['event_id']).toBe(of.eventIds === 'pdu' ? '$e:b' : undefined);
    expect(checkContentHash(event.pdu)).toBe(true);
    const key = VerifyKey.from(signer.key.publicKey);
    const keys = new Map(key === undefined ? [] : [['ed25519:1', key]]);
    expect(verifyEventSignature(event.pdu, 'b', keys, of)).toBe(true);
  });

  it('names other events in its own form', () => {
    const hash = referenceHash(event.pdu, of);
    const next = build(of, { prevEvents: [event.eventId], authEvents: [], refHashes: () => hash });
    expect(next.pdu['prev_events']).toEqual(
      of.eventReferences === 'pairs' ? [[event.eventId, { sha256: hash }]] : [event.eventId],
    );
    expect(next.prevEvents).toEqual([event.eventId]);
    const other = of.eventReferences === 'pairs' ? ['$x:b'] : [['$x', { sha256: HASH }]];
    expect(refusal({ ...event.pdu, prev_events: other }, of)).toContain('prev_events has an entry');
  });

  it('keeps the target of a redaction in its own place', () => {
    const redaction = build(of, { type: 'm.room.redaction', redacts: '$t:b', content: { reason: 'x' } });
    const inContent = Number(id) >= 11;
    expect(redaction.pdu['redacts']).toBe(inContent ? undefined : '$t:b');
    expect(redaction.content['redacts']).toBe(inContent ? '$t:b' : undefined);
    expect(redaction.content['reason']).toBe('x');
    expect(parsed(redaction.pdu, of).redacts).toBe('$t:b');
    expect(redaction.redacts).toBe('$t:b');
    const wrong = { ...redaction.pdu, content: { redacts: 1 }, redacts: 1 };
    if (inContent) expect(parsed(wrong, of).redacts).toBeUndefined();
    else expect(refusal(wrong, of)).toContain('redacts is not a string');
  });

  it.each([
    'type',
    'sender',
    'content',
    'hashes',
    'signatures',
    'depth',
    'origin_server_ts',
    'auth_events',
    'prev_events',
    'room_id',
  ])('needs %s', (field) => {
    const { [field]: taken, ...rest } = event.pdu;
    expect(taken).toBeDefined();
    expect(refusal(rest, of)).toContain(`M_BAD_JSON: The event is malformed: ${field}`);
    expect(refusal({ ...rest, [field]: null }, of)).toContain(`malformed: ${field}`);
  });

  it.each<[string, JsonValue]>([
    ['type', 1],
    ['sender', 'a:b'],
    ['sender', '@a'],
    ['sender', '@a:b c'],
    ['state_key', 1],
    ['state_key', null],
    ['content', []],
    ['content', 'x'],
    ['unsigned', []],
    ['hashes', {}],
    ['hashes', { sha256: 1 }],
    ['signatures', { b: 'x' }],
    ['signatures', { b: { k: 1 } }],
    ['depth', -1],
    ['depth', 1.5],
    ['depth', '1'],
    ['depth', 2 ** 65],
    ['origin_server_ts', 1.5],
    ['origin_server_ts', '1'],
    ['origin_server_ts', 2 ** 53],
    ['auth_events', {}],
    ['auth_events', [1]],
    ['prev_events', 'x'],
    ['prev_events', [null]],
    ['room_id', 'r:b'],
    ['room_id', '!r'],
    ['room_id', 7],
  ])('refuses %s: %j', (field, value) => {
    expect(refusal({ ...event.pdu, [field]: value }, of)).toContain('M_BAD_JSON');
  });

  it('accepts fields that it does not know', () => {
    const pdu = { ...event.pdu, origin: 'b', prev_state: [], 'org.example': { a: 1 } };
    expect(parsed(pdu, of).pdu).toBe(pdu);
  });

  it('accepts at most 10 auth events and 20 previous events', () => {
    const reference = of.eventReferences === 'pairs' ? ['$x:b', { sha256: HASH }] : `$${HASH}`;
    const named = (field: string, count: number): string =>
      refusal({ ...event.pdu, [field]: Array.from({ length: count }, () => reference) }, of);
    expect(named('auth_events', 10)).toBe('accepted');
    expect(named('auth_events', 11)).toContain('more than 10');
    expect(named('prev_events', 20)).toBe('accepted');
    expect(named('prev_events', 21)).toContain('more than 20');
    expect(() => build(of, { prevEvents: Array.from({ length: 21 }, () => '$x') })).toThrow(TypeError);
  });

  it('accepts an event of 65536 bytes, and none of more', () => {
    const spare = 65_536 - Buffer.byteLength(canonicalJson(build(of, { content: { body: '' } }).pdu));
    const full = build(of, { content: { body: 'x'.repeat(spare) } });
    expect(Buffer.byteLength(canonicalJson(full.pdu))).toBe(65_536);
    expect(refusal(full.pdu, of)).toBe('accepted');
    const tooMuch = { ...full.pdu, content: { body: 'x'.repeat(spare + 1) } };
    expect(refusal(tooMuch, of)).toBe('M_TOO_LARGE: The event is larger than 65536 bytes');
    expect(() => build(of, { content: { body: 'x'.repeat(spare + 1) } })).toThrow(
      expect.objectContaining({ code: 'M_TOO_LARGE', status: 413 }),
    );
    // Bytes, not characters: half as many of two bytes each, and one more.
    expect(() => build(of, { content: { body: 'ü'.repeat(spare / 2 + 1) } })).toThrow(/65536/);
  });

  it.each(['type', 'state_key', 'sender', 'room_id'])('accepts a %s of at most 255 bytes', (field) => {
    const make = (bytes: number): string => {
      if (field === 'sender') return `@${'a'.repeat(bytes - 3)}:b`;
      if (field === 'room_id') return `!${'a'.repeat(bytes - 3)}:b`;
      return 'a'.repeat(bytes);
    };
    const fits = refusal({ ...event.pdu, [field]: make(255) }, of);
    if (field === 'room_id' && of.roomIds === 'create_event')
      expect(fits).toContain('room_id is not a room ID');
    else expect(fits).toBe('accepted');
    expect(refusal({ ...event.pdu, [field]: make(256) }, of)).toBe(
      `M_TOO_LARGE: The event's ${field} is larger than 255 bytes`,
    );
    expect(eventTooLarge({ ...event.pdu, [field]: 'ü'.repeat(128) }, of)).toContain(field);
  });

  it('takes fractions and large numbers in content as its canonical JSON does', () => {
    const numbers = [1.5, 2 ** 53];
    for (const number of numbers) {
      const answer = refusal({ ...event.pdu, content: { number } }, of);
      if (Number(id) >= 6) expect(answer).toContain('M_BAD_JSON');
      else expect(answer).toBe('accepted');
      const builds = (): unknown => build(of, { content: { number } });
      if (Number(id) >= 6) expect(builds).toThrow(expect.objectContaining({ code: 'M_BAD_JSON' }));
      else expect(builds).not.toThrow();
    }
  });

  it('limits the depth as its canonical JSON does', () => {
    expect(refusal({ ...event.pdu, depth: Number.MAX_SAFE_INTEGER }, of)).toBe('accepted');
    expect(refusal({ ...event.pdu, depth: 2 ** 60 }, of) === 'accepted').toBe(Number(id) < 6);
    const deepest = build(of, { depth: 2 ** 63 });
    expect(deepest.depth).toBe(Number(id) < 6 ? 2 ** 63 - 1024 : Number.MAX_SAFE_INTEGER);
    expect(parsed(deepest.pdu, of)).toEqual(deepest);
  });

  it('refuses a lone surrogate', () => {
    expect(refusal({ ...event.pdu, content: { a: '\ud800' } }, of)).toContain('M_BAD_JSON');
  });

  it('takes the ID that it is given, and then measures nothing', () => {
    const large = { ...event.pdu, content: { body: 'x'.repeat(70_000) } };
    expect(parseEvent(large, of, { eventId: '$known' })).toMatchObject({ eventId: '$known' });
  });

  it('a create event names its room, or is its name', () => {
    const create = {
      type: 'm.room.create',
      stateKey: '',
      content: {},
      authEvents: [],
      prevEvents: [],
      depth: 1,
    };
    if (of.roomIds === 'domain') {
      const event = build(of, create);
      expect(event.roomId).toBe('!r:b');
      expect(parseEvent(event.pdu, of)).toEqual(event);
      return;
    }
    const { roomId, ...nameless } = template(of, create);
    expect(roomId).toBeDefined();
    const event = buildEvent(nameless, of, signer);
    expect(event.pdu['room_id']).toBeUndefined();
    expect(event.roomId).toBe(`!${event.eventId.slice(1)}`);
    expect(parseEvent(event.pdu, of)).toEqual(event);
    expect(refusal({ ...event.pdu, room_id: event.roomId }, of)).toContain('has no room_id');
    expect(() => build(of, create)).toThrow(TypeError);
  });
});

describe('versions 1 and 2', () => {
  it.each(['1', '2'])('version %s needs an event ID, and reference hashes', (id) => {
    const of = version(id);
    const { event_id: taken, ...rest } = build(of).pdu;
    expect(taken).toBe('$e:b');
    for (const wrong of [undefined, 1, 'e:b', '$e', `$${'e'.repeat(253)}:b`]) {
      expect(refusal({ ...rest, event_id: wrong }, of)).not.toBe('accepted');
    }
    const { eventId: id_, refHashes, ...bare } = template(of);
    expect(() => buildEvent(bare, of, signer)).toThrow(TypeError);
    expect(() => buildEvent({ ...bare, eventId: id_ ?? '' }, of, signer)).toThrow(TypeError);
    expect(refHashes).toBeDefined();
  });

  it.each<[string, JsonValue]>([
    ['a plain ID', '$x:b'],
    ['no hash', ['$x:b']],
    ['a hash that is no object', ['$x:b', 'h']],
    ['three parts', ['$x:b', {}, {}]],
    ['an ID that is no text', [1, {}]],
  ])('refuse a reference with %s', (_, reference) => {
    expect(refusal({ ...build(version('1')).pdu, auth_events: [reference] }, version('1'))).toContain(
      'auth_events',
    );
  });
});

describe('room IDs', () => {
  it('without a domain belong to version 12, with one to the others', () => {
    for (const [id, of] of VERSIONS) {
      const { pdu } = build(of);
      expect(refusal({ ...pdu, room_id: '!r:b' }, of) === 'accepted').toBe(id !== '12');
      expect(refusal({ ...pdu, room_id: `!${HASH}` }, of) === 'accepted').toBe(id === '12');
    }
  });
});
