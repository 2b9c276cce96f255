import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/protocol/canonical-json.js';
import { eventId } from '../../src/protocol/hashes.js';
import type { JsonObject } from '../../src/protocol/json.js';
import { joinForgettable, redact, splitForgettable } from '../../src/protocol/redaction.js';
import { ROOM_VERSIONS, roomVersion, type RoomVersion } from '../../src/protocol/room-versions.js';
import { parseJsonObject } from '../../src/protocol/strict-json.js';

const VERSIONS = [...ROOM_VERSIONS.values()];
const ALL = VERSIONS.map((version) => Number(version.id));

function version(id: number): RoomVersion {
  const found = roomVersion(String(id));
  if (found === undefined) throw new Error(`No room version ${id}`);
  return found;
}

/** The content fields that survive, and in which versions (Room Versions, Redactions). */
const KEPT_CONTENT: [type: string, field: string, value: JsonObject | string, from: number, to: number][] = [
  ['m.room.member', 'membership', 'join', 1, 12],
  ['m.room.member', 'join_authorised_via_users_server', '@a:b', 9, 12],
  ['m.room.create', 'creator', '@a:b', 1, 12],
  ['m.room.create', 'room_version', '11', 11, 12],
  ['m.room.create', 'm.federate', 'x', 11, 12],
  ['m.room.create', 'anything', 'x', 11, 12],
  ['m.room.join_rules', 'join_rule', 'public', 1, 12],
  ['m.room.join_rules', 'allow', {}, 8, 12],
  ...['ban', 'events', 'events_default', 'kick', 'redact', 'state_default', 'users', 'users_default'].map(
    (field) => ['m.room.power_levels', field, 'x', 1, 12] as [string, string, string, number, number],
  ),
  ['m.room.power_levels', 'invite', 'x', 11, 12],
  ['m.room.power_levels', 'notifications', {}, 99, 99],
  ['m.room.aliases', 'aliases', 'x', 1, 5],
  ['m.room.history_visibility', 'history_visibility', 'shared', 1, 12],
  ['m.room.redaction', 'redacts', '$x', 11, 12],
  ['m.room.message', 'body', 'x', 99, 99],
  ['m.room.message', 'membership', 'x', 99, 99],
  ['m.room.member', 'displayname', 'x', 99, 99],
  ['m.room.member', 'creator', 'x', 99, 99],
];

/** The same for the fields of the event itself. */
const KEPT_FIELDS: [field: string, from: number, to: number][] = [
  ...['event_id', 'type', 'room_id', 'sender', 'state_key', 'content', 'hashes', 'signatures', 'depth'].map(
    (field) => [field, 1, 12] as [string, number, number],
  ),
  ['prev_events', 1, 12],
  ['auth_events', 1, 12],
  ['origin_server_ts', 1, 12],
  ['prev_state', 1, 10],
  ['origin', 1, 10],
  ['membership', 1, 10],
  ['redacts', 99, 99],
  ['unsigned', 99, 99],
  ['age_ts', 99, 99],
  ['__proto__', 99, 99],
];

describe('redact, content', () => {
  it.each(KEPT_CONTENT)('%s: %s', (type, field, value, from, to) => {
    for (const id of ALL) {
      const redacted = redact({ type, content: { [field]: value } }, version(id));
      const kept = id >= from && id <= to;
      expect([id, redacted]).toEqual([id, { type, content: kept ? { [field]: value } : {} }]);
    }
  });

  it('keeps of a third-party invite only what is signed, from version 11', () => {
    const content = {
      membership: 'invite',
      third_party_invite: { display_name: 'x', signed: { token: 't' } },
    };
    for (const id of ALL) {
      expect(redact({ type: 'm.room.member', content }, version(id))['content']).toEqual(
        id >= 11
          ? { membership: 'invite', third_party_invite: { signed: { token: 't' } } }
          : { membership: 'invite' },
      );
    }
  });

  it('keeps a third-party invite without a signed part empty, and none that is no object', () => {
    const redactInvite = (invite: JsonObject | string): unknown =>
      redact({ type: 'm.room.member', content: { third_party_invite: invite } }, version(11))['content'];
    expect(redactInvite({ display_name: 'x' })).toEqual({ third_party_invite: {} });
    expect(redactInvite('x')).toEqual({});
  });

  it('does not take a field from a prototype', () => {
    expect(
      redact(
        parseJsonObject('{"type":"m.room.member","content":{"__proto__":{"membership":"join"}}}'),
        version(1),
      ),
    ).toEqual({
      type: 'm.room.member',
      content: {},
    });
  });

  it('makes of a content that is no object an empty one', () => {
    expect(redact({ type: 'm.room.create', content: 'x' }, version(11))).toEqual({
      type: 'm.room.create',
      content: {},
    });
  });
});

