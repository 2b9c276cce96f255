import type { RoomEvent } from '../events.js';
import { serverName } from '../identifiers.js';
import { requiredLevel, userLevel } from '../power-levels.js';
import type { RoomVersion } from '../room-versions.js';
import { checkAliases } from './aliases.js';
import { checkCreate } from './create.js';
import { checkMember } from './member.js';
import { checkPowerLevels } from './power-levels.js';
import { checkRedaction } from './redaction.js';
import {
  levelsFor,
  membershipOf,
  sameServer,
  type AuthOptions,
  type AuthState,
  type Subject,
} from './subject.js';
import { ALLOWED, refuse, type Refused, type Verdict } from './verdict.js';

export { checkAuthEvents } from './auth-events-list.js';
export { redactionAllowed } from './redaction.js';
export { ruleNumbers, type RuleName } from './rule-numbers.js';
export type { AuthOptions, AuthState } from './subject.js';
export type { Verdict } from './verdict.js';

const NO_OPTIONS: AuthOptions = {};

/**
 * Whether a room state allows an event (specification: Room Versions, Authorisation rules; every version's list
 * but for the rules on `auth_events`, which are `checkAuthEvents`). The same event is checked against several
 * states (Server-Server API, Checks performed on receipt of a PDU).
 *
 * Cost: a handful of state look-ups, whatever the room's size; an m.room.power_levels takes a pass over its
 * entries, a third-party invitation a signature check.
 */
export function authorise(
  event: RoomEvent,
  version: RoomVersion,
  state: AuthState,
  options: AuthOptions = NO_OPTIONS,
): Verdict {
  if (event.type === 'm.room.create') return checkCreate(event, version);
  const create = state.get('m.room.create', '');
  if (create === undefined) {
    const name = version.auth.createInAuthEvents ? 'auth_events.no_create' : 'room_id';
    return refuse(name, version, "The room's create event is not known.");
  }
  const astray = checkRoom(event, version, create);
  if (astray !== undefined) return astray;
  if (create.content['m.federate'] === false && !sameServer(event.sender, create.sender)) {
    const reason = `This room is only for users of ${serverName(create.sender) ?? 'its own server'}.`;
    return refuse('federate', version, reason);
  }
  const subject: Subject = { event, version, state, create, options };
  if (event.type === 'm.room.aliases' && version.auth.aliases) return checkAliases(subject);
  if (event.type === 'm.room.member') return checkMember(subject);
  return checkOther(subject);
}

/** The state has to be that of the event's own room. */
function checkRoom(event: RoomEvent, version: RoomVersion, create: RoomEvent): Refused | undefined {
  if (version.roomIds === 'create_event') {
    if (event.roomId.slice(1) === create.eventId.slice(1)) return undefined;
    return refuse('room_id', version, `The room ID ${event.roomId} is not that of the create event.`);
  }
  if (event.roomId === create.roomId) return undefined;
  return refuse(
    'auth_events.other_room',
    version,
    `The event is of another room than its state, ${create.roomId}.`,
  );
}

/** Everything that only people in the room may send. */
function checkOther(subject: Subject): Verdict {
  const { event, version } = subject;
  const { sender, type, stateKey } = event;
  if (membershipOf(subject, sender) !== 'join') {
    return refuse('sender', version, `${sender} is not in the room.`);
  }
  const levels = levelsFor(subject);
  const level = userLevel(levels, sender);
  if (type === 'm.room.third_party_invite') {
    if (level >= levels.invite) return ALLOWED;
    const reason = `Inviting needs power level ${levels.invite}; ${sender} has ${level}.`;
    return refuse('third_party_invite', version, reason);
  }
  const required = requiredLevel(levels, type, stateKey !== undefined);
  if (required > level) {
    return refuse(
      'required_level',
      version,
      `${type} needs power level ${required}; ${sender} has ${level}.`,
    );
  }
  if (stateKey?.startsWith('@') === true && stateKey !== sender) {
    const reason = `State under a user ID can only be set by that user, ${stateKey}.`;
    return refuse('state_key', version, reason);
  }
  if (type === 'm.room.power_levels') return checkPowerLevels(subject, levels);
  if (type === 'm.room.redaction' && version.auth.redactions) return checkRedaction(subject, levels);
  return ALLOWED;
}
