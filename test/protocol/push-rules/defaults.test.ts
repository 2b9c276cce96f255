import { expect, test } from 'vitest';
import { DEFAULT_RULES, fullRuleset, OWN_USER_ID } from '../../../src/protocol/push-rules/defaults.js';
import { NO_USER_RULES, RULE_KINDS, type UserRules } from '../../../src/protocol/push-rules/rules.js';
import { ME } from './events.js';

test('the predefined rules are those of the specification, in its order', () => {
  const ids = Object.fromEntries(
    RULE_KINDS.map((kind) => [kind, DEFAULT_RULES[kind].map((rule) => rule.rule_id.replace('.m.rule.', ''))]),
  );
  expect(ids).toEqual({
    override: [
      'master',
      'suppress_notices',
      'invite_for_me',
      'member_event',
      'is_user_mention',
      'is_room_mention',
      'tombstone',
      'reaction',
      'room.server_acl',
      'suppress_edits',
    ],
    content: [],
    room: [],
    sender: [],
    underride: ['call', 'encrypted_room_one_to_one', 'room_one_to_one', 'message', 'encrypted'],
  });
  for (const kind of RULE_KINDS) {
    for (const rule of DEFAULT_RULES[kind]) {
      expect([rule.rule_id, rule.default, rule.enabled]).toEqual([
        rule.rule_id,
        true,
        !rule.rule_id.endsWith('master'),
      ]);
    }
  }
});

test('a user sees their own ID in them', () => {
  const text = JSON.stringify(fullRuleset(NO_USER_RULES, ME));
  expect(text).not.toContain(OWN_USER_ID);
  expect(text.split(ME)).toHaveLength(3);
});

test('own rules stand before the predefined ones, all but the master rule', () => {
  const mine = { rule_id: 'mine', default: false, enabled: true, actions: [], conditions: [] };
  const user: UserRules = { rules: { override: [mine], underride: [mine] }, changed: [] };
  const { override, underride } = fullRuleset(user, ME);
  expect(override.slice(0, 3).map((rule) => rule.rule_id)).toEqual([
    '.m.rule.master',
    'mine',
    '.m.rule.suppress_notices',
  ]);
  expect(underride.slice(0, 2).map((rule) => rule.rule_id)).toEqual(['mine', '.m.rule.call']);
});

test('changes are laid over the predefined rules of today; those of a rule that is gone do nothing', () => {
  const user: UserRules = {
    rules: {},
    changed: [
      { kind: 'override', rule_id: '.m.rule.contains_display_name', enabled: false },
      { kind: 'override', rule_id: '.m.rule.reaction', actions: ['notify'] },
      { kind: 'underride', rule_id: '.m.rule.call', enabled: false },
    ],
  };
  const full = fullRuleset(user, ME);
  const defaults = fullRuleset(NO_USER_RULES, ME);
  expect(full.override).toEqual(
    defaults.override.map((rule) =>
      rule.rule_id === '.m.rule.reaction' ? { ...rule, actions: ['notify'] } : rule,
    ),
  );
  expect(full.underride[0]).toEqual({ ...defaults.underride[0], enabled: false });
});
