import type { RuleName } from '../../../../src/protocol/auth-rules/index.js';
import type { JsonObject, JsonValue } from '../../../../src/protocol/json.js';
import type { AuthRules } from '../../../../src/protocol/room-versions.js';
import { alice, bob, carol, dave, type Person, type TestRoom } from '../../../support/room.js';
import { allowed, levels, refused, ruled, state, type AuthCase } from './case.js';

const integers = (auth: AuthRules) => auth.integerPowerLevels;
const texts = (auth: AuthRules) => !auth.integerPowerLevels;
const privileged = (auth: AuthRules) => auth.privilegedCreators;

const set = (r: TestRoom, sender: Person, content: JsonObject) =>
  r.event(state(sender, 'm.room.power_levels', content));
const fresh = (r: TestRoom) => r.createdBy(alice).joinedBy(bob);

/** alice sets the first power levels of the room. */
const first = (content: JsonObject) => (r: TestRoom) => set(fresh(r), alice, content);

const PROPERTIES = ['users_default', 'events_default', 'state_default', 'ban', 'redact', 'kick', 'invite'];
const NO_LEVELS: JsonValue[] = [null, true, '', 'ten', '1.5', '0x10', '1e2', [], {}, [50], '--1', '1 0'];
const NO_INTEGERS: JsonValue[] = [...NO_LEVELS, '50', ' 50 ', 1.5, 2 ** 53];

const shapeCases: AuthCase[] = [
  allowed('the first, empty', first({})),
  allowed(
    'the first, whatever the levels',
    first({ users: { [bob.id]: 9000 }, ban: 9000, events: { a: 9000 } }),
  ),
  ...PROPERTIES.map((key) => allowed(`${key} as an integer`, first({ [key]: -7 }))),
  ...PROPERTIES.flatMap((key) =>
    NO_INTEGERS.map((value) =>
      refused(
        'power_levels.properties',
        `${key}: ${JSON.stringify(value)}`,
        first({ [key]: value }),
        integers,
      ),
    ),
  ),
  ...['events', 'notifications'].flatMap((key) => [
    ...[...NO_INTEGERS].map((value) =>
      refused(
        'power_levels.maps',
        `${key}.x: ${JSON.stringify(value)}`,
        first({ [key]: { x: value } }),
        integers,
      ),
    ),
    ...[null, 7, 'x', [1]].map((value) =>
      refused('power_levels.maps', `${key}: ${JSON.stringify(value)}`, first({ [key]: value }), integers),
    ),
  ]),
  ...[null, 7, 'x', [1]].map((value) =>
    refused('power_levels.users', `users: ${JSON.stringify(value)}`, first({ users: value })),
  ),
  ...['bob', 'bob:one.example', '@bob', '', '!bob:one.example', '@bob:one example'].map((user) =>
    refused('power_levels.users', `users: "${user}"`, first({ users: { [user]: 1 } })),
  ),
  ...NO_LEVELS.map((value) =>
    refused('power_levels.users', `a user: ${JSON.stringify(value)}`, first({ users: { [bob.id]: value } })),
  ),
  ...['50', ' 50 ', '+50', '-50', '00050'].flatMap((value) => [
    refused('power_levels.users', `a user: "${value}"`, first({ users: { [bob.id]: value } }), integers),
    allowed(`a user: "${value}"`, first({ users: { [bob.id]: value } }), texts),
  ]),
  refused('power_levels.users', 'a user: infinite', first({ users: { [bob.id]: Infinity } })),
  refused('power_levels.users', 'a user: too long', first({ users: { [bob.id]: '9'.repeat(400) } })),
  refused('power_levels.creators', 'the creator', first({ users: { [alice.id]: 100 } }), privileged),
  refused(
    'power_levels.creators',
    'an additional creator',
    (r) =>
      set(r.createdBy(alice, { additional_creators: [bob.id] }), alice, {
        users: { [carol.id]: 1, [bob.id]: 100 },
      }),
    privileged,
  ),
];

interface Move {
  readonly name: string;
  /** What differs from `levels()` before, and what bob, at 50, sends. */
  readonly before?: JsonObject;
  readonly after?: JsonObject;
  readonly users?: Record<string, number>;
  readonly usersAfter?: Record<string, number | string>;
  readonly refusedBy?: RuleName;
  readonly where?: (auth: AuthRules) => boolean;
}

const USERS = { [bob.id]: 50, [carol.id]: 50, [dave.id]: 40 };

function move({ name, before, after, users = USERS, usersAfter = users, refusedBy, where }: Move): AuthCase {
  const event = (r: TestRoom) => {
    const now = ruled(r, users, { events: { 'm.room.power_levels': 50 }, ...before }).joinedBy(bob);
    return set(
      now,
      bob,
      levels(r, usersAfter, { events: { 'm.room.power_levels': 50 }, ...(after ?? before) }),
    );
  };
  return { name, event, refusedBy, ...(where !== undefined && { where }) };
}

