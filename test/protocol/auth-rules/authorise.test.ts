import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  authorise,
  ruleNumbers,
  type AuthState,
  type RuleName,
} from '../../../src/protocol/auth-rules/index.js';
import { ROOM_VERSIONS, type RoomVersion } from '../../../src/protocol/room-versions.js';
import { alice, aRoom, bob, carol } from '../../support/room.js';
import { join, member, message, type AuthCase } from './cases/case.js';
import { createCases } from './cases/create.js';
import { inviteCases, thirdPartyCases } from './cases/invite.js';
import { authoriserSignatureCases, joinCases } from './cases/join.js';
import { banCases, knockCases, leaveCases, memberCases } from './cases/leave.js';
import * as other from './cases/other.js';
import { powerLevelCases } from './cases/power-levels.js';

const TABLES: Record<string, readonly AuthCase[]> = {
  'a create event': createCases,
  'a room': other.roomCases,
  'm.federate': other.federateCases,
  aliases: other.aliasesCases,
  'a membership': memberCases,
  'an authoriser': authoriserSignatureCases,
  'a join': joinCases,
  'a third-party invitation': thirdPartyCases,
  'an invitation': inviteCases,
  'a leave': leaveCases,
  'a ban': banCases,
  'a knock': knockCases,
  'a sender': other.senderCases,
  'an offer to a third party': other.thirdPartyInviteCases,
  'a level': other.requiredLevelCases,
  'a state key': other.stateKeyCases,
  'power levels': powerLevelCases,
  'a redaction': other.redactionCases,
};

const everyCase = Object.values(TABLES).flat();
const applies = (one: AuthCase, version: RoomVersion) => one.where?.(version.auth) ?? true;
const versions = [...ROOM_VERSIONS.values()];

describe.each(versions)('room version $id', (version) => {
  describe.each(Object.entries(TABLES))('%s', (_, table) => {
    const lines = table.filter((one) => applies(one, version));
    test.each(lines)('$name ($refusedBy)', ({ event, refusedBy, options }) => {
      const room = aRoom(version);
      const sent = event(room);
      const verdict = authorise(sent, version, room.state, options);
      if (refusedBy === undefined) {
        expect(verdict).toEqual({ allowed: true });
        return;
      }
      const rule = ruleNumbers(version).get(refusedBy);
      expect(verdict).toEqual({
        allowed: false,
        rule,
        reason: expect.stringMatching(/^["\w@].*\.$/) as string,
      });
    });
  });

  test('every rule has refused something', () => {
    const refusals = everyCase.filter((one) => applies(one, version)).map((one) => one.refusedBy);
    // The rules on the list of auth events are those of checkAuthEvents, with a table of their own.
    const expected = [...ruleNumbers(version).keys()].filter((name) => !name.startsWith('auth_events.'));
    const listed = refusals.filter((name): name is RuleName => name?.startsWith('auth_events.') === false);
    expect(new Set(listed)).toEqual(new Set(expected));
  });

  test('no state of other types changes a verdict', () => {
    const lines = everyCase.filter((one) => applies(one, version));
    const type = fc.constantFrom(
      'm.room.name',
      'm.room.topic',
      'm.room.encryption',
      'org.example.constructor',
    );
    const additions = fc.array(fc.tuple(type, fc.string()), { maxLength: 5 });
    fc.assert(
      fc.property(fc.constantFrom(...lines), additions, ({ event, options }, more) => {
        const room = aRoom(version);
        const sent = event(room);
        const before = authorise(sent, version, room.state, options);
        for (const [unrelated, key] of more) {
          if (room.timeline.length > 0)
            room.setState(alice, unrelated, { join_rule: 'public', users: {} }, key);
        }
        expect(authorise(sent, version, room.state, options)).toEqual(before);
      }),
      { numRuns: 200 },
    );
  });

  test('nothing is looked up but what the rules name', () => {
    const room = aRoom(version).createdBy(alice).joinedBy(bob);
    const asked: string[] = [];
    const state: AuthState = {
      get: (type, key) => {
        asked.push(type);
        return room.get(type, key);
      },
    };
    expect(authorise(room.event(message(bob)), version, state)).toEqual({ allowed: true });
    expect(asked).toEqual(['m.room.create', 'm.room.member', 'm.room.power_levels']);
  });
});

test('the same refusal has different numbers in different versions', () => {
  const numbers = versions.map((version) => {
    const room = aRoom(version).createdBy(alice).banned(carol);
    const verdict = authorise(room.event(member(alice, carol, 'invite')), version, room.state);
    return verdict.allowed ? 'allowed' : verdict.rule;
  });
  const before8 = ['5.3.3', '5.3.3', '5.3.3', '5.3.3', '5.3.3', '4.3.3', '4.3.3'];
  expect(numbers).toEqual([...before8, '4.4.3', '4.4.3', '4.4.3', '4.4.3', '5.4.3']);
});

test('reasons quote no content of unbounded length', () => {
  const version = aRoom('11').version;
  const room = aRoom(version)
    .createdBy(alice)
    .powerLevels({ users: { [alice.id]: 100 } });
  const long = 'x'.repeat(10_000);
  for (const sent of [
    room.event(member(alice, bob, long)),
    room.event(join(bob, { join_authorised_via_users_server: long })),
    room.event({
      type: 'm.room.power_levels',
      sender: alice,
      stateKey: '',
      content: { events: { [long]: 101 } },
    }),
  ]) {
    const verdict = authorise(sent, version, room.state);
    expect(verdict.allowed).toBe(false);
    expect(JSON.stringify(verdict).length).toBeLessThan(400);
  }
});
