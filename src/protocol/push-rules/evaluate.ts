import type { JsonValue } from '../json.js';
import {
  compileCondition,
  compileContentPattern,
  type CompiledCondition,
  type PushContext,
} from './conditions.js';
import { fullRuleset } from './defaults.js';
import { PreparedEvent, type PushEvent } from './event.js';
import { NO_USER_RULES, type PushAction, type PushRule, type RuleKind, type UserRules } from './rules.js';

/** What a user's rules say about an event. */
export interface PushDecision {
  readonly notify: boolean;
  /** Only what notifies is highlighted. */
  readonly highlight: boolean;
  /** What the `sound` tweak says, where it is text. */
  readonly sound?: string;
  /** All tweaks, for the push gateway. */
  readonly tweaks: Readonly<Record<string, JsonValue>>;
  readonly actions: readonly PushAction[];
  /** The rule that decided; none if no rule matches, or the event is the user's own. */
  readonly ruleId?: string;
  readonly kind?: RuleKind;
}

interface CompiledRule {
  readonly conditions: readonly CompiledCondition[];
  /** Whether the rule looks for mentions in the body and gives way to `m.mentions`. */
  readonly legacyMention: boolean;
  readonly decision: PushDecision;
}

/** A user's enabled rules, ready to be evaluated. */
export interface CompiledRuleset {
  readonly override: readonly CompiledRule[];
  readonly content: readonly CompiledRule[];
  /** By room ID. */
  readonly room: ReadonlyMap<string, CompiledRule>;
  /** By user ID. */
  readonly sender: ReadonlyMap<string, CompiledRule>;
  readonly underride: readonly CompiledRule[];
}

/** Rules of versions before 1.17, and of rule sets brought from elsewhere (specification: User and room mentions). */
const LEGACY_MENTION_RULES: ReadonlySet<string> = new Set([
  '.m.rule.contains_display_name',
  '.m.rule.contains_user_name',
  '.m.rule.roomnotif',
]);

const NOTHING: PushDecision = { notify: false, highlight: false, tweaks: {}, actions: [] };

/** What most users have: compiled once, as nothing in it depends on the user. */
const COMPILED_DEFAULTS = compile(NO_USER_RULES);

/**
 * Compiles a user's rules, predefined ones included. Users who changed nothing share one compiled set. To be
 * kept as long as the rules stay: it costs some microseconds per rule.
 */
export function compileRuleset(user: UserRules): CompiledRuleset {
  const unchanged =
    user.changed.length === 0 && Object.values(user.rules).every((rules) => rules.length === 0);
  return unchanged ? COMPILED_DEFAULTS : compile(user);
}

/**
 * What a user's rules say about an event (specification: Push Notifications, Push Rules): the first enabled rule
 * whose conditions hold decides. Rules for rooms and senders are found by a look-up, however many there are.
 *
 * @param event prepared once where the rules of many users are asked.
 */
export function evaluatePushRules(
  rules: CompiledRuleset,
  event: PreparedEvent | PushEvent,
  context: PushContext,
): PushDecision {
  const prepared = event instanceof PreparedEvent ? event : new PreparedEvent(event);
  const { sender, room_id: roomId, content } = prepared.event;
  if (sender === context.userId) return NOTHING;
  const hasMentions = Object.hasOwn(content, 'm.mentions');
  const first = (list: readonly CompiledRule[]) =>
    list.find(
      (rule) =>
        !(hasMentions && rule.legacyMention) && rule.conditions.every((holds) => holds(prepared, context)),
    );
  const decisive =
    first(rules.override) ??
    first(rules.content) ??
    rules.room.get(roomId) ??
    rules.sender.get(sender) ??
    first(rules.underride);
  return decisive?.decision ?? NOTHING;
}

function compile(user: UserRules): CompiledRuleset {
  const ruleset = fullRuleset(user);
  const list = (kind: RuleKind) =>
    ruleset[kind]
      .filter((rule) => rule.enabled)
      .map((rule): [string, CompiledRule] => [rule.rule_id, compileRule(kind, rule)]);
  const rulesOf = (kind: RuleKind) => list(kind).map(([, rule]) => rule);
  return {
    override: rulesOf('override'),
    content: rulesOf('content'),
    room: new Map(list('room')),
    sender: new Map(list('sender')),
    underride: rulesOf('underride'),
  };
}

function compileRule(kind: RuleKind, rule: PushRule): CompiledRule {
  const conditions =
    kind === 'content'
      ? [compileContentPattern(rule.pattern ?? '')]
      : (rule.conditions ?? []).map((condition) => compileCondition(condition, rule.default));
  return {
    conditions,
    legacyMention: LEGACY_MENTION_RULES.has(rule.rule_id),
    decision: decisionOf(kind, rule),
  };
}

function decisionOf(kind: RuleKind, rule: PushRule): PushDecision {
  const notify = rule.actions.includes('notify');
  const tweaks = new Map<string, JsonValue>();
  for (const action of rule.actions) {
    if (typeof action === 'string') continue;
    const name = action['set_tweak'];
    if (typeof name !== 'string') continue;
    const value = action['value'] ?? (name === 'highlight' ? true : undefined);
    if (value !== undefined) tweaks.set(name, value);
  }
  const sound = tweaks.get('sound');
  return {
    notify,
    highlight: notify && tweaks.get('highlight') === true,
    ...(typeof sound === 'string' && { sound }),
    tweaks: Object.fromEntries(tweaks),
    actions: rule.actions,
    ruleId: rule.rule_id,
    kind,
  };
}
