import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditError } from '../../src/audit/errors.js';
import { parsePoint } from '../../src/audit/points.js';
import { auditPorts } from '../../src/audit/replay.js';
import { locate, stateEvents } from '../../src/audit/state-at.js';
import { stateChanges } from '../../src/audit/state-diff.js';
import { why } from '../../src/audit/why.js';
import type { RoomPorts } from '../../src/commands/room/room-session.js';
import { LmdbRoomState } from '../../src/room-state/lmdb.js';
import { temporaryFolder } from '../support/folder.js';
import { ALICE, BOB, CAROL, forkedRoom, type ForkedRoom } from '../support/forked-room.js';
import { SERVER, World } from '../support/world.js';

let world: World;
let room: ForkedRoom;
const opened: LmdbRoomState[] = [];
const folder = temporaryFolder();

beforeAll(async () => {
  world = await World.open();
  room = await forkedRoom(world.side, () => world.context());
});
afterAll(async () => {
  for (const scratch of opened) await scratch.close();
  folder.remove();
  await world.close();
});

/** Each question starts from nothing, as each call of the program does. */
function ports(): RoomPorts {
  const scratch = new LmdbRoomState(`${folder.path}/${opened.length}`, (error) => {
    throw error;
  });
  opened.push(scratch);
  return auditPorts(world.log, scratch, SERVER);
}

const currentRoot = () => world.roomState.snapshot(room.roomId)?.graph?.root;
const place = (id: string) => {
  const found = world.roomState.place(room.roomId, id);
  if (found === undefined) throw new Error(`${id} is not there`);
  return found;
};

describe('the state of a room', () => {
  it('is the one that the server has', async () => {
    const { session, located } = await locate(ports(), room.roomId, [undefined]);
    expect(located[0]?.root).toBe(currentRoot());
    const events = await stateEvents(session, located[0]?.root ?? '');
    expect(events.find(({ state_key }) => state_key === CAROL)).toMatchObject({
      type: 'm.room.member',
      sender: ALICE,
      event_id: room.ban,
      standing: 'accepted',
      content: { membership: 'ban' },
    });
    expect(events.map(({ type }) => type)).toEqual(events.map(({ type }) => type).sort());
  });

  it('is found at an event, a position and a time', async () => {
    const joined = place(room.bobJoined);
    const points = [
      { kind: 'event', eventId: room.merged },
      { kind: 'position', position: joined.position },
      { kind: 'time', time: 0 },
    ] as const;
    const { located } = await locate(ports(), room.roomId, points);
    expect(located.map(({ root }) => root)).toEqual([
      place(room.merged).stateAfter,
      joined.stateAfter,
      expect.any(String),
    ]);
    expect(located[2]?.position).toBe(-1);
    const record = (await world.records(`room-${room.roomId}`)).find(
      ({ position }) => position === joined.position,
    );
    const time = record?.metadata.received_at ?? 0;
    const atTime = await locate(ports(), room.roomId, [{ kind: 'time', time }]);
    expect(atTime.located[0]).toEqual(located[1]);
  });

  it('at a branch is that of the branch, not of the room', async () => {
    const { session, located } = await locate(ports(), room.roomId, [
      { kind: 'event', eventId: room.bobLevels },
    ]);
    const levels = (await stateEvents(session, located[0]?.root ?? '')).find(
      ({ type }) => type === 'm.room.power_levels',
    );
    expect(levels?.event_id).toBe(room.bobLevels);
  });

  it('is not told of what is not known', async () => {
    await expect(locate(ports(), '!none:one.example', [undefined])).rejects.toThrow(AuditError);
    await expect(locate(ports(), room.roomId, [{ kind: 'event', eventId: '$none' }])).rejects.toThrow(
      '$none',
    );
    await expect(why(ports(), room.roomId, '$none')).rejects.toThrow(AuditError);
  });
});

describe('what changed between two states', () => {
  it('names each key, what was there, what is there now, and who changed it', async () => {
    const points = [
      { kind: 'position', position: place(room.merged).position },
      { kind: 'position', position: place(room.last).position },
    ] as const;
    const { session, located } = await locate(ports(), room.roomId, points);
    const [from, to] = located;
    if (from === undefined || to === undefined) throw new Error('not located');
    const changes = await stateChanges(session, from, to);
    expect(changes).toHaveLength(1);
    expect(changes[0]).toMatchObject({
      type: 'm.room.member',
      state_key: CAROL,
      before: { sender: CAROL, content: { membership: 'join' } },
      after: { event_id: room.ban },
      by: { event: { sender: ALICE }, by_resolution: false, position: place(room.ban).position },
    });
    const back = await stateChanges(session, to, from);
    expect(back[0]).toMatchObject({ before: { event_id: room.ban }, after: { sender: CAROL } });
  });
});

