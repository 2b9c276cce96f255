import type { JsonObject } from '../protocol/json.js';
import {
  deleteRule,
  putRule,
  setRuleActions,
  setRuleEnabled,
  type RulePlace,
} from '../protocol/push-rules/edit.js';
import {
  NO_USER_RULES,
  type PushAction,
  type RuleKind,
  type UserRules,
} from '../protocol/push-rules/rules.js';
import { edit } from './account-data.js';
import type { CommandContext, Done } from './command.js';
import type { WriteSide } from './write-side.js';

/** A change to a user's push rules (Client-Server API, Push Rules: API). */
export type PushRuleChange =
  | {
      readonly change: 'put';
      readonly kind: RuleKind;
      readonly ruleId: string;
      readonly body: JsonObject;
      readonly place: RulePlace;
    }
  | { readonly change: 'delete'; readonly kind: RuleKind; readonly ruleId: string }
  | {
      readonly change: 'enabled';
      readonly kind: RuleKind;
      readonly ruleId: string;
      readonly enabled: boolean;
    }
  | {
      readonly change: 'actions';
      readonly kind: RuleKind;
      readonly ruleId: string;
      readonly actions: readonly PushAction[];
    };

/**
 * Changes a user's push rules. What is recorded as `m.push_rules` is what is the user's own (`UserRules`); the
 * predefined ones are laid under when it is read.
 */
export function changePushRules(
  side: WriteSide,
  userId: string,
  wish: PushRuleChange,
  context: CommandContext,
): Promise<Done<undefined>> {
  const change = (before: JsonObject) => recorded(apply(userRules(before), wish));
  return edit(side, userId, null, 'm.push_rules', change, context);
}

function apply(rules: UserRules, wish: PushRuleChange): UserRules {
  switch (wish.change) {
    case 'put':
      return putRule(rules, wish.kind, wish.ruleId, wish.body, wish.place);
    case 'delete':
      return deleteRule(rules, wish.kind, wish.ruleId);
    case 'enabled':
      return setRuleEnabled(rules, wish.kind, wish.ruleId, wish.enabled);
    case 'actions':
      return setRuleActions(rules, wish.kind, wish.ruleId, wish.actions);
  }
}

/*
 * Rules are plain JSON whose shape was checked before it was recorded. An interface has no index signature, so the
 * compiler has to be told, here and nowhere else.
 */

/** A user's own rules as the content of account data. */
export function recorded(rules: UserRules): JsonObject {
  return { ...rules } as unknown as JsonObject;
}

/** The user's own rules that account data holds. */
export function userRules(content: JsonObject): UserRules {
  return 'rules' in content ? (content as unknown as UserRules) : NO_USER_RULES;
}
