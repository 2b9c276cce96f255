import type { JsonObject, JsonValue } from '../json.js';

/** The kinds of push rules, in the order in which they are checked (specification: Push Rules). */
export const RULE_KINDS = ['override', 'content', 'room', 'sender', 'underride'] as const;

export type RuleKind = (typeof RULE_KINDS)[number];

/** `notify`, or `{ set_tweak, value? }`. Others are of no effect. */
export type PushAction = string | JsonObject;

/** What `kind` says, with that kind's parameters; unknown kinds are kept and never match. */
export type PushCondition = JsonObject;

/** A push rule as the API shows it. `conditions` are of override and underride rules, `pattern` is of content rules. */
export interface PushRule {
  readonly rule_id: string;
  /** Whether the server predefines the rule. */
  readonly default: boolean;
  readonly enabled: boolean;
  readonly actions: readonly PushAction[];
  readonly conditions?: readonly PushCondition[];
  readonly pattern?: string;
}

/** A user's rules, each kind in order of priority: what the API shows as `global`. */
export type Ruleset = Readonly<Record<RuleKind, readonly PushRule[]>>;

/** What a user changed about a predefined rule. */
export interface ChangedRule {
  readonly kind: RuleKind;
  readonly rule_id: string;
  readonly enabled?: boolean;
  readonly actions?: readonly PushAction[];
}

/**
 * What is stored of a user's rules: only what is the user's own. Predefined rules are added when read, so that
 * those of later versions reach all users, with what a user changed about them laid over.
 */
export interface UserRules {
  /** Rules that the user made, each kind in order of priority. */
  readonly rules: Readonly<Partial<Record<RuleKind, readonly PushRule[]>>>;
  readonly changed: readonly ChangedRule[];
}

/** The rules of a user who changed nothing. */
export const NO_USER_RULES: UserRules = { rules: {}, changed: [] };

/** Strings, integers, booleans and null: what conditions compare exactly. */
export function isSimpleValue(value: JsonValue | undefined): value is string | number | boolean | null {
  return (
    value === null ||
    typeof value === 'string' ||
    typeof value === 'boolean' ||
    (typeof value === 'number' && Number.isSafeInteger(value))
  );
}
