import type { AuthOptions, RuleName } from '../../../../src/protocol/auth-rules/index.js';
import type { RoomEvent } from '../../../../src/protocol/events.js';
import type { JsonObject } from '../../../../src/protocol/json.js';
import type { AuthRules } from '../../../../src/protocol/room-versions.js';
import { alice, type Draft, type Person, type TestRoom } from '../../../support/room.js';

/** One line of the tables: a room, an event that somebody sends there, and what the rules say. */
export interface AuthCase {
  readonly name: string;
  /** Tells the room's story and gives the event that is to be judged by the room's state. */
  readonly event: (room: TestRoom) => RoomEvent;
  /** `undefined` = allowed. */
  readonly refusedBy?: RuleName | undefined;
  /** The versions that the line is for; all of them without it. */
  readonly where?: (auth: AuthRules) => boolean;
  readonly options?: AuthOptions;
}

type Where = (auth: AuthRules) => boolean;
type Story = (room: TestRoom) => RoomEvent;

export function allowed(
  name: string,
  event: Story,
  where: Where = () => true,
  options: AuthOptions = {},
): AuthCase {
  return { name, event, where, options };
}

export function refused(
  refusedBy: RuleName,
  name: string,
  event: Story,
  where: Where = () => true,
  options: AuthOptions = {},
): AuthCase {
  return { name, event, refusedBy, where, options };
}

/** A membership event that somebody might send. */
export function member(sender: Person, target: Person, membership: string, more: JsonObject = {}): Draft {
  return { type: 'm.room.member', sender, stateKey: target.id, content: { membership, ...more } };
}

export function join(who: Person, more: JsonObject = {}): Draft {
  return member(who, who, 'join', more);
}

export function message(sender: Person): Draft {
  return { type: 'm.room.message', sender, content: { msgtype: 'm.text', body: 'Hello' } };
}

export function state(sender: Person, type: string, content: JsonObject = {}, stateKey = ''): Draft {
  return { type, sender, stateKey, content };
}

/** Power levels with alice at the top: listed at 100 where the version does not have her there anyway. */
export function levels(
  room: TestRoom,
  users: Record<string, number | string>,
  more: JsonObject = {},
): JsonObject {
  const top = room.version.auth.privilegedCreators ? {} : { [alice.id]: 100 };
  return { users: { ...top, ...users }, ...more };
}

/** A room made by alice with bob and carol in it, and with these power levels. */
export function ruled(
  room: TestRoom,
  users: Record<string, number | string> = {},
  more: JsonObject = {},
): TestRoom {
  return room.createdBy(alice).powerLevels(levels(room, users, more));
}
