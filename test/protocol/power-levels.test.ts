import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  canRedact,
  canSend,
  notificationLevel,
  powerLevels,
  readLevel,
  requiredLevel,
  roomCreators,
  userLevel,
} from '../../src/protocol/power-levels.js';
import type { JsonObject } from '../../src/protocol/json.js';
import { ROOM_VERSIONS, type RoomVersion } from '../../src/protocol/room-versions.js';
import { alice, aRoom, bob, carol } from '../support/room.js';

const versions = [...ROOM_VERSIONS.values()];
const floats = (version: RoomVersion) => Number(version.id) <= 5;
const texts = (version: RoomVersion) => Number(version.id) <= 9;

function levelsOf(version: RoomVersion, content?: JsonObject, createContent: JsonObject = {}) {
  const room = aRoom(version).createdBy(alice, createContent);
  if (content !== undefined) room.powerLevels(content);
  return powerLevels(room.get('m.room.power_levels'), room.get('m.room.create'), version);
}

describe.each(versions)('one level in room version $id', (version) => {
  test.each([0, 50, -50, 2 ** 53 - 1, -(2 ** 53 - 1)])('%d', (level) => {
    expect(readLevel(level, version)).toBe(level);
  });

  test.each([
    ['100', 100],
    ['000100', 100],
    ['+100', 100],
    ['-100', -100],
    [' 100 ', 100],
    ['\t00100\n', 100],
    [' +100 ', 100],
    ['-0', 0],
  ])('the text %j, up to version 9', (text, level) => {
    expect(readLevel(text, version)).toBe(texts(version) ? level : undefined);
  });

  test.each([
    [51146.98, 51146],
    [-50.57, -50],
    [-0.5, 0],
    [2 ** 60, 2 ** 60],
  ])('the number %d, up to version 5', (number, level) => {
    expect(readLevel(number, version)).toBe(floats(version) ? level : undefined);
  });

  test.each(['', ' ', '+', 'x', '1.0', '1e3', '0x1', '1 1', '+-1', '1_000', 'Infinity', '9'.repeat(400)])(
    'not %j',
    (text) => {
      expect(readLevel(text, version)).toBeUndefined();
    },
  );

  test.each([NaN, Infinity, -Infinity, true, false, null, undefined, [], [1], {}])('not %j', (value) => {
    expect(readLevel(value, version)).toBeUndefined();
  });

  test('any integer, as a number or as text', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (level) => {
        expect(readLevel(level, version)).toBe(level + 0);
        expect(readLevel(` ${level} `, version)).toBe(texts(version) ? level + 0 : undefined);
      }),
    );
  });
});

describe.each(versions)('the levels of a room of version $id', (version) => {
  const { privilegedCreators, creatorInContent } = version.auth;

  test('without m.room.power_levels', () => {
    const levels = levelsOf(version);
    expect(userLevel(levels, alice.id)).toBe(privilegedCreators ? Infinity : 100);
    expect(userLevel(levels, bob.id)).toBe(0);
    expect(levels).toMatchObject({ ban: 50, kick: 50, redact: 50, invite: 0 });
    expect(requiredLevel(levels, 'm.room.message', false)).toBe(0);
    expect(requiredLevel(levels, 'm.room.name', true)).toBe(50);
    expect(notificationLevel(levels, 'room')).toBe(50);
  });

  test('without any event', () => {
    expect(userLevel(powerLevels(undefined, undefined, version), alice.id)).toBe(0);
  });

  test('with an empty one, the creator has no level of their own, unless creators are privileged', () => {
    const levels = levelsOf(version, {});
    expect(userLevel(levels, alice.id)).toBe(privilegedCreators ? Infinity : 0);
    expect(levels).toMatchObject({
      ban: 50,
      kick: 50,
      redact: 50,
      invite: 0,
      stateDefault: 50,
      eventsDefault: 0,
    });
  });

  test('with everything stated', () => {
    const levels = levelsOf(version, {
      users: { [bob.id]: 20 },
      users_default: 5,
      events: { 'm.room.name': 30, 'm.room.message': 10 },
      events_default: 1,
      state_default: 40,
      ban: 61,
      kick: 62,
      invite: 63,
      redact: 20,
      notifications: { room: 7 },
    });
    expect(userLevel(levels, bob.id)).toBe(20);
    expect(userLevel(levels, carol.id)).toBe(5);
    expect(levels).toMatchObject({ ban: 61, kick: 62, invite: 63, redact: 20 });
    expect(requiredLevel(levels, 'm.room.name', true)).toBe(30);
    expect(requiredLevel(levels, 'm.room.message', false)).toBe(10);
    expect(requiredLevel(levels, 'm.reaction', false)).toBe(1);
    expect(requiredLevel(levels, 'm.room.topic', true)).toBe(40);
    expect(notificationLevel(levels, 'room')).toBe(7);
    expect(notificationLevel(levels, 'other')).toBe(50);
    expect([canRedact(levels, bob.id), canRedact(levels, carol.id)]).toEqual([true, false]);
    expect(canSend(levels, bob.id, 'm.room.message', false)).toBe(true);
    expect(canSend(levels, bob.id, 'm.room.name', true)).toBe(false);
  });

  test('what is no level counts as absent', () => {
    const levels = levelsOf(version, { users: { [bob.id]: 'x' }, events: 7, ban: null, notifications: [1] });
    expect(userLevel(levels, bob.id)).toBe(0);
    expect(levels.ban).toBe(50);
    expect(levels.events.size + levels.notifications.size).toBe(0);
  });

  test('names of methods are not levels', () => {
    const levels = levelsOf(version, { users: {}, events: {}, notifications: {} });
    expect(requiredLevel(levels, 'constructor', true)).toBe(50);
    expect(notificationLevel(levels, 'toString')).toBe(50);
    expect(userLevel(levels, '__proto__')).toBe(0);
  });

  test('creators', () => {
    const create = aRoom(version).begunBy(alice, {
      creator: bob.id,
      additional_creators: [carol.id, 7],
    }).last;
    const expected = creatorInContent ? [bob.id] : privilegedCreators ? [alice.id, carol.id] : [alice.id];
    expect(roomCreators(create, version)).toEqual(expected);
    const levels = powerLevels(undefined, create, version);
    for (const id of expected) expect(userLevel(levels, id)).toBe(privilegedCreators ? Infinity : 100);
  });

  test('is read once per event', () => {
    const room = aRoom(version).createdBy(alice).powerLevels({ ban: 7 });
    const [event, create] = [room.get('m.room.power_levels'), room.get('m.room.create')];
    expect(powerLevels(event, create, version)).toBe(powerLevels(event, create, version));
    expect(powerLevels(undefined, create, version)).toBe(powerLevels(undefined, create, version));
    expect(powerLevels(event, create, version).ban).toBe(7);
  });
});

test('what is remembered is not mixed up between versions or create events', () => {
  const [older, newer] = [versions[0], versions[11]];
  if (older === undefined || newer === undefined) throw new Error('There are twelve versions.');
  const event = aRoom(older).createdBy(alice).powerLevels({ ban: '7' }).last;
  expect(powerLevels(event, undefined, older).ban).toBe(7);
  expect(powerLevels(event, undefined, newer).ban).toBe(50);
  const create = (who: typeof alice) => aRoom(newer, who.id).begunBy(who).last;
  expect(userLevel(powerLevels(event, create(alice), newer), alice.id)).toBe(Infinity);
  expect(userLevel(powerLevels(event, create(bob), newer), alice.id)).toBe(0);
});