describe('redact, top level', () => {
  it.each(KEPT_FIELDS)('%s', (field, from, to) => {
    for (const id of ALL) {
      const pdu = Object.fromEntries([[field, {}]]) as JsonObject;
      expect([id, Object.keys(redact(pdu, version(id)))]).toEqual([
        id,
        id >= from && id <= to ? [field] : [],
      ]);
    }
  });

  it('leaves the event alone', () => {
    const pdu = { type: 'm.room.message', content: { body: 'x' }, unsigned: {} };
    redact(pdu, version(12));
    expect(pdu).toEqual({ type: 'm.room.message', content: { body: 'x' }, unsigned: {} });
  });
});

const value = fc.oneof(
  fc.constantFrom(null, true, 0, 1, '', 'join', '__proto__'),
  fc.constant([]),
  fc.constant([1, 'a']),
  fc.dictionary(fc.constantFrom('signed', 'token', 'a', '__proto__'), fc.constantFrom(1, 'x'), {
    maxKeys: 3,
  }),
);
const contentFields = [
  ...new Set(KEPT_CONTENT.map(([, field]) => field)),
  'third_party_invite',
  '__proto__',
  'constructor',
];
const event: fc.Arbitrary<JsonObject> = fc
  .tuple(
    fc.constantFrom(...new Set(KEPT_CONTENT.map(([type]) => type))),
    fc.oneof(fc.dictionary(fc.constantFrom(...contentFields), value, { maxKeys: 6 }), value),
    fc.dictionary(fc.constantFrom(...KEPT_FIELDS.map(([field]) => field), 'constructor'), value, {
      maxKeys: 8,
    }),
    fc.boolean(),
  )
  // By way of text, as events come: `__proto__` is then a key like any other.
  .map(([type, content, fields, hasContent]) => {
    const own = { ...fields, type, event_id: '$a:b', ...(hasContent ? { content } : {}) };
    return parseJsonObject(JSON.stringify(own));
  });
const anyVersion = fc.constantFrom(...VERSIONS);

describe('redaction, for any event', () => {
  it('is idempotent and keeps the event ID', () => {
    fc.assert(
      fc.property(event, anyVersion, (pdu, of) => {
        const once = redact(pdu, of);
        expect(redact(once, of)).toEqual(once);
        expect(eventId(once, of)).toBe(eventId(pdu, of));
      }),
      { numRuns: 1000 },
    );
  });

  it('can be split off and joined again without loss', () => {
    fc.assert(
      fc.property(event, anyVersion, (pdu, of) => {
        const { clear, forgettable } = splitForgettable(pdu, of);
        expect(clear).toEqual(redact(pdu, of));
        const joined = joinForgettable(clear, forgettable);
        expect(canonicalJson(joined)).toBe(canonicalJson(pdu));
        expect(Object.keys(joined).sort()).toEqual(Object.keys(pdu).sort());
      }),
      { numRuns: 1000 },
    );
  });

  it('puts exactly the fields that lose something into the forgettable part', () => {
    fc.assert(
      fc.property(event, anyVersion, (pdu, of) => {
        const { clear, forgettable } = splitForgettable(pdu, of);
        const text = (object: JsonObject, key: string): string | undefined =>
          Object.hasOwn(object, key) ? canonicalJson({ value: object[key] }) : undefined;
        const lost = Object.keys(pdu).filter((key) => text(pdu, key) !== text(clear, key));
        expect(Object.keys(forgettable ?? {}).sort()).toEqual(lost.sort());
        expect(forgettable === undefined).toBe(lost.length === 0);
      }),
      { numRuns: 1000 },
    );
  });

  it('survives a way over text', () => {
    const pdu = parseJsonObject(
      '{"type":"m.room.message","content":{"body":"x"},"__proto__":{"a":1},"depth":1}',
    );
    const { clear, forgettable } = splitForgettable(pdu, version(12));
    const again = joinForgettable(
      parseJsonObject(canonicalJson(clear)),
      forgettable && parseJsonObject(canonicalJson(forgettable)),
    );
    expect(canonicalJson(again)).toBe(canonicalJson(pdu));
  });
});
