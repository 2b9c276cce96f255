/**
 * The predefined push rules of the specification, v1.19 (Push Notifications, Predefined Rules), in its order. The
 * rules that looked for names in a message's body left it with v1.17, in favour of `m.mentions`.
 */
import type { PushAction, PushCondition, PushRule, Ruleset, RuleKind, UserRules } from './rules.js';

/** Stands in predefined rules for the ID of the user whose rules they are. */
export const OWN_USER_ID = "[the user's Matrix ID]";

/** The one predefined rule that goes before the user's own. */
export const MASTER_RULE = '.m.rule.master';

const SOUND: PushAction = { set_tweak: 'sound', value: 'default' };
const RING: PushAction = { set_tweak: 'sound', value: 'ring' };
const HIGHLIGHT: PushAction = { set_tweak: 'highlight' };

function matches(key: string, pattern: string): PushCondition {
  return { kind: 'event_match', key, pattern };
}

const TWO_MEMBERS: PushCondition = { kind: 'room_member_count', is: '2' };

function rule(
  id: string,
  conditions: readonly PushCondition[],
  actions: readonly PushAction[],
  enabled = true,
): PushRule {
  return { rule_id: id, default: true, enabled, conditions, actions };
}

/** With {@link OWN_USER_ID} in place of the user's. */
export const DEFAULT_RULES: Ruleset = {
  override: [
    rule(MASTER_RULE, [], [], false),
    rule('.m.rule.suppress_notices', [matches('content.msgtype', 'm.notice')], []),
    rule(
      '.m.rule.invite_for_me',
      [
        matches('type', 'm.room.member'),
        matches('content.membership', 'invite'),
        matches('state_key', OWN_USER_ID),
      ],
      ['notify', SOUND],
    ),
    rule('.m.rule.member_event', [matches('type', 'm.room.member')], []),
    rule(
      '.m.rule.is_user_mention',
      [{ kind: 'event_property_contains', key: 'content.m\\.mentions.user_ids', value: OWN_USER_ID }],
      ['notify', SOUND, HIGHLIGHT],
    ),
    rule(
      '.m.rule.is_room_mention',
      [
        { kind: 'event_property_is', key: 'content.m\\.mentions.room', value: true },
        { kind: 'sender_notification_permission', key: 'room' },
      ],
      ['notify', HIGHLIGHT],
    ),
    rule(
      '.m.rule.tombstone',
      [matches('type', 'm.room.tombstone'), matches('state_key', '')],
      ['notify', HIGHLIGHT],
    ),
    rule('.m.rule.reaction', [matches('type', 'm.reaction')], []),
    rule('.m.rule.room.server_acl', [matches('type', 'm.room.server_acl'), matches('state_key', '')], []),
    rule(
      '.m.rule.suppress_edits',
      [{ kind: 'event_property_is', key: 'content.m\\.relates_to.rel_type', value: 'm.replace' }],
      [],
    ),
  ],
  content: [],
  room: [],
  sender: [],
  underride: [
    rule('.m.rule.call', [matches('type', 'm.call.invite')], ['notify', RING]),
    rule(
      '.m.rule.encrypted_room_one_to_one',
      [TWO_MEMBERS, matches('type', 'm.room.encrypted')],
      ['notify', SOUND],
    ),
    rule('.m.rule.room_one_to_one', [TWO_MEMBERS, matches('type', 'm.room.message')], ['notify', SOUND]),
    rule('.m.rule.message', [matches('type', 'm.room.message')], ['notify']),
    rule('.m.rule.encrypted', [matches('type', 'm.room.encrypted')], ['notify']),
  ],
};

/** The predefined rule of this kind and ID. */
export function defaultRule(kind: RuleKind, ruleId: string): PushRule | undefined {
  return DEFAULT_RULES[kind].find((each) => each.rule_id === ruleId);
}

/**
 * A user's rules in full, as the API shows them and in the order in which they are checked: of each kind the
 * user's own, then the predefined ones; `.m.rule.master` before all.
 *
 * @param userId put into the predefined rules; without it they keep {@link OWN_USER_ID}.
 */
export function fullRuleset(user: UserRules, userId?: string): Ruleset {
  const ofKind = (kind: RuleKind): PushRule[] => {
    const defaults = DEFAULT_RULES[kind].map((each) => {
      const change = user.changed.find((other) => other.kind === kind && other.rule_id === each.rule_id);
      return {
        ...each,
        enabled: change?.enabled ?? each.enabled,
        actions: change?.actions ?? each.actions,
        ...(each.conditions && userId !== undefined && { conditions: each.conditions.map(named) }),
      };
    });
    const isMaster = (each: PushRule) => each.rule_id === MASTER_RULE;
    return [
      ...defaults.filter(isMaster),
      ...(user.rules[kind] ?? []),
      ...defaults.filter((each) => !isMaster(each)),
    ];
  };
  const named = (condition: PushCondition): PushCondition => {
    const entries = Object.entries(condition);
    return Object.fromEntries(entries.map(([key, value]) => [key, value === OWN_USER_ID ? userId : value]));
  };
  return {
    override: ofKind('override'),
    content: ofKind('content'),
    room: ofKind('room'),
    sender: ofKind('sender'),
    underride: ofKind('underride'),
  };
}
