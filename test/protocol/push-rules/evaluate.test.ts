import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../src/protocol/json.js';
import type { PushContext } from '../../../src/protocol/push-rules/conditions.js';
import { PreparedEvent, type PushEvent } from '../../../src/protocol/push-rules/event.js';
import { compileRuleset, evaluatePushRules } from '../../../src/protocol/push-rules/evaluate.js';
import {
  NO_USER_RULES,
  type PushAction,
  type PushRule,
  type UserRules,
} from '../../../src/protocol/push-rules/rules.js';
import { ALICE, context, ME, message, stateEvent } from './events.js';

function made(rest: Partial<PushRule> & { rule_id: string }): PushRule {
  return { default: false, enabled: true, actions: ['notify'], ...rest };
}

function ruleFor(
  event: PushEvent,
  rest: Partial<PushContext> = {},
  user: UserRules = NO_USER_RULES,
): string | undefined {
  return evaluatePushRules(compileRuleset(user), event, context(rest)).ruleId;
}

describe('the predefined rules', () => {
  const mentionsMe = { 'm.mentions': { user_ids: ['@x:y', ME] } };
  const mentionsRoom = { 'm.mentions': { room: true } };

  test.each<[string, PushEvent, Partial<PushContext>, string | undefined, string]>([
    ['a message', message(), {}, '.m.rule.message', 'notify'],
    ['a message between two', message(), { memberCount: 2 }, '.m.rule.room_one_to_one', 'notify default'],
    ['an encrypted one', message({}, { type: 'm.room.encrypted' }), {}, '.m.rule.encrypted', 'notify'],
    [
      'an encrypted one between two',
      message({}, { type: 'm.room.encrypted' }),
      { memberCount: 2 },
      '.m.rule.encrypted_room_one_to_one',
      'notify default',
    ],
    ['a notice', message({ msgtype: 'm.notice', ...mentionsMe }), {}, '.m.rule.suppress_notices', ''],
    ['a mention of me', message(mentionsMe), {}, '.m.rule.is_user_mention', 'notify highlight default'],
    [
      'a mention of another',
      message({ 'm.mentions': { user_ids: ['@x:y'] } }),
      {},
      '.m.rule.message',
      'notify',
    ],
    [
      'a mention in another case',
      message({ 'm.mentions': { user_ids: ['@ME:a.org'] } }),
      {},
      '.m.rule.message',
      'notify',
    ],
    ['malformed mentions', message({ 'm.mentions': { user_ids: ME } }), {}, '.m.rule.message', 'notify'],
    ['my name in the body', message({ body: 'Me Myself, @me:a.org' }), {}, '.m.rule.message', 'notify'],
    ['@room by a member', message(mentionsRoom), {}, '.m.rule.message', 'notify'],
    [
      '@room by a moderator',
      message(mentionsRoom),
      { senderLevel: 50 },
      '.m.rule.is_room_mention',
      'notify highlight',
    ],
    [
      '@room by a creator',
      message(mentionsRoom),
      { senderLevel: Infinity },
      '.m.rule.is_room_mention',
      'notify highlight',
    ],
    [
      '@room where all may',
      message(mentionsRoom),
      { notificationLevel: () => 0 },
      '.m.rule.is_room_mention',
      'notify highlight',
    ],
    [
      '@room as text',
      message({ 'm.mentions': { room: 'true' } }),
      { senderLevel: 50 },
      '.m.rule.message',
      'notify',
    ],
    [
      'my invite',
      stateEvent('m.room.member', ME, { membership: 'invite' }),
      {},
      '.m.rule.invite_for_me',
      'notify default',
    ],
    [
      "another's invite",
      stateEvent('m.room.member', '@x:y', { membership: 'invite' }),
      {},
      '.m.rule.member_event',
      '',
    ],
    ['my kick', stateEvent('m.room.member', ME, { membership: 'leave' }), {}, '.m.rule.member_event', ''],
    ['a tombstone', stateEvent('m.room.tombstone', ''), {}, '.m.rule.tombstone', 'notify highlight'],
    ['a tombstone that is no state', message({}, { type: 'm.room.tombstone' }), {}, undefined, ''],
    ['a tombstone with another state key', stateEvent('m.room.tombstone', 'x'), {}, undefined, ''],
    ['a reaction', message({}, { type: 'm.reaction' }), { memberCount: 2 }, '.m.rule.reaction', ''],
    ['an ACL', stateEvent('m.room.server_acl', ''), {}, '.m.rule.room.server_acl', ''],
    ['an edit', message({ 'm.relates_to': { rel_type: 'm.replace' } }), {}, '.m.rule.suppress_edits', ''],
    [
      'an edit that mentions me',
      message({ 'm.relates_to': { rel_type: 'm.replace' }, ...mentionsMe }),
      {},
      '.m.rule.is_user_mention',
      'notify highlight default',
    ],
    ['a call', message({}, { type: 'm.call.invite' }), {}, '.m.rule.call', 'notify ring'],
    ['a name', stateEvent('m.room.name', ''), {}, undefined, ''],
    ['my own mention of me', message(mentionsMe, { sender: ME }), {}, undefined, ''],
  ])('%s', (_, event, rest, ruleId, effects) => {
    const decision = evaluatePushRules(compileRuleset(NO_USER_RULES), event, context(rest));
    const shown = [decision.notify && 'notify', decision.highlight && 'highlight', decision.sound].filter(
      Boolean,
    );
    expect([decision.ruleId, shown.join(' ')]).toEqual([ruleId, effects]);
  });

  test('are compiled once for all who changed nothing', () => {
    expect(compileRuleset({ rules: { room: [] }, changed: [] })).toBe(compileRuleset(NO_USER_RULES));
  });

  test('are silenced by the master rule, also against the user’s own', () => {
    const user: UserRules = {
      rules: { override: [made({ rule_id: 'all', conditions: [] })] },
      changed: [{ kind: 'override', rule_id: '.m.rule.master', enabled: true }],
    };
    const decision = evaluatePushRules(compileRuleset(user), message(), context());
    expect(decision).toMatchObject({ notify: false, ruleId: '.m.rule.master', actions: [] });
  });
});

