import type { RoomEvent } from '../events.js';
import { serverName } from '../identifiers.js';
import { powerLevels, type PowerLevels } from '../power-levels.js';
import type { RoomVersion } from '../room-versions.js';

/**
 * The room state against which an event is checked: the one its auth events make, the one before it, or the
 * current one. Room version 12's create event is found here like any other, though no event names it.
 */
export interface AuthState {
  get(type: string, stateKey: string): RoomEvent | undefined;
}

export interface AuthOptions {
  /**
   * The servers whose signatures on the event were found to be valid, for the rule on
   * `join_authorised_via_users_server`. Leave it out only where signatures have been checked before: an event
   * that has been accepted once and is checked against another state.
   */
  readonly verifiedServers?: ReadonlySet<string>;
}

/** An event under the rules, with what they look at. */
export interface Subject {
  readonly event: RoomEvent;
  readonly version: RoomVersion;
  readonly state: AuthState;
  readonly create: RoomEvent;
  readonly options: AuthOptions;
}

/** The power levels in force. */
export function levelsFor({ state, create, version }: Subject): PowerLevels {
  return powerLevels(state.get('m.room.power_levels', ''), create, version);
}

/** A user's current membership; `undefined` if they never had one, which the rules treat like `leave`. */
export function membershipOf({ state }: Subject, userId: string): string | undefined {
  const membership = state.get('m.room.member', userId)?.content['membership'];
  return typeof membership === 'string' ? membership : undefined;
}

/** The current join rule: `invite` unless the room says otherwise, an empty text if what it says is no text. */
export function joinRuleOf({ state }: Subject): string {
  const rule = state.get('m.room.join_rules', '')?.content['join_rule'];
  if (rule === undefined) return 'invite';
  return typeof rule === 'string' ? rule : '';
}

/** Whether two identifiers belong to the same server; never, if one of them names none. */
export function sameServer(one: string, other: string): boolean {
  const server = serverName(one);
  return server !== undefined && server === serverName(other);
}
