import { describe, expect, test } from 'vitest';
import { DEFAULT_RULES, OWN_USER_ID } from '../../src/protocol/push-rules/defaults.js';
import { RULE_KINDS } from '../../src/protocol/push-rules/rules.js';
import { alice, bob, carol, Chat, mentions, olga, rules } from './notification-stories.js';

describe('predefined rules', () => {
  const all = RULE_KINDS.flatMap((kind) => DEFAULT_RULES[kind]);
  const ofTheUser = all.filter((rule) => JSON.stringify(rule.conditions ?? []).includes(OWN_USER_ID));

  test('that ask for the user notify, so that nobody who is named is told less than others', () => {
    expect(ofTheUser.length).toBeGreaterThan(1);
    for (const { rule_id, actions } of ofTheUser) expect(actions, rule_id).toContain('notify');
  });

  test('ask for the user in mentions and invitations, and for no name, which nobody in particular has', () => {
    const keys = ofTheUser.flatMap(({ conditions = [] }) =>
      conditions.filter((condition) => Object.values(condition).includes(OWN_USER_ID)).map(({ key }) => key),
    );
    expect(new Set(keys)).toEqual(new Set(['content.m\\.mentions.user_ids', 'state_key']));
    for (const { rule_id, conditions = [] } of ofTheUser) {
      if (!conditions.some(({ key }) => key === 'state_key')) continue;
      expect(conditions, rule_id).toContainEqual({
        kind: 'event_match',
        key: 'type',
        pattern: 'm.room.member',
      });
    }
    const kinds = all.flatMap(({ conditions = [] }) => conditions.map(({ kind }) => kind));
    expect(kinds).not.toContain('contains_display_name');
  });
});

describe('an event that names somebody', () => {
  test('is listed apart for them, and once', async () => {
    const chat = new Chat();
    const said = chat.positionOf(chat.says(carol, 'you', mentions(bob, bob, carol)));
    expect([await chat.unread(chat.alice), await chat.unread(chat.bob)]).toEqual([
      [1, 0],
      [1, 1],
    ]);
    expect([await chat.listed(chat.alice), await chat.listed(chat.bob)]).toEqual([[said], [said]]);
  });

  test('and nobody else is listed for them alone', async () => {
    const chat = new Chat();
    chat.room.send({ type: 'org.example', sender: carol, content: mentions(bob) });
    expect([await chat.unread(chat.alice), await chat.unread(chat.bob)]).toEqual([
      [0, 0],
      [1, 1],
    ]);
  });

  test('in a way that is none names nobody', async () => {
    const chat = new Chat();
    for (const user_ids of ['', [''], [null], [`@${'x'.repeat(10_000)}`], { 0: bob.id }, bob.id]) {
      chat.says(carol, 'odd', { 'm.mentions': { user_ids } });
    }
    chat.says(carol, 'odd', { 'm.mentions': [bob.id] });
    expect(await chat.unread(chat.bob)).toEqual([7, 0]);
  });

  test('is listed for them for as long as highlights are', async () => {
    const chat = new Chat();
    const said = chat.positionOf(chat.says(carol, 'you', mentions(bob)));
    for (let i = 0; i < 1100; i++) chat.says(carol, `${i}`);
    const [first] = await chat.listed(chat.bob);
    expect(first).toBe(said);
    expect(await chat.listed(chat.alice)).not.toContain(said);
  });
});

describe('whoever alone speaks in a room', () => {
  test('is told of nothing that they said, until others speak and afterwards', async () => {
    const chat = new Chat();
    const root = chat.says(alice, 'a thread');
    chat.relates(alice, 'm.thread', root);
    expect([await chat.unread(chat.alice), await chat.unread(chat.bob)]).toEqual([
      [0, 0],
      [2, 0, { [root.eventId]: [1, 0] }],
    ]);
    chat.says(bob, 'me too');
    expect([await chat.unread(chat.alice), await chat.unread(chat.bob)]).toEqual([
      [1, 0],
      [1, 0, { [root.eventId]: [1, 0] }],
    ]);
    chat.says(alice, 'and I');
    expect([await chat.unread(chat.alice), await chat.unread(chat.bob)]).toEqual([
      [0, 0],
      [2, 0, { [root.eventId]: [1, 0] }],
    ]);
  });

  test('has read by it what rules of their own have let through, which they do not have any more', async () => {
    const chat = new Chat();
    const condition = { kind: 'event_match', key: 'type', pattern: 'm.room.member' };
    chat.alice.setsData('m.push_rules', rules('override', { conditions: [condition], actions: ['notify'] }));
    chat.room.tell((room) => room.membership(bob, bob, 'join', { displayname: 'B' }));
    chat.alice.setsData('m.push_rules', undefined);
    expect(await chat.unread(chat.alice)).toEqual([1, 0]);
    chat.says(alice, 'B it is');
    expect(await chat.unread(chat.alice)).toEqual([0, 0]);
  });
});

describe('settings', () => {
  test('that change often leave what was judged by each of them', async () => {
    const chat = new Chat();
    const mute = rules('room', { rule_id: chat.room.id });
    const heard: number[] = [];
    for (let i = 0; i < 10; i++) {
      heard.push(chat.positionOf(chat.says(carol, 'heard')));
      chat.bob.setsData('m.push_rules', mute);
      chat.says(carol, 'muted');
      chat.bob.setsData('m.push_rules', { rules: {}, changed: [] });
      chat.bob.setsData('m.push_rules', undefined);
    }
    expect(await chat.listed(chat.bob)).toEqual(heard);
  });
});

describe('whoever is invited and joins', () => {
  test('has read the invitation', async () => {
    const chat = new Chat();
    const invited = chat.positionOf(chat.room.tell((room) => room.invited(olga)));
    chat.room.tell((room) => room.joinedBy(olga));
    expect([await chat.listed(chat.olga), await chat.unread(chat.olga)]).toEqual([[invited], [0, 0]]);
  });
});
