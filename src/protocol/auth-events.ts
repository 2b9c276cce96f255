import type { RoomEvent, StateKey } from './events.js';
import { isJsonObject, type JsonObject } from './json.js';
import type { RoomVersion } from './room-versions.js';

/** What the selection looks at: an event, or one that is about to be made. */
export type AuthEventsSubject = Pick<RoomEvent, 'type' | 'sender' | 'stateKey' | 'content'>;

const CREATE: StateKey = { type: 'm.room.create', stateKey: '' };
const POWER_LEVELS: StateKey = { type: 'm.room.power_levels', stateKey: '' };
const JOIN_RULES: StateKey = { type: 'm.room.join_rules', stateKey: '' };

function member(userId: string): StateKey {
  return { type: 'm.room.member', stateKey: userId };
}

/** The token of `content.third_party_invite.signed`, where there is one. */
export function thirdPartyInviteToken(content: JsonObject): string | undefined {
  const invite = content['third_party_invite'];
  const signed = isJsonObject(invite) ? invite['signed'] : undefined;
  const token = isJsonObject(signed) ? signed['token'] : undefined;
  return typeof token === 'string' ? token : undefined;
}

/**
 * Which events of the room state belong into an event's `auth_events`, each key once, as far as the state has
 * them (specification: Server-Server API, Auth events selection). None for m.room.create itself.
 */
export function authEventKeys(event: AuthEventsSubject, version: RoomVersion): StateKey[] {
  if (event.type === 'm.room.create') return [];
  const keys = version.auth.createInAuthEvents
    ? [CREATE, POWER_LEVELS, member(event.sender)]
    : [POWER_LEVELS, member(event.sender)];
  if (event.type === 'm.room.member' && event.stateKey !== undefined) {
    addMembershipKeys(keys, event, event.stateKey, version);
  }
  return keys;
}

function addMembershipKeys(
  keys: StateKey[],
  { sender, content }: AuthEventsSubject,
  target: string,
  version: RoomVersion,
): void {
  const { membership, join_authorised_via_users_server: authoriser } = content;
  if (target !== sender) keys.push(member(target));
  if (membership === 'join' || membership === 'invite' || membership === 'knock') keys.push(JOIN_RULES);
  if (membership === 'invite') {
    const token = thirdPartyInviteToken(content);
    if (token !== undefined) keys.push({ type: 'm.room.third_party_invite', stateKey: token });
  }
  const authorised = membership === 'join' && version.auth.restricted && typeof authoriser === 'string';
  if (authorised && authoriser !== sender && authoriser !== target) keys.push(member(authoriser));
}
