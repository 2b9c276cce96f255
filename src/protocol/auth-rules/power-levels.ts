import type { RoomEvent } from '../events.js';
import { isUserId } from '../identifiers.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';
import { readLevel, roomCreators, userLevel, type PowerLevels } from '../power-levels.js';
import type { RoomVersion } from '../room-versions.js';
import type { Subject } from './subject.js';
import { ALLOWED, refuse, type Refused, type Verdict } from './verdict.js';

const PROPERTIES = [
  'users_default',
  'events_default',
  'state_default',
  'ban',
  'redact',
  'kick',
  'invite',
] as const;
const NOTHING: JsonObject = {};

/** m.room.power_levels: well formed, and nobody reaches beyond their own level. */
export function checkPowerLevels(subject: Subject, levels: PowerLevels): Verdict {
  const previous = subject.state.get('m.room.power_levels', '');
  return checkShape(subject) ?? (previous === undefined ? ALLOWED : checkChanges(subject, levels, previous));
}

function checkShape({ event, version, create }: Subject): Refused | undefined {
  const { content } = event;
  if (version.auth.integerPowerLevels) {
    const property = PROPERTIES.find((key) => content[key] !== undefined && !isLevel(content[key], version));
    if (property !== undefined) {
      return refuse('power_levels.properties', version, `The power level "${property}" is not an integer.`);
    }
    for (const key of ['events', 'notifications'] as const) {
      const map = content[key];
      if (
        map !== undefined &&
        !(isJsonObject(map) && Object.values(map).every((one) => isLevel(one, version)))
      ) {
        return refuse(
          'power_levels.maps',
          version,
          `${quoted(key)} has to give each of its entries an integer.`,
        );
      }
    }
  }
  const users = content['users'];
  if (users === undefined) return undefined;
  const valid =
    isJsonObject(users) && Object.keys(users).every((id) => isUserId(id) && isLevel(users[id], version));
  if (!valid) {
    return refuse(
      'power_levels.users',
      version,
      '"users" has to give user IDs their power levels, as integers.',
    );
  }
  if (!version.auth.privilegedCreators) return undefined;
  const creator = roomCreators(create, version).find((id) => Object.hasOwn(users, id));
  if (creator === undefined) return undefined;
  const reason = `${creator} created the room: their power level is above all and cannot be set.`;
  return refuse('power_levels.creators', version, reason);
}

function isLevel(value: JsonValue | undefined, version: RoomVersion): boolean {
  return readLevel(value, version) !== undefined;
}

/**
 * The level of a property, `undefined` if it is not there. What cannot be read as a level is `NaN`: it may be
 * replaced by anyone who may send the event, but, being higher or lower than nothing, not be set.
 */
function levelAt(object: JsonObject, key: string, version: RoomVersion): number | undefined {
  if (!Object.hasOwn(object, key) || object[key] === undefined) return undefined;
  return readLevel(object[key], version) ?? NaN;
}

interface Change {
  readonly key: string;
  readonly current: number | undefined;
  readonly next: number | undefined;
}

/** Cost: one pass over the keys of both; a change is made an object only where the levels differ. */
function changes(
  before: JsonObject,
  after: JsonObject,
  keys: Iterable<string>,
  version: RoomVersion,
): Change[] {
  const found: Change[] = [];
  for (const key of keys) {
    const current = levelAt(before, key, version);
    const next = levelAt(after, key, version);
    if (!Object.is(current, next)) found.push({ key, current, next });
  }
  return found;
}

function mapChanges(before: JsonObject, after: JsonObject, name: string, version: RoomVersion): Change[] {
  const one = asObject(before[name]);
  const other = asObject(after[name]);
  const added = Object.keys(other).filter((key) => !Object.hasOwn(one, key));
  return changes(one, other, [...Object.keys(one), ...added], version);
}

function asObject(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : NOTHING;
}

function checkChanges({ event, version }: Subject, levels: PowerLevels, previous: RoomEvent): Verdict {
  const { content, sender } = event;
  const level = userLevel(levels, sender);
  const mine = `${sender} has power level ${level}`;
  const isAbove = ({ current }: Change) => current !== undefined && current > level;
  const setsAbove = ({ next }: Change) => next !== undefined && !(next <= level);

  for (const change of changes(previous.content, content, PROPERTIES, version)) {
    const { key, current, next } = change;
    if (isAbove(change)) {
      const reason = `${mine} and cannot change ${quoted(key)}, which is at ${String(current)}.`;
      return refuse('power_levels.property_current', version, reason);
    }
    if (setsAbove(change)) {
      return refuse(
        'power_levels.property_new',
        version,
        `${mine} and cannot set ${quoted(key)} to ${shown(next)}.`,
      );
    }
  }

  const entries = mapChanges(previous.content, content, 'events', version);
  if (version.auth.guardNotifications) {
    entries.push(...mapChanges(previous.content, content, 'notifications', version));
  }
  const locked = entries.find(isAbove);
  if (locked !== undefined) {
    const reason = `${mine} and cannot change ${quoted(locked.key)}, which is at ${String(locked.current)}.`;
    return refuse('power_levels.entry_current', version, reason);
  }
  const raised = entries.find(setsAbove);
  if (raised !== undefined) {
    const reason = `${mine} and cannot set ${quoted(raised.key)} to ${shown(raised.next)}.`;
    return refuse('power_levels.entry_new', version, reason);
  }

  const users = mapChanges(previous.content, content, 'users', version);
  const equal = users.find(({ key, current }) => key !== sender && current !== undefined && current >= level);
  if (equal !== undefined) {
    const reason = `${mine} and cannot change that of ${equal.key}, which is not below it.`;
    return refuse('power_levels.user_current', version, reason);
  }
  const promoted = users.find(setsAbove);
  if (promoted !== undefined) {
    const reason = `${mine} and cannot give ${promoted.key} ${shown(promoted.next)}.`;
    return refuse('power_levels.user_new', version, reason);
  }
  return ALLOWED;
}

function shown(level: number | undefined): string {
  return level === undefined || Number.isNaN(level) ? 'what is no power level' : String(level);
}

/** Keys of `events` have no limit but the event's. */
function quoted(key: string): string {
  return JSON.stringify(key.length <= 100 ? key : `${key.slice(0, 100)}...`);
}
