import type { RoomVersion } from '../room-versions.js';

/** Every rule that can refuse an event, by a name that is the same in all room versions. */
export type RuleName =
  | `create.${'prev_events' | 'room_id' | 'room_version' | 'creator' | 'additional_creators'}`
  | 'room_id'
  | `auth_events.${'duplicate' | 'unexpected' | 'rejected' | 'no_create' | 'other_room'}`
  | 'federate'
  | `aliases.${'state_key' | 'server'}`
  | `member.${'shape' | 'authoriser_signature' | 'unknown'}`
  | `join.${'sender' | 'banned' | 'authoriser' | 'otherwise'}`
  | `third_party.${'banned' | 'unsigned' | 'incomplete' | 'mxid' | 'token' | 'sender' | 'otherwise'}`
  | `invite.${'sender' | 'target' | 'otherwise'}`
  | `leave.${'own' | 'sender' | 'unban' | 'otherwise'}`
  | `ban.${'sender' | 'otherwise'}`
  | `knock.${'join_rule' | 'sender' | 'otherwise'}`
  | 'sender'
  | 'third_party_invite'
  | 'required_level'
  | 'state_key'
  | `power_levels.${'properties' | 'maps' | 'users' | 'creators'}`
  | `power_levels.${'property' | 'entry' | 'user'}_${'current' | 'new'}`
  | 'redaction.otherwise';

/** A point of the list that refuses nothing ("allow"); it takes a number all the same. */
const ALLOWS = '';
type Point = RuleName | typeof ALLOWS | readonly (Point | false)[];

/**
 * The nested list of a room version (specification: Room Versions, Authorisation rules), point by point in the
 * specification's order; what a version does not have is `false`. Numbers follow from the places, as they do
 * when the specification is displayed (in version 12 it writes some of them differently in its source).
 */
function rulesOf({ auth }: RoomVersion): readonly (Point | false)[] {
  return [
    [
      'create.prev_events',
      'create.room_id',
      'create.room_version',
      auth.creatorInContent && 'create.creator',
      auth.privilegedCreators && 'create.additional_creators',
      ALLOWS,
    ],
    !auth.createInAuthEvents && 'room_id',
    [
      'auth_events.duplicate',
      'auth_events.unexpected',
      'auth_events.rejected',
      auth.createInAuthEvents && 'auth_events.no_create',
      'auth_events.other_room',
    ],
    'federate',
    auth.aliases && ['aliases.state_key', 'aliases.server', ALLOWS],
    [
      'member.shape',
      auth.restricted && ['member.authoriser_signature'],
      [
        ALLOWS,
        'join.sender',
        'join.banned',
        ALLOWS,
        auth.restricted && [ALLOWS, 'join.authoriser', ALLOWS],
        ALLOWS,
        'join.otherwise',
      ],
      [
        [
          'third_party.banned',
          'third_party.unsigned',
          'third_party.incomplete',
          'third_party.mxid',
          'third_party.token',
          'third_party.sender',
          ALLOWS,
          'third_party.otherwise',
        ],
        'invite.sender',
        'invite.target',
        ALLOWS,
        'invite.otherwise',
      ],
      ['leave.own', 'leave.sender', 'leave.unban', ALLOWS, 'leave.otherwise'],
      ['ban.sender', ALLOWS, 'ban.otherwise'],
      auth.knock && ['knock.join_rule', 'knock.sender', ALLOWS, 'knock.otherwise'],
      'member.unknown',
    ],
    'sender',
    ['third_party_invite'],
    'required_level',
    'state_key',
    [
      auth.integerPowerLevels && 'power_levels.properties',
      auth.integerPowerLevels && 'power_levels.maps',
      'power_levels.users',
      auth.privilegedCreators && 'power_levels.creators',
      ALLOWS,
      ['power_levels.property_current', 'power_levels.property_new'],
      ['power_levels.entry_current'],
      ['power_levels.entry_new'],
      ['power_levels.user_current'],
      ['power_levels.user_new'],
      ALLOWS,
    ],
    auth.redactions && [ALLOWS, ALLOWS, 'redaction.otherwise'],
    ALLOWS,
  ];
}

function number(points: readonly (Point | false)[], prefix: string, numbers: Map<RuleName, string>): void {
  let index = 0;
  for (const point of points) {
    if (point === false) continue;
    index += 1;
    if (typeof point !== 'string') number(point, `${prefix}${index}.`, numbers);
    else if (point !== ALLOWS) numbers.set(point, `${prefix}${index}`);
  }
}

const numbersOf = new WeakMap<RoomVersion, ReadonlyMap<RuleName, string>>();

/** Every rule by which this room version can refuse an event, with its number there, in the list's order. */
export function ruleNumbers(version: RoomVersion): ReadonlyMap<RuleName, string> {
  const known = numbersOf.get(version);
  if (known !== undefined) return known;
  const numbers = new Map<RuleName, string>();
  number(rulesOf(version), '', numbers);
  numbersOf.set(version, numbers);
  return numbers;
}
