import { MatrixError } from '../errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';
import type { PushAction, PushCondition, PushRule, RuleKind } from './rules.js';

/** Larger ones serve nobody, and every event of every room is held against them. */
const MAX_RULE_ID_BYTES = 512;
const MAX_PATTERN_BYTES = 1024;
const MAX_CONDITIONS = 50;
const MAX_ACTIONS = 50;
/** Actions of older specifications, to be ignored; they are kept, since clients expect back what they have set. */
const HISTORICAL_ACTIONS: ReadonlySet<string> = new Set(['dont_notify', 'coalesce']);

/**
 * A user's rule from the body of a request (specification: PUT /pushrules/global/{kind}/{ruleId}). Conditions of
 * unknown kinds are kept: they may be of a later version, and match nothing here.
 *
 * @throws MatrixError M_INVALID_PARAM for the ID, M_MISSING_PARAM and M_BAD_JSON for the body.
 */
export function readRule(kind: RuleKind, ruleId: string, body: JsonObject, enabled: boolean): PushRule {
  checkRuleId(ruleId);
  const rule: PushRule = { rule_id: ruleId, default: false, enabled, actions: readActions(body['actions']) };
  if (kind === 'content') {
    const pattern = body['pattern'];
    if (pattern === undefined) throw missing('pattern');
    return { ...rule, pattern: readText(pattern, 'pattern') };
  }
  if (kind !== 'override' && kind !== 'underride') return rule;
  return { ...rule, conditions: readConditions(body['conditions'] ?? []) };
}

/** @throws MatrixError M_MISSING_PARAM, M_BAD_JSON */
export function readActions(actions: JsonValue | undefined): readonly PushAction[] {
  if (actions === undefined) throw missing('actions');
  const list = readList(actions, 'actions', MAX_ACTIONS);
  return list.map((action): PushAction => {
    if (action === 'notify') return action;
    if (typeof action === 'string' && HISTORICAL_ACTIONS.has(action)) return action;
    if (isJsonObject(action) && typeof action['set_tweak'] === 'string') return action;
    throw bad('An action has to be "notify", or an object with "set_tweak".');
  });
}

/** How many conditions of a rule read through a whole text, rather than compare one. */
export function searchesOf(rule: PushRule): number {
  return patternsOf(rule).length;
}

/** How long the patterns are together that a rule looks for in whole texts: looking costs the text's length times that. */
export function searchedCharactersOf(rule: PushRule): number {
  return patternsOf(rule).reduce((sum, pattern) => sum + pattern.length, 0);
}

/** The patterns that a rule looks for in whole texts; a display name is short. */
function patternsOf(rule: PushRule): string[] {
  const searched = (rule.conditions ?? []).flatMap(({ kind, key, pattern: given }) => {
    if (kind === 'contains_display_name') return [''];
    const pattern = typeof given === 'string' ? given : '';
    const searches = kind === 'event_match' && (key === 'content.body' || /[*?]/.test(pattern));
    return searches ? [pattern] : [];
  });
  return rule.pattern === undefined ? searched : [...searched, rule.pattern];
}

function readConditions(conditions: JsonValue): readonly PushCondition[] {
  return readList(conditions, 'conditions', MAX_CONDITIONS).map((condition) => {
    if (!isJsonObject(condition) || typeof condition['kind'] !== 'string') {
      throw bad('A condition has to be an object with a "kind".');
    }
    for (const field of ['key', 'pattern', 'is']) {
      const value = condition[field];
      if (value !== undefined) readText(value, field);
    }
    return condition;
  });
}

function checkRuleId(ruleId: string): void {
  if (ruleId.startsWith('.')) {
    throw new MatrixError('M_INVALID_PARAM', 'IDs that start with a dot are for predefined push rules.');
  }
  if (ruleId === '' || /[/\\]/.test(ruleId) || Buffer.byteLength(ruleId) > MAX_RULE_ID_BYTES) {
    throw new MatrixError(
      'M_INVALID_PARAM',
      `The ID of a push rule has 1 to ${MAX_RULE_ID_BYTES} bytes, without slashes and backslashes.`,
    );
  }
}

function readText(value: JsonValue, field: string): string {
  if (typeof value !== 'string') throw bad(`"${field}" has to be text.`);
  if (Buffer.byteLength(value) > MAX_PATTERN_BYTES) {
    throw bad(`"${field}" can have ${MAX_PATTERN_BYTES} bytes at most.`);
  }
  return value;
}

function readList(value: JsonValue, field: string, limit: number): readonly JsonValue[] {
  if (!Array.isArray(value)) throw bad(`"${field}" has to be a list.`);
  if (value.length > limit) throw bad(`"${field}" can have ${limit} entries at most.`);
  return value as readonly JsonValue[];
}

function missing(field: string): MatrixError {
  return new MatrixError('M_MISSING_PARAM', `The field "${field}" is missing.`);
}

function bad(message: string): MatrixError {
  return new MatrixError('M_BAD_JSON', message);
}
