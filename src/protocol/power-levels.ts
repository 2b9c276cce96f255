import type { RoomEvent } from './events.js';
import { isJsonObject, type JsonObject, type JsonValue } from './json.js';
import type { RoomVersion } from './room-versions.js';

/**
 * The power levels of a room, read once from its m.room.power_levels event (specification: Client-Server API,
 * m.room.power_levels; Room Versions, "accept values as strings" and "as floats"). All defaults are filled in.
 */
export interface PowerLevels {
  /** Who outranks every level: room version 12's creators, empty in the versions before it. */
  readonly creators: ReadonlySet<string>;
  readonly users: ReadonlyMap<string, number>;
  readonly usersDefault: number;
  /** By event type. */
  readonly events: ReadonlyMap<string, number>;
  readonly eventsDefault: number;
  readonly stateDefault: number;
  readonly ban: number;
  readonly kick: number;
  readonly invite: number;
  readonly redact: number;
  /** By kind of notification, such as `room`; see `notificationLevel` for what is not listed. */
  readonly notifications: ReadonlyMap<string, number>;
}

const NOBODY: ReadonlySet<string> = new Set();
const NO_LEVELS: ReadonlyMap<string, number> = new Map();
/** What a creator has up to room version 11 as long as the room has no m.room.power_levels. */
const CREATOR_LEVEL = 100;
/** `sign digits`, with white space around it. */
const INTEGER_TEXT = /^\s*[+-]?[0-9]+\s*$/;

/**
 * One power level as the room version reads it, or `undefined` where the value is not one. From version 10 it
 * has to be an integer; before, text that is an integer counts as one, and as long as the version does not
 * enforce canonical JSON a float is cut off at its point.
 */
export function readLevel(value: JsonValue | undefined, version: RoomVersion): number | undefined {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return value;
    if (version.strictCanonicalJson || !Number.isFinite(value)) return undefined;
    return Math.trunc(value) + 0; // never -0
  }
  if (version.auth.integerPowerLevels || typeof value !== 'string' || !INTEGER_TEXT.test(value)) {
    return undefined;
  }
  const level = Number(value) + 0;
  return Number.isFinite(level) ? level : undefined;
}

/** The levels of an object such as `users`; entries that are no levels are left out, as though absent. */
function readLevels(value: JsonValue | undefined, version: RoomVersion): ReadonlyMap<string, number> {
  if (!isJsonObject(value)) return NO_LEVELS;
  const levels = new Map<string, number>();
  for (const key of Object.keys(value)) {
    const level = readLevel(value[key], version);
    if (level !== undefined) levels.set(key, level);
  }
  return levels;
}

/**
 * The creators of a room: the create event's sender (up to version 10: its `creator`) and, from version 12, its
 * `additional_creators`.
 */
export function roomCreators(create: RoomEvent, version: RoomVersion): string[] {
  const { creator, additional_creators: additional } = create.content;
  if (version.auth.creatorInContent) return typeof creator === 'string' ? [creator] : [];
  if (!version.auth.privilegedCreators || !Array.isArray(additional)) return [create.sender];
  return [create.sender, ...additional.filter((user): user is string => typeof user === 'string')];
}

function read(
  content: JsonObject | undefined,
  create: RoomEvent | undefined,
  version: RoomVersion,
): PowerLevels {
  const creators = create === undefined ? [] : roomCreators(create, version);
  const { privilegedCreators } = version.auth;
  const get = (key: string, otherwise: number) => readLevel(content?.[key], version) ?? otherwise;
  return {
    creators: privilegedCreators ? new Set(creators) : NOBODY,
    users:
      content === undefined && !privilegedCreators
        ? new Map(creators.map((user) => [user, CREATOR_LEVEL]))
        : readLevels(content?.['users'], version),
    usersDefault: get('users_default', 0),
    events: readLevels(content?.['events'], version),
    eventsDefault: get('events_default', 0),
    stateDefault: get('state_default', 50),
    ban: get('ban', 50),
    kick: get('kick', 50),
    invite: get('invite', 0),
    redact: get('redact', 50),
    notifications: readLevels(content?.['notifications'], version),
  };
}

interface Remembered {
  readonly levels: PowerLevels;
  readonly createId: string | undefined;
  readonly version: RoomVersion;
}
const remembered = new WeakMap<RoomEvent, Remembered>();

/**
 * The power levels in a room state with this m.room.power_levels event and this create event; either may be
 * missing. A value that the room version cannot read counts as absent.
 *
 * Cost: read once per event object and remembered as long as that object lives; then a look-up.
 */
export function powerLevels(
  event: RoomEvent | undefined,
  create: RoomEvent | undefined,
  version: RoomVersion,
): PowerLevels {
  const key = event ?? create;
  if (key === undefined) return read(undefined, undefined, version);
  // Beside an m.room.power_levels the create event matters only where creators are above it.
  const createId = version.auth.privilegedCreators ? create?.eventId : undefined;
  const known = remembered.get(key);
  if (known?.version === version && known.createId === createId) return known.levels;
  const levels = read(event?.content, create, version);
  remembered.set(key, { levels, createId, version });
  return levels;
}

/** A user's power level; `Infinity` for a privileged creator (room version 12). */
export function userLevel(levels: PowerLevels, userId: string): number {
  if (levels.creators.has(userId)) return Infinity;
  return levels.users.get(userId) ?? levels.usersDefault;
}

/** The level needed to send an event of this type (Server-Server API, "Required Power Level"). */
export function requiredLevel(levels: PowerLevels, type: string, isState: boolean): number {
  return levels.events.get(type) ?? (isState ? levels.stateDefault : levels.eventsDefault);
}

/** Whether a user's level suffices for events of this type; membership events have rules of their own. */
export function canSend(levels: PowerLevels, userId: string, type: string, isState: boolean): boolean {
  return userLevel(levels, userId) >= requiredLevel(levels, type, isState);
}

/** Whether a user may redact the events of other people (one's own need only the right to send redactions). */
export function canRedact(levels: PowerLevels, userId: string): boolean {
  return userLevel(levels, userId) >= levels.redact;
}

/** The level needed to notify, such as `room` for `@room`. The default is 50. */
export function notificationLevel(levels: PowerLevels, kind: string): number {
  return levels.notifications.get(kind) ?? 50;
}
