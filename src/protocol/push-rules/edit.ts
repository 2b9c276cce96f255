/**
 * Changes to a user's push rules, as functions from rules to rules (specification: Push Rules: API). Refusals are
 * thrown as `MatrixError`, with the specification's codes where it names them.
 */
import { MatrixError } from '../errors.js';
import type { JsonObject, JsonValue } from '../json.js';
import { defaultRule } from './defaults.js';
import type { ChangedRule, PushCondition, PushRule, RuleKind, UserRules } from './rules.js';
import { readActions, readRule, searchedCharactersOf, searchesOf } from './validate.js';

/**
 * So that nobody's rules take long to check. Rooms and senders are looked up; of the others, clients make one per
 * muted room, which is a comparison; what reads through a text costs a pass over up to 64 kB each.
 */
const MAX_RULES = { override: 5000, content: 200, room: 20_000, sender: 20_000, underride: 5000 } as const;
const MAX_SEARCHES = 200;
const MAX_SEARCHED_CHARACTERS = 4096;

/** Where a rule is to stand among the user's own of its kind. If both are given, `before` counts. */
export interface RulePlace {
  /** The new rule is the next more important one to this. */
  readonly before?: string | undefined;
  /** The new rule is the next less important one to this. */
  readonly after?: string | undefined;
}

/**
 * Adds a rule, enabled and before all of its kind unless a place is named; or changes one that is there, which
 * keeps its place, unless one is named, and stays enabled or disabled.
 *
 * @throws MatrixError M_INVALID_PARAM for an ID that is not allowed, M_UNKNOWN (400) for a place by a rule that is
 *   not the user's, M_MISSING_PARAM and M_BAD_JSON for a body that is no rule, M_TOO_LARGE for too many rules.
 */
export function putRule(
  user: UserRules,
  kind: RuleKind,
  ruleId: string,
  body: JsonObject,
  place: RulePlace = {},
): UserRules {
  const rules = user.rules[kind] ?? [];
  const at = rules.findIndex((rule) => rule.rule_id === ruleId);
  const rule = readRule(kind, ruleId, body, rules[at]?.enabled ?? true);
  if (at < 0 && rules.length >= MAX_RULES[kind]) {
    throw new MatrixError('M_TOO_LARGE', `There can be ${MAX_RULES[kind]} rules of kind ${kind} at most.`);
  }
  const others = rules.filter((each) => each.rule_id !== ruleId);
  if (searchesOf(rule) > 0) checkSearches([rule, ...otherRules(user, kind, others)]);
  return withRules(user, kind, others.toSpliced(placeOf(others, place) ?? Math.max(at, 0), 0, rule));
}

/** So that looking for what all rules together look for stays cheap. @throws MatrixError M_TOO_LARGE */
function checkSearches(rules: readonly PushRule[]): void {
  const sum = (count: (rule: PushRule) => number) => rules.reduce((total, rule) => total + count(rule), 0);
  if (sum(searchesOf) > MAX_SEARCHES) {
    throw new MatrixError('M_TOO_LARGE', `Push rules can search texts for ${MAX_SEARCHES} patterns at most.`);
  }
  if (sum(searchedCharactersOf) > MAX_SEARCHED_CHARACTERS) {
    throw new MatrixError(
      'M_TOO_LARGE',
      `The patterns of push rules can have ${MAX_SEARCHED_CHARACTERS} characters together at most.`,
    );
  }
}

/** @throws MatrixError M_NOT_FOUND; M_INVALID_PARAM for a predefined rule, which can be disabled only. */
export function deleteRule(user: UserRules, kind: RuleKind, ruleId: string): UserRules {
  const rules = user.rules[kind] ?? [];
  const rest = rules.filter((rule) => rule.rule_id !== ruleId);
  if (rest.length < rules.length) return withRules(user, kind, rest);
  if (defaultRule(kind, ruleId) !== undefined) {
    throw new MatrixError('M_INVALID_PARAM', 'A predefined push rule cannot be deleted, only disabled.');
  }
  throw notFound();
}