describe('a condition', () => {
  function holds(condition: JsonObject, event: PushEvent, rest: Partial<PushContext> = {}): boolean {
    const user = { rules: { override: [made({ rule_id: 'it', conditions: [condition] })] }, changed: [] };
    return ruleFor(event, rest, user) === 'it';
  }
  const match = (key: string, pattern: unknown) => ({ kind: 'event_match', key, pattern }) as JsonObject;
  const is = (key: string, value: unknown) => ({ kind: 'event_property_is', key, value }) as JsonObject;
  const contains = (key: string, value: unknown) =>
    ({ kind: 'event_property_contains', key, value }) as JsonObject;
  const event = message({
    topic: 'Lunch plans',
    n: 3,
    none: null,
    flag: true,
    f: 1.5,
    'm.x': { 'a\\b': 'deep' },
    list: ['a', 1, null, true, ['b'], { c: 1 }],
    object: {},
  });

  test.each<[JsonObject, boolean]>([
    [match('content.topic', 'lunc?*'), true],
    [match('content.topic', 'lunch'), false],
    [match('content.topic', '*PLANS'), true],
    [match('content.body', 'hel'), false],
    [match('content.body', 'HELLO'), true],
    [match('content.n', '*'), false],
    [match('content.none', '*'), false],
    [match('content.absent', '*'), false],
    [match('content.m\\.x.a\\\\b', 'deep'), true],
    [match('content.m.x.a\\\\b', 'deep'), false],
    [match('room_id', '!r:a.org'), true],
    [match('sender', '@alice:*'), true],
    [match('content', '*'), false],
    [match('__proto__', '*'), false],
    [match('content.topic', 5), false],
    [match('state_key', ''), false],
    [is('content.n', 3), true],
    [is('content.n', '3'), false],
    [is('content.none', null), true],
    [is('content.absent', null), false],
    [is('content.flag', true), true],
    [is('content.flag', 'true'), false],
    [is('content.topic', 'lunch plans'), false],
    [is('content.topic', 'Lunch plans'), true],
    [is('content.f', 1.5), false],
    [is('content.object', {}), false],
    [is('content.absent', undefined), false],
    [contains('content.list', 'a'), true],
    [contains('content.list', 1), true],
    [contains('content.list', null), true],
    [contains('content.list', 'b'), false],
    [contains('content.list', ['b']), false],
    [contains('content.list', 'A'), false],
    [contains('content.topic', 'L'), false],
    [contains('content.absent', null), false],
    [{ kind: 'something_later' }, false],
    [{ kind: 5 }, false],
    [{}, false],
    [{ kind: 'sender_notification_permission' }, false],
    [{ kind: 'room_member_count' }, false],
  ])('%j holds: %j', (condition, expected) => {
    expect(holds(condition, event)).toBe(expected);
  });

  test.each<[string, boolean[]]>([
    ['3', [false, true, false]],
    ['==3', [false, true, false]],
    ['<3', [true, false, false]],
    ['>3', [false, false, true]],
    ['<=3', [true, true, false]],
    ['>=3', [false, true, true]],
    ['03', [false, true, false]],
    ['', [false, false, false]],
    ['=3', [false, false, false]],
    ['3.0', [false, false, false]],
    ['< 3', [false, false, false]],
    ['-3', [false, false, false]],
    ['3e0', [false, false, false]],
  ])('room_member_count %j for 2, 3 and 4: %j', (value, expected) => {
    const found = [2, 3, 4].map((memberCount) =>
      holds({ kind: 'room_member_count', is: value }, event, { memberCount }),
    );
    expect(found).toEqual(expected);
  });

  test('sender_notification_permission compares with the level of its kind', () => {
    const notificationLevel = (kind: string) => (kind === 'loud' ? 20 : 50);
    const permitted = (key: string, senderLevel: number) =>
      holds({ kind: 'sender_notification_permission', key }, event, { senderLevel, notificationLevel });
    expect([permitted('loud', 20), permitted('loud', 19), permitted('room', 20)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test('contains_display_name finds the whole name, literally', () => {
    const named = (displayName: string | undefined, body: unknown) =>
      holds({ kind: 'contains_display_name' }, message({ body } as JsonObject), { displayName });
    expect(named('Me Myself', 'hi me myself!')).toBe(true);
    expect(named('Me Myself', 'hi me myselfie')).toBe(false);
    expect(named('M*', 'hi Me')).toBe(false);
    expect(named('M*', 'hi m* there')).toBe(true);
    expect(named('', 'hi')).toBe(false);
    expect(named(undefined, 'hi undefined')).toBe(false);
    expect(named('Me', 5)).toBe(false);
  });

  test('the text that stands for the user in predefined rules is plain text in others', () => {
    const condition = is('content.topic', "[the user's Matrix ID]");
    expect(holds(condition, message({ topic: ME }))).toBe(false);
    expect(holds(condition, message({ topic: "[the user's Matrix ID]" }))).toBe(true);
  });
});

describe('the order of rules', () => {
  const cake = made({ rule_id: 'cake', pattern: 'cake' });
  const user: UserRules = {
    rules: {
      override: [
        made({
          rule_id: 'over',
          conditions: [{ kind: 'event_match', key: 'content.body', pattern: 'over' }],
        }),
      ],
      content: [made({ rule_id: 'lie', pattern: 'cake*lie', actions: [] }), cake],
      room: [made({ rule_id: '!quiet:a.org', actions: [] }), made({ rule_id: '!off:a.org', enabled: false })],
      sender: [made({ rule_id: ALICE, actions: [] })],
      underride: [made({ rule_id: 'under', conditions: [] })],
    },
    changed: [],
  };

  test.each<[PushEvent, string | undefined]>([
    [message({ body: 'over the cake' }), 'over'],
    [message({ body: 'the cake is a lie' }, { room_id: '!quiet:a.org' }), 'lie'],
    [message({ body: 'a cake' }, { room_id: '!quiet:a.org' }), 'cake'],
    [message({ body: 'x' }, { room_id: '!quiet:a.org' }), '!quiet:a.org'],
    [message({ body: 'x' }, { room_id: '!off:a.org' }), ALICE],
    [message({ body: 'x' }), ALICE],
    [message({ body: 'x' }, { sender: '@bob:a.org' }), 'under'],
    [message({}, { type: 'm.reaction', room_id: '!quiet:a.org' }), '.m.rule.reaction'],
    [message({ 'm.mentions': { user_ids: [ME] } }), '.m.rule.is_user_mention'],
  ])('%j is decided by %s', (event, ruleId) => {
    expect(ruleFor(event, {}, user)).toBe(ruleId);
  });

  test('what a user changed about a predefined rule counts', () => {
    const changed: UserRules = {
      rules: {},
      changed: [
        { kind: 'override', rule_id: '.m.rule.is_user_mention', enabled: false },
        { kind: 'underride', rule_id: '.m.rule.message', actions: [] },
      ],
    };
    const mention = message({ 'm.mentions': { user_ids: [ME] } });
    expect(evaluatePushRules(compileRuleset(changed), mention, context())).toMatchObject({
      ruleId: '.m.rule.message',
      notify: false,
    });
  });

  test('rules of old that look for names give way to m.mentions', () => {
    const old = made({
      rule_id: '.m.rule.contains_display_name',
      conditions: [{ kind: 'contains_display_name' }],
    });
    const rules: UserRules = { rules: { override: [old] }, changed: [] };
    const body = 'hello Me Myself';
    expect(ruleFor(message({ body }), {}, rules)).toBe(old.rule_id);
    expect(ruleFor(message({ body, 'm.mentions': {} }), {}, rules)).toBe('.m.rule.message');
  });

  test('an event prepared once gives each user the same as an event by itself', () => {
    const prepared = new PreparedEvent(message({ body: 'A Cake' }));
    for (const rules of [NO_USER_RULES, user, NO_USER_RULES]) {
      const compiled = compileRuleset(rules);
      const decision = evaluatePushRules(compiled, prepared, context());
      expect(decision).toEqual(evaluatePushRules(compiled, prepared.event, context()));
    }
  });
});

describe('actions', () => {
  function decided(actions: PushAction[]) {
    const rule = made({ rule_id: 'it', conditions: [], actions });
    return evaluatePushRules(
      compileRuleset({ rules: { override: [rule] }, changed: [] }),
      message(),
      context(),
    );
  }

  test.each<[PushAction[], object]>([
    [[], { notify: false, highlight: false, tweaks: {} }],
    [['notify'], { notify: true, highlight: false, tweaks: {} }],
    [['dont_notify'], { notify: false }],
    [['notify', { set_tweak: 'highlight' }], { highlight: true, tweaks: { highlight: true } }],
    [
      ['notify', { set_tweak: 'highlight', value: false }],
      { highlight: false, tweaks: { highlight: false } },
    ],
    [[{ set_tweak: 'highlight' }], { notify: false, highlight: false }],
    [['notify', { set_tweak: 'sound', value: 'bell' }], { sound: 'bell', tweaks: { sound: 'bell' } }],
    [['notify', { set_tweak: 'flash', value: { on: 1 } }], { tweaks: { flash: { on: 1 } } }],
    [['notify', { set_tweak: 'flash' }, { other: 1 }], { notify: true, tweaks: {} }],
  ])('%j', (actions, expected) => {
    expect(decided(actions)).toMatchObject(expected);
  });
});
