import { fullRuleset } from '../../protocol/push-rules/defaults.js';
import { NO_USER_RULES, type UserRules } from '../../protocol/push-rules/rules.js';
import type { EventFilter } from '../../protocol/filters.js';
import { accountData, type AccountData } from '../../read-models/collections.js';
import type { ReadSide } from '../read-side.js';
import type { SyncPass } from './request.js';

const PUSH_RULES = 'm.push_rules';

/** Account data by room ('' for the account itself): all of it, or what changed since the last answer. */
export async function accountDataByRoom(side: ReadSide, pass: SyncPass): Promise<Map<string, AccountData[]>> {
  const { userId } = pass.viewer;
  const collection = side.store.collection(accountData);
  const { since } = pass;
  const found =
    since === undefined
      ? await collection.find({ prefix: [userId] })
      : await collection.find({ prefix: [userId], after: [since.position] }, 'changed');
  const byRoom = new Map<string, AccountData[]>();
  for (const entry of found) {
    if (entry.position > pass.to.position) continue;
    const entries = byRoom.get(entry.room_id);
    if (entries === undefined) byRoom.set(entry.room_id, [entry]);
    else entries.push(entry);
  }
  // Every user has push rules, whoever never touched them included.
  if (since === undefined && byRoom.get('')?.some(({ type }) => type === PUSH_RULES) !== true) {
    const rules = {
      user_id: userId,
      room_id: '',
      type: PUSH_RULES,
      content: JSON.stringify(NO_USER_RULES),
      position: 0,
    };
    byRoom.set('', [...(byRoom.get('') ?? []), rules]);
  }
  return byRoom;
}

/** Entries of account data as events in JSON. */
export function accountDataEvents(
  entries: readonly AccountData[] | undefined,
  filter: EventFilter,
  userId: string,
): string[] {
  return (entries ?? [])
    .filter(({ type }) => filter.matchesType(type))
    .map((entry) => `{"type":${JSON.stringify(entry.type)},"content":${shownContent(entry, userId)}}`);
}

/** Account data as clients see it: push rules with the predefined ones among them. */
export function shownContent(entry: AccountData, userId: string): string {
  if (entry.type !== PUSH_RULES || entry.room_id !== '') return entry.content;
  return JSON.stringify({ global: fullRuleset(JSON.parse(entry.content) as UserRules, userId) });
}

/** Whom a user ignores (Client-Server API, Ignoring Users). */
export async function ignoredUsers(side: ReadSide, userId: string): Promise<ReadonlySet<string>> {
  const entry = await side.store.collection(accountData).get([userId, '', 'm.ignored_user_list']);
  if (entry === undefined) return new Set();
  const { ignored_users: users } = JSON.parse(entry.content) as { ignored_users?: unknown };
  return new Set(typeof users === 'object' && users !== null ? Object.keys(users) : []);
}