/** @throws MatrixError M_NOT_FOUND; M_MISSING_PARAM or M_BAD_JSON for a value that is no boolean. */
export function setRuleEnabled(
  user: UserRules,
  kind: RuleKind,
  ruleId: string,
  enabled: JsonValue | undefined,
): UserRules {
  if (enabled === undefined) throw new MatrixError('M_MISSING_PARAM', 'The field "enabled" is missing.');
  if (typeof enabled !== 'boolean') throw new MatrixError('M_BAD_JSON', '"enabled" has to be true or false.');
  return changeRule(user, kind, ruleId, { enabled });
}

/** @throws MatrixError M_NOT_FOUND; M_MISSING_PARAM or M_BAD_JSON for a value that is no list of actions. */
export function setRuleActions(
  user: UserRules,
  kind: RuleKind,
  ruleId: string,
  actions: JsonValue | undefined,
): UserRules {
  return changeRule(user, kind, ruleId, { actions: readActions(actions) });
}

/**
 * Rules for a room, as clients name them after it, with the same for the room that replaces it beside them: those
 * that notify differently, and those that mute it by a condition on the room. The very same rules where there are none,
 * or the new room has its own.
 */
export function withSuccessor(user: UserRules, from: string, to: string): UserRules {
  let next = user;
  for (const kind of ['override', 'room', 'underride'] as const) {
    const rules = next.rules[kind] ?? [];
    const at = rules.findIndex((rule) => rule.rule_id === from);
    const rule = rules[at];
    const isTaken = rules.some((other) => other.rule_id === to) || rules.length >= MAX_RULES[kind];
    if (rule === undefined || isTaken) continue;
    const { conditions } = rule;
    const copy: PushRule = {
      ...rule,
      rule_id: to,
      ...(conditions === undefined
        ? {}
        : { conditions: conditions.map((condition) => redirected(condition, from, to)) }),
    };
    next = withRules(next, kind, rules.toSpliced(at + 1, 0, copy));
  }
  return next;
}

function redirected(condition: PushCondition, from: string, to: string): PushCondition {
  return condition['key'] === 'room_id' && condition['pattern'] === from
    ? { ...condition, pattern: to }
    : condition;
}

function changeRule(
  user: UserRules,
  kind: RuleKind,
  ruleId: string,
  change: Pick<ChangedRule, 'enabled' | 'actions'>,
): UserRules {
  const rules = user.rules[kind] ?? [];
  if (rules.some((rule) => rule.rule_id === ruleId)) {
    return withRules(
      user,
      kind,
      rules.map((rule) => (rule.rule_id === ruleId ? { ...rule, ...change } : rule)),
    );
  }
  if (defaultRule(kind, ruleId) === undefined) throw notFound();
  const isIt = (each: ChangedRule) => each.kind === kind && each.rule_id === ruleId;
  const changed = { ...user.changed.find(isIt), ...change, kind, rule_id: ruleId };
  return { ...user, changed: [...user.changed.filter((each) => !isIt(each)), changed] };
}

/** All rules, with these in place of those of their kind. */
function otherRules(user: UserRules, kind: RuleKind, ofKind: readonly PushRule[]): readonly PushRule[] {
  return Object.values({ ...user.rules, [kind]: ofKind }).flat();
}

/** The index that a place means, `undefined` if none is named. */
function placeOf(rules: readonly PushRule[], { before, after }: RulePlace): number | undefined {
  const relative = before ?? after;
  if (relative === undefined) return undefined;
  const at = rules.findIndex((rule) => rule.rule_id === relative);
  if (at < 0) {
    throw new MatrixError('M_UNKNOWN', `before/after rule not found: ${relative}`, { status: 400 });
  }
  return before === undefined ? at + 1 : at;
}

function withRules(user: UserRules, kind: RuleKind, rules: readonly PushRule[]): UserRules {
  return { ...user, rules: { ...user.rules, [kind]: rules } };
}

function notFound(): MatrixError {
  return new MatrixError('M_NOT_FOUND', 'The push rule was not found.');
}
