import { describe, expect, test } from 'vitest';
import { compileEventFilter, compileFilter, type FilteredEvent } from '../../src/protocol/filters.js';
import type { JsonValue } from '../../src/protocol/json.js';

const message: FilteredEvent = {
  type: 'm.room.message',
  sender: '@alice:a.org',
  room_id: '!r:a.org',
  content: { body: 'x' },
};

describe('a filter for a list of events', () => {
  test.each<[JsonValue | undefined, boolean]>([
    [undefined, true],
    [{}, true],
    [{ types: ['m.room.message'] }, true],
    [{ types: ['m.room.*'] }, true],
    [{ types: ['*'] }, true],
    [{ types: ['*message'] }, true],
    [{ types: ['m.room.member'] }, false],
    [{ types: ['m.room.messag?'] }, false],
    [{ types: ['M.ROOM.MESSAGE'] }, false],
    [{ types: ['m.room'] }, false],
    [{ types: [] }, false],
    [{ not_types: ['m.room.message'] }, false],
    [{ not_types: ['m.*'] }, false],
    [{ not_types: [] }, true],
    [{ types: ['m.room.message'], not_types: ['m.room.*'] }, false],
    [{ senders: ['@alice:a.org'] }, true],
    [{ senders: ['@bob:a.org'] }, false],
    [{ senders: ['@*:a.org'] }, false],
    [{ not_senders: ['@alice:a.org'] }, false],
    [{ not_senders: ['@bob:a.org'] }, true],
    [{ senders: ['@alice:a.org'], not_senders: ['@alice:a.org'] }, false],
    [{ rooms: ['!r:a.org'] }, true],
    [{ rooms: ['!s:a.org'] }, false],
    [{ rooms: [] }, false],
    [{ not_rooms: ['!r:a.org'] }, false],
    [{ contains_url: true }, false],
    [{ contains_url: false }, true],
    [{ related_by_rel_types: ['m.thread'] }, false],
    [{ something_later: 1 }, true],
  ])('%j lets a message of alice through: %j', (filter, expected) => {
    const compiled = compileEventFilter(filter);
    expect(compiled.matches(message)).toBe(expected);
    if (compiled.matchesAll) expect(expected).toBe(true);
    if (compiled.matchesNothing) expect(expected).toBe(false);
  });

  test('knows when it lets everything or nothing through', () => {
    expect(compileEventFilter({ limit: 5 }).matchesAll).toBe(true);
    expect(compileEventFilter({ types: [] }).matchesNothing).toBe(true);
    expect(compileEventFilter({ not_types: ['*'] }).matchesNothing).toBe(true);
    expect(compileEventFilter({ rooms: ['!a:b'], not_rooms: ['!a:b'] }).matchesNothing).toBe(true);
    expect(compileEventFilter({ types: ['a'], not_types: ['b'] }).matchesNothing).toBe(false);
    expect(compileEventFilter({ not_senders: ['@a:b'] }).matchesAll).toBe(false);
  });

  test('asks of an event without a sender or room only that none is required', () => {
    const tag = { type: 'm.tag', content: {} };
    expect(compileEventFilter({ not_senders: ['@a:b'], not_rooms: ['!a:b'] }).matches(tag)).toBe(true);
    expect(compileEventFilter({ senders: ['@a:b'] }).matches(tag)).toBe(false);
    expect(compileEventFilter({ rooms: ['!a:b'] }).matches(tag)).toBe(false);
  });

  test('finds the key `url` whatever its value, and only there', () => {
    const image = { ...message, content: { url: null } };
    expect(compileEventFilter({ contains_url: true }).matches(image)).toBe(true);
    expect(compileEventFilter({ contains_url: false }).matches(image)).toBe(false);
    expect(
      compileEventFilter({ contains_url: true }).matches({ ...message, content: { info: { url: '' } } }),
    ).toBe(false);
  });

  test('asks for one relation of a wanted type by a wanted sender', () => {
    const filter = compileEventFilter({
      related_by_rel_types: ['m.thread'],
      related_by_senders: ['@bob:a.org'],
    });
    const thread = (sender: string) => ({ relType: 'm.thread', sender });
    expect(filter.needsRelations).toBe(true);
    expect(filter.matches(message, [thread('@bob:a.org')])).toBe(true);
    expect(
      filter.matches(message, [thread('@eve:a.org'), { relType: 'm.annotation', sender: '@bob:a.org' }]),
    ).toBe(false);
  });

  test('has defaults, and takes what is set', () => {
    expect(compileEventFilter({})).toMatchObject({
      limit: undefined,
      lazyLoadMembers: false,
      includeRedundantMembers: false,
      unreadThreadNotifications: false,
      needsRelations: false,
    });
    expect(
      compileEventFilter({
        limit: 7,
        lazy_load_members: true,
        include_redundant_members: true,
        unread_thread_notifications: true,
      }),
    ).toMatchObject({
      limit: 7,
      lazyLoadMembers: true,
      includeRedundantMembers: true,
      unreadThreadNotifications: true,
    });
  });

  test('answers by type and by room alone', () => {
    const filter = compileEventFilter({ types: ['m.*'], not_types: ['m.typing'], rooms: ['!a:b'] });
    expect([filter.matchesType('m.receipt'), filter.matchesType('m.typing')]).toEqual([true, false]);
    expect([filter.matchesRoom('!a:b'), filter.matchesRoom('!c:b')]).toEqual([true, false]);
  });
});

