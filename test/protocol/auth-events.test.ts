import { describe, expect, test } from 'vitest';
import { authEventKeys } from '../../src/protocol/auth-events.js';
import type { JsonObject } from '../../src/protocol/json.js';
import { ROOM_VERSIONS } from '../../src/protocol/room-versions.js';
import { alice, bob, carol, type Person } from '../support/room.js';

const POWER = 'm.room.power_levels|';
const RULES = 'm.room.join_rules|';
const ALICE = `m.room.member|${alice.id}`;
const BOB = `m.room.member|${bob.id}`;
const CAROL = `m.room.member|${carol.id}`;

function member(target: Person, membership: string, more: JsonObject = {}) {
  return { type: 'm.room.member', sender: alice.id, stateKey: target.id, content: { membership, ...more } };
}

const signed = { third_party_invite: { signed: { token: 'abc', mxid: bob.id } } };
const authoriser = { join_authorised_via_users_server: carol.id };

/** Selected beside the create event; `restricted` = in versions with restricted joins. */
const TABLE = [
  [
    'a message',
    { type: 'm.room.message', sender: alice.id, stateKey: undefined, content: {} },
    [POWER, ALICE],
  ],
  ['other state', { type: 'm.room.name', sender: alice.id, stateKey: '', content: {} }, [POWER, ALICE]],
  ['a membership without a state key', { ...member(alice, 'join'), stateKey: undefined }, [POWER, ALICE]],
  ['a join', member(alice, 'join'), [POWER, ALICE, RULES]],
  ['an invitation', member(bob, 'invite'), [POWER, ALICE, BOB, RULES]],
  ['a knock', member(alice, 'knock'), [POWER, ALICE, RULES]],
  ['a leave', member(alice, 'leave'), [POWER, ALICE]],
  ['a kick', member(bob, 'leave'), [POWER, ALICE, BOB]],
  ['a ban', member(bob, 'ban'), [POWER, ALICE, BOB]],
  [
    'a third-party invitation',
    member(bob, 'invite', signed),
    [POWER, ALICE, BOB, RULES, 'm.room.third_party_invite|abc'],
  ],
  ['a join with a third-party part', member(alice, 'join', signed), [POWER, ALICE, RULES]],
  [
    'a token that is no text',
    member(bob, 'invite', { third_party_invite: { signed: { token: 1 } } }),
    [POWER, ALICE, BOB, RULES],
  ],
  [
    'a third-party part that is null',
    member(bob, 'invite', { third_party_invite: null }),
    [POWER, ALICE, BOB, RULES],
  ],
  ['a leave with an authoriser', member(alice, 'leave', authoriser), [POWER, ALICE]],
  [
    'an authoriser that is no text',
    member(alice, 'join', { join_authorised_via_users_server: 1 }),
    [POWER, ALICE, RULES],
  ],
  [
    'an authoriser who is the sender',
    member(alice, 'join', { join_authorised_via_users_server: alice.id }),
    [POWER, ALICE, RULES],
  ],
] as const;

describe.each([...ROOM_VERSIONS.values()])('auth events in room version $id', (version) => {
  const select = (event: Parameters<typeof authEventKeys>[0]) =>
    authEventKeys(event, version).map(({ type, stateKey }) => `${type}|${stateKey}`);
  const create = Number(version.id) < 12 ? ['m.room.create|'] : [];

  test.each(TABLE)('%s', (_, event, expected) => {
    expect(select(event).sort()).toEqual([...create, ...expected].sort());
  });

  test('an authorised join', () => {
    const known = Number(version.id) >= 8 ? [CAROL] : [];
    expect(select(member(alice, 'join', authoriser)).sort()).toEqual(
      [...create, POWER, ALICE, RULES, ...known].sort(),
    );
  });

  test('none for the create event', () => {
    expect(select({ type: 'm.room.create', sender: alice.id, stateKey: '', content: {} })).toEqual([]);
  });
});