describe('why', () => {
  it('an event was accepted: by which checks, on which auth events, and what it changed', async () => {
    const told = await why(ports(), room.roomId, room.ban);
    expect(told).toMatchObject({
      decision: 'accepted',
      rule: null,
      event: { sender: ALICE },
      checks: [
        { check: 'auth_events', allowed: true },
        { check: 'state_before', allowed: true },
        { check: 'current_state', allowed: true },
      ],
      changed: [{ type: 'm.room.member', state_key: CAROL, before: { sender: CAROL } }],
      changed_current: [{ state_key: CAROL }],
      resolutions: [],
    });
    expect(told.auth_events.map((event) => ('type' in event ? event.type : '')).sort()).toEqual([
      'm.room.create',
      'm.room.member',
      'm.room.member',
      'm.room.power_levels',
    ]);
    expect(told.state_before).not.toBe(told.state_after);
  });

  it('an event was soft-failed: only the current state refuses it', async () => {
    const told = await why(ports(), room.roomId, room.late);
    expect(told).toMatchObject({ decision: 'soft_failed', event: { sender: CAROL } });
    expect(told.checks.map(({ check, allowed }) => [check, allowed])).toEqual([
      ['auth_events', true],
      ['state_before', true],
      ['current_state', false],
    ]);
    expect(told.checks[2]).toMatchObject({ rule: told.rule, reason: told.reason });
    expect(told.changed_current).toEqual([]);
  });

  it('an event was rejected: by a rule with its number', async () => {
    const told = await why(ports(), room.roomId, room.rejected);
    expect(told).toMatchObject({ decision: 'rejected', rule: expect.stringMatching(/^\d/) as string });
    expect(told.checks[0]).toMatchObject({ allowed: false, rule: told.rule });
    expect(told.state_after).toBe(told.state_before);
  });

  it('state was resolved: what was in conflict, in which order it was decided, what won', async () => {
    const told = await why(ports(), room.roomId, room.bobLevels);
    expect(told.decision).toBe('accepted');
    expect(told.resolutions.map(({ of }) => of)).toEqual(['current_state']);
    const [resolution] = told.resolutions;
    const steps = resolution?.steps ?? [];
    const conflicted = steps.find((step) => step.step === 'conflicted');
    expect(conflicted?.keys).toEqual([
      { type: 'm.room.power_levels', stateKey: '', values: [room.aliceLevels, room.bobLevels] },
    ]);
    const ordered = steps.find((step) => step.step === 'ordered' && step.phase === 'power');
    // The more powerful sender first, so the other has the last word, if the rules still let him. Bob's join is
    // in the chain of one branch only.
    expect(ordered).toMatchObject({ events: [room.aliceLevels, room.bobJoined, room.bobLevels] });
    const resolved = steps.find(
      (step) => step.step === 'resolved' && step.key.type === 'm.room.power_levels',
    );
    if (resolved?.step !== 'resolved') throw new Error('not resolved');
    const { winner } = resolved;
    const { session, located } = await locate(ports(), room.roomId, [
      { kind: 'event', eventId: room.merged },
    ]);
    const levels = (await stateEvents(session, located[0]?.root ?? '')).find(
      ({ type }) => type === 'm.room.power_levels',
    );
    expect(winner).toBe(levels?.event_id);
    expect(resolution?.events.map(({ event_id }) => event_id)).toContain(room.aliceLevels);
    expect(steps.some((step) => step.step === 'refused')).toBe(winner === room.aliceLevels);
  });

  it('an event after both branches has a resolved state before it', async () => {
    const told = await why(ports(), room.roomId, room.merged);
    expect(told.resolutions.map(({ of }) => of)).toEqual(['state_before']);
    expect(told.resolutions[0]?.after).toEqual(told.prev_events.map(({ event_id }) => event_id));
    expect(told.prev_events).toHaveLength(2);
  });

  it('the room begins', async () => {
    const [first] = await world.records(`room-${room.roomId}`);
    if (first?.type !== 'room.event.accepted') throw new Error('no create event');
    const told = await why(ports(), room.roomId, first.data.event_id);
    expect(told).toMatchObject({ decision: 'accepted', auth_events: [], checks: [{ allowed: true }] });
    expect(told.changed_current).toHaveLength(1);
  });
});

describe('a point', () => {
  it.each([
    ['$event', { kind: 'event', eventId: '$event' }],
    ['17', { kind: 'position', position: 17 }],
    ['1700000000000', { kind: 'time', time: 1_700_000_000_000 }],
    ['2024-05-06', { kind: 'time', time: Date.UTC(2024, 4, 6) }],
    ['2024-05-06T07:08', { kind: 'time', time: Date.UTC(2024, 4, 6, 7, 8) }],
    ['2024-05-06T07:08:09.1+02:00', { kind: 'time', time: Date.UTC(2024, 4, 6, 5, 8, 9, 100) }],
    ['yesterday', undefined],
    ['-1', undefined],
    ['2024-13-01', undefined],
    ['99999999999999999999', undefined],
    [BOB, undefined],
  ] as const)('%s', (text, point) => {
    expect(parsePoint(text, 100)).toEqual(point);
  });
});