describe('a whole filter', () => {
  test('of nothing is the default of everything', () => {
    for (const filter of [compileFilter(undefined), compileFilter({})]) {
      expect(filter.eventFormat).toBe('client');
      expect(filter.projectsAll).toBe(true);
      expect(filter.room.includeLeave).toBe(false);
      expect(filter.room.matchesRoom('!any:a.org')).toBe(true);
      const { state, timeline, ephemeral, accountData } = filter.room;
      for (const part of [filter.presence, filter.accountData, state, timeline, ephemeral, accountData]) {
        expect(part.matchesAll).toBe(true);
      }
      const event = { a: 1 };
      expect(filter.project(event)).toBe(event);
    }
  });

  test('reads each part from its place', () => {
    const filter = compileFilter({
      event_format: 'federation',
      presence: { types: ['p'] },
      account_data: { types: ['a'] },
      room: {
        rooms: ['!in:a', '!both:a'],
        not_rooms: ['!both:a'],
        include_leave: true,
        state: { types: ['s'], lazy_load_members: true },
        timeline: { types: ['t'], limit: 3 },
        ephemeral: { types: ['e'] },
        account_data: { types: ['ra'] },
      },
    });
    expect(filter.eventFormat).toBe('federation');
    expect(filter.room.includeLeave).toBe(true);
    expect(['!in:a', '!both:a', '!out:a'].map((room) => filter.room.matchesRoom(room))).toEqual([
      true,
      false,
      false,
    ]);
    expect(filter.room.state.lazyLoadMembers).toBe(true);
    expect(filter.room.timeline.limit).toBe(3);
    const parts = [filter.presence, filter.accountData, filter.room.state, filter.room.timeline];
    parts.push(filter.room.ephemeral, filter.room.accountData);
    const types = ['p', 'a', 's', 't', 'e', 'ra'];
    for (const [n, part] of parts.entries()) expect(types.filter(part.matchesType)).toEqual([types[n]]);
  });

  test.each<[JsonValue]>([
    [null],
    [[]],
    ['1'],
    [{ event_format: 'other' }],
    [{ event_fields: 'type' }],
    [{ event_fields: [1] }],
    [{ room: [] }],
    [{ room: { rooms: '!a:b' } }],
    [{ room: { rooms: ['#a:b'] } }],
    [{ room: { include_leave: 'yes' } }],
    [{ room: { timeline: { limit: '10' } } }],
    [{ room: { timeline: { limit: -1 } } }],
    [{ room: { timeline: { limit: 1.5 } } }],
    [{ room: { state: { lazy_load_members: 1 } } }],
    [{ presence: { types: { 0: 'a' } } }],
    [{ presence: { senders: ['alice'] } }],
    [{ presence: { not_senders: [null] } }],
    [{ presence: { types: Array<string>(101).fill('*a*') } }],
    [{ presence: { types: Array<string>(10_001).fill('a') } }],
  ])('is refused when malformed: %j', (filter) => {
    expect(() => compileFilter(filter)).toThrow(expect.objectContaining({ code: 'M_BAD_JSON' }) as Error);
  });
});

describe('event_fields', () => {
  const event = {
    type: 'm.room.message',
    content: { body: 'x', 'm.relates_to': { rel_type: 'r', event_id: '$e' }, 'a\\b': 1, deep: { er: null } },
    unsigned: { age: 1 },
  };

  test.each([
    [['type'], { type: 'm.room.message' }],
    [['content.body', 'type'], { content: { body: 'x' }, type: 'm.room.message' }],
    [['content.m\\.relates_to.rel_type'], { content: { 'm.relates_to': { rel_type: 'r' } } }],
    [['content.m.relates_to'], { content: {} }],
    [['content.a\\\\b'], { content: { 'a\\b': 1 } }],
    [['content.body', 'content'], { content: event.content }],
    [['content', 'content.body'], { content: event.content }],
    [['content.deep.er'], { content: { deep: { er: null } } }],
    [['content.body.more', 'absent', 'absent.x'], { content: {} }],
    [['__proto__', 'constructor.name', 'type'], { type: 'm.room.message' }],
    [[], {}],
  ])('%j', (fields, expected) => {
    const filter = compileFilter({ event_fields: fields });
    expect(filter.projectsAll).toBe(false);
    expect(filter.project(event)).toEqual(expected);
  });

  test('leave a property named __proto__ what it is', () => {
    const hostile = JSON.parse('{"__proto__": {"a": 1}, "type": "t"}') as Record<string, never>;
    const projected = compileFilter({ event_fields: ['__proto__.a'] }).project(hostile);
    expect(JSON.stringify(projected)).toBe('{"__proto__":{"a":1}}');
  });
});
