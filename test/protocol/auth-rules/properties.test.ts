import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { authorise, checkAuthEvents } from '../../../src/protocol/auth-rules/index.js';
import type { RoomEvent } from '../../../src/protocol/events.js';
import type { JsonObject } from '../../../src/protocol/json.js';
import { powerLevels, userLevel } from '../../../src/protocol/power-levels.js';
import { ROOM_VERSIONS } from '../../../src/protocol/room-versions.js';
import { alice, aRoom, bob, carol, dave, erin, type TestRoom } from '../../support/room.js';
import { join, levels, member, message, state } from './cases/case.js';

const people = [alice, bob, carol, dave];

/** A room as people use it, every event of which the rules allow. */
function story(room: TestRoom): TestRoom {
  const { knock } = room.version.auth;
  room
    .createdBy(alice)
    .powerLevels(levels(room, { [bob.id]: 50 }))
    .joinRule('invite')
    .historyVisibility('shared');
  room.invited(bob).joinedBy(bob).says(bob, 'Hello').invited(carol, bob).joinedBy(carol);
  room.membership(bob, carol, 'leave').banned(carol, bob).membership(bob, carol, 'leave');
  if (knock) room.joinRule('knock').knockedBy(dave).invited(dave, bob).joinedBy(dave);
  return room.setState(bob, 'm.room.name', { name: 'Room' }).joinRule('public').joinedBy(erin).leftBy(bob);
}

const power = fc.integer({ min: -1, max: 4 }).map((step) => step * 25);
const some = (keys: string[]) => fc.dictionary(fc.constantFrom(...keys), power, { maxKeys: 3 });
const contents = fc.record(
  {
    ban: power,
    kick: power,
    users_default: power,
    events: some(['m.room.name', 'm.room.topic']),
    notifications: some(['room', 'other']),
    users: some([bob.id, carol.id, dave.id]),
  },
  { requiredKeys: [] },
);

/** Every level that a content states, by where it stands. */
function stated(content: JsonObject, guarded: readonly string[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const [key, value] of Object.entries(content)) {
    if (typeof value === 'number') found.set(key, value);
    else if (guarded.includes(key)) {
      for (const [entry, level] of Object.entries(value as JsonObject))
        found.set(`${key} ${entry}`, Number(level));
    }
  }
  return found;
}

describe.each([...ROOM_VERSIONS.values()])('room version $id', (version) => {
  test('a story that follows the rules is allowed, event by event', () => {
    const told = story(aRoom(version));
    const room = aRoom(version);
    const known = new Map<string, RoomEvent>();
    for (const event of told.timeline) {
      const named = event.authEvents.map((id) => known.get(id)).filter((one) => one !== undefined);
      expect(named).toHaveLength(event.authEvents.length);
      expect(checkAuthEvents(event, version, named, () => false)).toEqual({ allowed: true });
      expect(authorise(event, version, room.state)).toEqual({ allowed: true });
      known.set(event.eventId, event);
      room.add(event);
    }
  });

  test('the state that the auth events make gives the verdict of the whole state', () => {
    const membership = fc.constantFrom('join', 'invite', 'leave', 'ban', 'knock');
    const who = fc.constantFrom(...people);
    const draft = fc.oneof(
      fc.tuple(who, who, membership).map(([sender, target, value]) => member(sender, target, value)),
      who.map(message),
      who.map((sender) => state(sender, 'm.room.topic')),
      who.map((sender) => join(sender)),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(who, who, membership), { maxLength: 6 }),
        contents,
        draft,
        (past, content, next) => {
          const room = aRoom(version).createdBy(alice).powerLevels(content).joinRule('knock');
          for (const [sender, target, value] of past) room.membership(sender, target, value);
          const event = room.event(next);
          const auth = room.timeline.filter(({ eventId }) => event.authEvents.includes(eventId));
          const found = new Map(auth.map((one) => [`${one.type} ${one.stateKey ?? ''}`, one]));
          const get = (type: string, key: string) =>
            type === 'm.room.create' ? room.get(type) : found.get(`${type} ${key}`);
          expect(authorise(event, version, { get })).toEqual(authorise(event, version, room.state));
        },
      ),
    );
  });

  test('nobody reaches beyond their own level by m.room.power_levels', () => {
    const guarded = ['events', 'users', ...(version.auth.guardNotifications ? ['notifications'] : [])];
    const free = { events: { 'm.room.power_levels': -25 } };
    let allowed = 0;
    fc.assert(
      fc.property(contents, contents, (before, after) => {
        const room = aRoom(version)
          .createdBy(alice)
          .powerLevels({ ...before, events: { ...before.events, ...free.events } })
          .joinedBy(bob);
        const event = room.event(
          state(bob, 'm.room.power_levels', { ...after, events: { ...after.events, ...free.events } }),
        );
        if (!authorise(event, version, room.state).allowed) return;
        allowed += 1;
        const current = room.get('m.room.power_levels');
        const own = userLevel(powerLevels(current, room.get('m.room.create'), version), bob.id);
        const [old, now] = [stated(current?.content ?? {}, guarded), stated(event.content, guarded)];
        for (const place of new Set([...old.keys(), ...now.keys()])) {
          if (old.get(place) === now.get(place)) continue;
          expect(old.get(place) ?? own).toBeLessThanOrEqual(own);
          expect(now.get(place) ?? own).toBeLessThanOrEqual(own);
          const others = place.startsWith('users ') && place !== `users ${bob.id}`;
          if (others && old.has(place)) expect(old.get(place)).toBeLessThan(own);
        }
      }),
      { numRuns: 1000 },
    );
    expect(allowed).toBeGreaterThan(20);
  });
});
