import { isJsonObject, type JsonObject } from '../protocol/json.js';
import { userLevel, type PowerLevels } from '../protocol/power-levels.js';
import type { RoomVersion } from '../protocol/room-versions.js';

/** What a creator has where a room version puts nobody above all levels. */
const CREATOR_LEVEL = 100;

/** The power levels of a room that replaces another. */
export interface CarriedLevels {
  readonly atFirst: JsonObject;
  /** What they are to be once the room is set up; absent: what they were at first. */
  readonly atLast?: JsonObject;
}

/**
 * A room's power levels for the one that replaces it: everybody keeps theirs (Client-Server API, Room Upgrades, Server
 * behaviour, 3). A moderator who upgrades has more until the new room's state is made, since that is their doing.
 *
 * @param old the content of the old room's event, `{}` where there is none, and what it means
 */
export function carriedPowerLevels(
  old: { readonly content: JsonObject; readonly levels: PowerLevels },
  version: RoomVersion,
  sender: string,
  additionalCreators: readonly string[],
): CarriedLevels {
  const { content, levels } = old;
  const users = new Map(isJsonObject(content['users']) ? Object.entries(content['users']) : []);
  if (version.auth.privilegedCreators) {
    for (const creator of [sender, ...additionalCreators]) users.delete(creator);
    const events = isJsonObject(content['events']) ? content['events'] : {};
    return { atFirst: { ...withUsers(content, users), events: { ...events, 'm.room.tombstone': 150 } } };
  }
  const needed = Math.max(levels.stateDefault, levels.ban, ...levels.events.values());
  const level = userLevel(levels, sender);
  // Who is above all levels, or was without being listed, would otherwise be nobody in the new room.
  const isListed = users.has(sender) || level <= levels.usersDefault;
  if (!isListed) users.set(sender, Number.isFinite(level) ? level : Math.max(CREATOR_LEVEL, needed));
  const atLast = withUsers(content, users);
  if (level >= needed) return { atFirst: atLast };
  return { atFirst: withUsers(content, new Map(users).set(sender, needed)), atLast };
}

function withUsers(content: JsonObject, users: ReadonlyMap<string, JsonObject[string]>): JsonObject {
  return { ...content, users: Object.fromEntries(users) };
}
