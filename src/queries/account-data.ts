import { fullRuleset } from '../protocol/push-rules/defaults.js';
import { NO_USER_RULES, type Ruleset, type UserRules } from '../protocol/push-rules/rules.js';
import { accountData } from '../read-models/collections.js';
import type { ReadSide } from './read-side.js';
import { shownContent } from './sync/account-data-part.js';

const PUSH_RULES = 'm.push_rules';

/** Account data of a type as JSON text (Client-Server API, Client Config); `roomId` '' for the account itself. */
export async function accountDataContent(
  side: ReadSide,
  userId: string,
  roomId: string,
  type: string,
): Promise<string | undefined> {
  if (type === PUSH_RULES && roomId === '') {
    return JSON.stringify({ global: await pushRulesOf(side, userId) });
  }
  const entry = await side.store.collection(accountData).get([userId, roomId, type]);
  return entry && shownContent(entry, userId);
}

/** All of a user's push rules, the predefined ones among them (Client-Server API, Push Rules). */
export async function pushRulesOf(side: ReadSide, userId: string): Promise<Ruleset> {
  const entry = await side.store.collection(accountData).get([userId, '', PUSH_RULES]);
  return fullRuleset(entry === undefined ? NO_USER_RULES : (JSON.parse(entry.content) as UserRules), userId);
}
