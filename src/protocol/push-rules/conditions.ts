/** The conditions of push rules as functions (specification: Push Notifications, Conditions). */
import { compileGlob, compileWordGlob } from '../globs.js';
import { parsePropertyPath } from '../property-paths.js';
import { OWN_USER_ID } from './defaults.js';
import type { PreparedEvent } from './event.js';
import { isSimpleValue, type PushCondition } from './rules.js';

/** What conditions depend on besides the event: who is asked for, and the room just before the event. */
export interface PushContext {
  /** Undefined for nobody in particular: what is said of all users who are not named. */
  readonly userId: string | undefined;
  /** The user's display name in the room. */
  readonly displayName: string | undefined;
  /** Joined members. */
  readonly memberCount: number;
  /** The sender's power level; `Infinity` for a creator of room version 12. */
  readonly senderLevel: number;
  /** The power level that a kind of notification such as `room` asks for (by default 50). */
  readonly notificationLevel: (kind: string) => number;
}

export type CompiledCondition = (event: PreparedEvent, context: PushContext) => boolean;

const BODY = 'content.body';
const COUNT = /^(==|<=|>=|<|>)?([0-9]{1,15})$/;
const never: CompiledCondition = () => false;

/**
 * A condition as a function. Unknown kinds, and known ones with wrong parameters, never match.
 *
 * @param predefined whether the rule is the server's, in which {@link OWN_USER_ID} stands for the user.
 */
export function compileCondition(condition: PushCondition, predefined: boolean): CompiledCondition {
  switch (condition['kind']) {
    case 'event_match':
      return compileEventMatch(condition, predefined);
    case 'event_property_is':
    case 'event_property_contains':
      return compileEventProperty(condition, predefined);
    case 'contains_display_name':
      return containsDisplayName;
    case 'room_member_count':
      return compileMemberCount(condition['is']);
    case 'sender_notification_permission': {
      const kind = condition['key'];
      if (typeof kind !== 'string') return never;
      return (_, context) => context.senderLevel >= context.notificationLevel(kind);
    }
    default:
      return never;
  }
}

/** The condition that a content rule stands for. */
export function compileContentPattern(pattern: string): CompiledCondition {
  return compileEventMatch({ key: BODY, pattern }, false);
}

function compileEventMatch(condition: PushCondition, predefined: boolean): CompiledCondition {
  const { key, pattern } = condition;
  if (typeof key !== 'string' || typeof pattern !== 'string') return never;
  const names = parsePropertyPath(key);
  if (predefined && pattern === OWN_USER_ID) {
    // A user ID is no pattern, and old ones that differ in case only are different users.
    return (event, { userId }) => userId !== undefined && event.value(key, names) === userId;
  }
  const folded = pattern.toLowerCase();
  const matches = key === BODY ? compileWordGlob(folded) : compileGlob(folded);
  return (event) => {
    const text = event.folded(key, names);
    return text !== undefined && matches(text);
  };
}

function compileEventProperty(condition: PushCondition, predefined: boolean): CompiledCondition {
  const { key, value } = condition;
  if (typeof key !== 'string' || !isSimpleValue(value)) return never;
  const names = parsePropertyPath(key);
  const own = predefined && value === OWN_USER_ID;
  if (condition['kind'] === 'event_property_is') {
    if (!own) return (event) => event.value(key, names) === value;
    return (event, { userId }) => userId !== undefined && event.value(key, names) === userId;
  }
  return (event, { userId }) => {
    const values = event.value(key, names);
    const wanted = own ? userId : value;
    return wanted !== undefined && Array.isArray(values) && values.includes(wanted);
  };
}

function containsDisplayName(event: PreparedEvent, context: PushContext): boolean {
  if (context.displayName === undefined || context.displayName === '') return false;
  const body = event.folded(BODY, ['content', 'body']);
  return body !== undefined && compileWordGlob(context.displayName.toLowerCase(), { wildcards: '' })(body);
}

function compileMemberCount(is: unknown): CompiledCondition {
  const match = typeof is === 'string' ? COUNT.exec(is) : null;
  if (match === null) return never;
  const count = Number(match[2]);
  switch (match[1]) {
    case '<':
      return (_, { memberCount }) => memberCount < count;
    case '>':
      return (_, { memberCount }) => memberCount > count;
    case '<=':
      return (_, { memberCount }) => memberCount <= count;
    case '>=':
      return (_, { memberCount }) => memberCount >= count;
    default:
      return (_, { memberCount }) => memberCount === count;
  }
}
