import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { isJsonObject, type JsonObject } from '../src/protocol/json.js';
import { compileRuleset, type CompiledRuleset } from '../src/protocol/push-rules/evaluate.js';
import { NO_USER_RULES, type UserRules } from '../src/protocol/push-rules/rules.js';
import {
  notificationCounts,
  notificationRooms,
  notificationUsers,
  type NotificationCount,
  type NotificationUser,
} from '../src/read-models/collections.js';
import { follow, unfollow } from './notification-follows.js';
import type { Documents } from './projection.js';

/** By what a user's events are judged. */
export interface Settings {
  readonly rules: CompiledRuleset;
  /** Whose messages do not reach the user (Client-Server API, Ignoring Users). */
  readonly ignored: ReadonlySet<string>;
}

type Member = Pick<NotificationCount, 'user_id' | 'settings'>;

/** The name of the settings of users who changed nothing. */
export const PREDEFINED = '';

/** Compiled settings take a multiple of their text. */
const CACHE_CHARACTERS = 8 * 1024 * 1024;
const OBJECT_CHARACTERS = 500;

/**
 * Compiled settings by name. Names are hashes of all that settings are made of, so what is found here is what would
 * be compiled, whichever log it came from.
 */
const compiled = new LRUCache<string, Settings>({ maxSize: CACHE_CHARACTERS });
export const PREDEFINED_SETTINGS: Settings = { rules: compileRuleset(NO_USER_RULES), ignored: new Set() };

/** The settings by which a member's events are judged; mostly they are at hand, otherwise they are read and compiled. */
export function settingsOf(member: Member, documents: Documents): Settings | Promise<Settings> {
  if (member.settings === PREDEFINED) return PREDEFINED_SETTINGS;
  return compiled.get(member.settings) ?? compileSettings(member, documents);
}

async function compileSettings(member: Member, documents: Documents): Promise<Settings> {
  const user = await documents.get(notificationUsers, [member.user_id]);
  if (user === undefined) return PREDEFINED_SETTINGS;
  const settings = { rules: compileRuleset(userRules(user)), ignored: new Set(user.ignored) };
  const size = OBJECT_CHARACTERS + user.push_rules.length + user.ignored.length * 50;
  compiled.set(member.settings, settings, { size });
  return settings;
}

/** Names the settings of a user: the same name, the same settings. */
export function settingsName({ push_rules, ignored }: NotificationUser): string {
  if (push_rules === '' && ignored.length === 0) return PREDEFINED;
  return hash('sha256', JSON.stringify([push_rules, ignored]), 'base64url');
}

/**
 * Takes over account data that settings are made of: `m.push_rules` as it is recorded, and `m.ignored_user_list`.
 * What was judged before stays as it is.
 *
 * Cost: two reads and a write per room that the user has joined.
 */
export async function changeSettings(
  userId: string,
  type: string,
  content: JsonObject | undefined,
  documents: Documents,
): Promise<void> {
  const before = await documents.get(notificationUsers, [userId]);
  if (before === undefined) return;
  const user: NotificationUser =
    type === 'm.push_rules'
      ? { ...before, push_rules: content === undefined ? '' : JSON.stringify(content) }
      : { ...before, ignored: ignoredUsers(content) };
  const settings = settingsName(user);
  if (settings === settingsName(before)) return;
  documents.put(notificationUsers, user);
  for (const member of await documents.find(notificationCounts, { prefix: [userId] })) {
    const events = (await documents.get(notificationRooms, [member.room_id]))?.events ?? 0;
    const { follows } = member;
    documents.put(
      notificationCounts,
      settings === PREDEFINED
        ? { ...member, settings, follows: follow(follows, events) }
        : { ...member, settings, follows: unfollow(follows, events), had_settings: true },
    );
  }
}

/** What was recorded, as rules; as the write side reads it. */
function userRules({ push_rules }: NotificationUser): UserRules {
  const content: unknown = push_rules === '' ? undefined : JSON.parse(push_rules);
  return isUserRules(content) ? content : NO_USER_RULES;
}

function isUserRules(content: unknown): content is UserRules {
  return isJsonObject(content) && isJsonObject(content['rules']) && Array.isArray(content['changed']);
}

function ignoredUsers(content: JsonObject | undefined): string[] {
  const users = content?.['ignored_users'];
  return isJsonObject(users) ? Object.keys(users) : [];
}
