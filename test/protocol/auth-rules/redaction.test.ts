import { describe, expect, test } from 'vitest';
import { redactionAllowed } from '../../../src/protocol/auth-rules/index.js';
import { powerLevels } from '../../../src/protocol/power-levels.js';
import { ROOM_VERSIONS } from '../../../src/protocol/room-versions.js';
import { alice, aRoom, bob, carol, dave, type Person } from '../../support/room.js';
import { message, ruled } from './cases/case.js';

const byServer = [...ROOM_VERSIONS.values()].filter(({ auth }) => !auth.redactions);
const onArrival = [...ROOM_VERSIONS.values()].filter(({ auth }) => auth.redactions);

describe.each([...ROOM_VERSIONS.values()])('handling redactions in room version $id', (version) => {
  const room = ruled(aRoom(version), { [bob.id]: 50, [dave.id]: 49 })
    .joinedBy(bob, carol, dave)
    .says(carol, 'Hello');
  const target = room.last;
  const levels = powerLevels(room.get('m.room.power_levels'), room.get('m.room.create'), version);
  const redact = (sender: Person) =>
    room.event({ type: 'm.room.redaction', sender, redacts: target.eventId });
  const other = aRoom(version, 'elsewhere').createdBy(alice);

  test('with the level to redact', () => {
    expect(redactionAllowed(redact(bob), target, version, levels)).toBe(true);
    expect(redactionAllowed(redact(alice), target, version, levels)).toBe(true);
  });

  test("by somebody of the sender's server", () => {
    expect(redactionAllowed(redact(carol), target, version, levels)).toBe(true);
    expect(redactionAllowed(redact(dave), target, version, levels)).toBe(true);
  });

  test('another event than the one it names, or one of another room', () => {
    expect(redactionAllowed(redact(bob), room.event(message(carol)), version, levels)).toBe(false);
    const stranger = { ...target, roomId: other.roomId };
    expect(redactionAllowed(redact(bob), stranger, version, levels)).toBe(false);
  });
});

/** The target is carol's, of another server than bob, who has not the level. */
function lowly(version: (typeof byServer)[number]): boolean {
  const room = ruled(aRoom(version), { [bob.id]: 49 })
    .joinedBy(bob, carol)
    .says(carol, 'Hello');
  const levels = powerLevels(room.get('m.room.power_levels'), room.get('m.room.create'), version);
  const redaction = room.event({ type: 'm.room.redaction', sender: bob, redacts: room.last.eventId });
  return redactionAllowed(redaction, room.last, version, levels);
}

test.each(byServer)('version $id: below the level, of another server', (version) => {
  expect(lowly(version)).toBe(false);
});

test.each(onArrival)('version $id: decided by the rules on arrival', (version) => {
  expect(lowly(version)).toBe(true);
});