const moves: Move[] = [
  { name: 'nothing changes' },
  ...PROPERTIES.flatMap((key): Move[] => [
    { name: `${key} added at one's own level`, after: { [key]: 50 } },
    { name: `${key} lowered from one's own level`, before: { [key]: 50 }, after: { [key]: 0 } },
    { name: `${key} kept above`, before: { [key]: 51 }, after: { [key]: 51 }, users: { [bob.id]: 51 } },
    { name: `${key} added above`, after: { [key]: 51 }, refusedBy: 'power_levels.property_new' },
    {
      name: `${key} raised above`,
      before: { [key]: 10 },
      after: { [key]: 51 },
      refusedBy: 'power_levels.property_new',
    },
  ]),
  ...['ban', 'redact', 'kick', 'invite'].flatMap((key): Move[] => [
    { name: `${key} kept above oneself`, before: { [key]: 51 } },
    {
      name: `${key} lowered from above`,
      before: { [key]: 51 },
      after: { [key]: 0 },
      refusedBy: 'power_levels.property_current',
    },
    {
      name: `${key} removed from above`,
      before: { [key]: 51 },
      after: {},
      refusedBy: 'power_levels.property_current',
    },
    { name: `${key} spelt otherwise`, before: { [key]: 51 }, after: { [key]: ' +051' }, where: texts },
    {
      name: `${key} no longer a level`,
      before: { [key]: 1 },
      after: { [key]: 'x' },
      where: texts,
      refusedBy: 'power_levels.property_new',
    },
    { name: `${key} a level again`, before: { [key]: 'x' }, after: { [key]: 1 }, where: texts },
    { name: `${key} still no level`, before: { [key]: 'x' }, after: { [key]: 'y' }, where: texts },
  ]),
  ...entryMoves('events', () => true),
  ...entryMoves('notifications', (auth) => auth.guardNotifications),
  {
    name: 'notifications above, unguarded',
    after: { notifications: { room: 99 } },
    where: (a) => !a.guardNotifications,
  },
  { name: "a user raised to one's own level", usersAfter: { ...USERS, [dave.id]: 50 } },
  { name: 'a user below removed', usersAfter: { [bob.id]: 50, [carol.id]: 50 } },
  { name: 'a user below lowered', usersAfter: { ...USERS, [dave.id]: -1 } },
  { name: "a new user at one's own level", usersAfter: { ...USERS, '@new:one.example': 50 } },
  { name: 'oneself lowered', usersAfter: { ...USERS, [bob.id]: 10 } },
  { name: 'oneself removed', usersAfter: { [carol.id]: 50, [dave.id]: 40 } },
  { name: 'a user spelt otherwise', usersAfter: { ...USERS, [carol.id]: '+50' }, where: texts },
  {
    name: 'an equal lowered',
    usersAfter: { ...USERS, [carol.id]: 49 },
    refusedBy: 'power_levels.user_current',
  },
  {
    name: 'an equal raised',
    usersAfter: { ...USERS, [carol.id]: 51 },
    refusedBy: 'power_levels.user_current',
  },
  {
    name: 'an equal removed',
    usersAfter: { [bob.id]: 50, [dave.id]: 40 },
    refusedBy: 'power_levels.user_current',
  },
  {
    name: 'a user raised above',
    usersAfter: { ...USERS, [dave.id]: 51 },
    refusedBy: 'power_levels.user_new',
  },
  {
    name: 'a new user above',
    usersAfter: { ...USERS, '@new:one.example': 51 },
    refusedBy: 'power_levels.user_new',
  },
  { name: 'oneself raised', usersAfter: { ...USERS, [bob.id]: 51 }, refusedBy: 'power_levels.user_new' },
];

function entryMoves(map: string, where: (auth: AuthRules) => boolean): Move[] {
  const own = map === 'events' ? { 'm.room.power_levels': 50 } : {};
  const entry = (level: JsonValue | undefined) => ({
    [map]: { ...own, ...(level !== undefined && { room: level }) },
  });
  const line = (
    name: string,
    from: JsonValue | undefined,
    to: JsonValue | undefined,
    refusedBy?: RuleName,
  ): Move => ({
    name: `${map}: ${name}`,
    before: entry(from),
    after: entry(to),
    where,
    ...(refusedBy !== undefined && { refusedBy }),
  });
  const old = (auth: AuthRules) => where(auth) && texts(auth);
  return [
    line("added at one's own level", undefined, 50),
    {
      name: `${map}: the name of a method removed`,
      before: { [map]: { ...own, constructor: 1 } },
      after: {},
      where,
    },
    line("removed from one's own level", 50, undefined),
    line('kept above', 51, 51),
    line('added above', undefined, 51, 'power_levels.entry_new'),
    line('raised above', 50, 51, 'power_levels.entry_new'),
    line('lowered from above', 51, 50, 'power_levels.entry_current'),
    line('removed from above', 51, undefined, 'power_levels.entry_current'),
    { ...line('made no level', 1, 'x', 'power_levels.entry_new'), where: old },
    { ...line('made a level again', 'x', 1), where: old },
  ];
}

export const powerLevelCases: AuthCase[] = [
  ...shapeCases,
  ...moves.map(move),
  refused('required_level', 'by a member without the level', (r) =>
    set(ruled(r).joinedBy(bob), bob, levels(r, {})),
  ),
  allowed(
    'anything by a creator',
    (r) => set(ruled(r, { [bob.id]: 1000 }, { ban: 1000 }), alice, { users: { [bob.id]: 2000 }, ban: 0 }),
    privileged,
  ),
  refused(
    'power_levels.user_current',
    'an equal lowered by the creator',
    (r) => set(ruled(r, { [bob.id]: 100 }), alice, levels(r, { [bob.id]: 0 })),
    (auth) => !auth.privilegedCreators,
  ),
];
