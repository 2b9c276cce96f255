import { describe, expect, test } from 'vitest';
import {
  checkAuthEvents,
  ruleNumbers,
  type RuleName,
  type Verdict,
} from '../../../src/protocol/auth-rules/index.js';
import type { RoomEvent } from '../../../src/protocol/events.js';
import { ROOM_VERSIONS, type RoomVersion } from '../../../src/protocol/room-versions.js';
import { alice, aRoom, bob, carol, type TestRoom } from '../../support/room.js';
import { join, member, message } from './cases/case.js';

const never = () => false;

/** The room's events that an event names. */
function named(room: TestRoom, event: RoomEvent): RoomEvent[] {
  return event.authEvents
    .map((id) => room.timeline.find(({ eventId }) => eventId === id))
    .filter((e) => e !== undefined);
}

describe.each([...ROOM_VERSIONS.values()])('the auth events in room version $id', (version: RoomVersion) => {
  const room = aRoom(version).createdBy(alice).powerLevels({}).joinRule('public').joinedBy(bob);
  const create = room.get('m.room.create');
  const event = room.event(message(bob));
  const list = named(room, event);
  const refusal = (name: RuleName): Verdict => ({
    allowed: false,
    rule: ruleNumbers(version).get(name) ?? '',
    reason: expect.stringMatching(/\.$/) as string,
  });
  if (create === undefined) throw new Error('The room has a create event.');

  test('those that the selection gives', () => {
    expect(list.length).toBe(version.auth.createInAuthEvents ? 3 : 2);
    expect(checkAuthEvents(event, version, list, never)).toEqual({ allowed: true });
  });

  test('fewer, as long as the create event is there', () => {
    const fewer = version.auth.createInAuthEvents ? [create] : [];
    expect(checkAuthEvents(event, version, fewer, never)).toEqual({ allowed: true });
  });

  test('those of a membership', () => {
    for (const draft of [join(bob), member(alice, carol, 'invite'), member(alice, bob, 'leave')]) {
      const sent = room.event(draft);
      expect(checkAuthEvents(sent, version, named(room, sent), never)).toEqual({ allowed: true });
    }
  });

  test('one of them twice', () => {
    expect(checkAuthEvents(event, version, [...list, ...list.slice(-1)], never)).toEqual(
      refusal('auth_events.duplicate'),
    );
  });

  test('two for one key', () => {
    const older = room.event(join(bob));
    expect(checkAuthEvents(event, version, [...list, older], never)).toEqual(
      refusal('auth_events.duplicate'),
    );
  });

  test.each([
    ['a member who has no part in it', room.event(join(carol))],
    ['the join rules, for a message', room.get('m.room.join_rules')],
    ['a message', room.event(message(alice))],
    ['a membership without a state key', room.event({ type: 'm.room.member', sender: bob })],
    ['power levels under a key', room.event({ type: 'm.room.power_levels', sender: alice, stateKey: 'x' })],
  ])('%s', (_, stranger) => {
    if (stranger === undefined) throw new Error('The room has this event.');
    expect(checkAuthEvents(event, version, [...list, stranger], never)).toEqual(
      refusal('auth_events.unexpected'),
    );
  });

  test('one that was rejected', () => {
    const rejected = list.at(-1)?.eventId;
    expect(checkAuthEvents(event, version, list, (id) => id === rejected)).toEqual(
      refusal('auth_events.rejected'),
    );
  });

  test('one of another room', () => {
    const elsewhere = aRoom(version, 'elsewhere').createdBy(bob);
    const list = [
      elsewhere.get('m.room.member', bob.id),
      version.auth.createInAuthEvents ? create : undefined,
    ];
    const present = list.filter((one) => one !== undefined);
    expect(checkAuthEvents(event, version, present, never)).toEqual(refusal('auth_events.other_room'));
  });

  test.runIf(version.auth.createInAuthEvents)('no create event', () => {
    const rest = list.filter((one) => one !== create);
    expect(checkAuthEvents(event, version, rest, never)).toEqual(refusal('auth_events.no_create'));
  });

  test.runIf(!version.auth.createInAuthEvents)('the create event, where the room ID stands for it', () => {
    expect(checkAuthEvents(event, version, [...list, create], never)).toEqual(
      refusal('auth_events.unexpected'),
    );
  });

  test.runIf(!version.auth.createInAuthEvents)('a room whose create event was rejected', () => {
    expect(checkAuthEvents(event, version, list, (id) => id === create.eventId)).toEqual(refusal('room_id'));
  });

  test('several faults: the first in the order of the list', () => {
    const all = [...list, ...list, room.event(join(carol))];
    expect(checkAuthEvents(event, version, all, (id) => id === list[0]?.eventId)).toEqual(
      refusal('auth_events.duplicate'),
    );
  });

  test('a create event is not asked for any', () => {
    expect(checkAuthEvents(create, version, list, never)).toEqual({ allowed: true });
  });
});
