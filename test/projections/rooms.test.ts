import { afterEach, beforeEach, expect, test } from 'vitest';
import { ban, invite, joinRoom, leave } from '../../src/commands/membership.js';
import { redactEvent, sendEvent } from '../../src/commands/room-send.js';
import { membershipsProjection } from '../../projections/memberships.js';
import { roomStateProjection } from '../../projections/room-state.js';
import { roomSummariesProjection } from '../../projections/room-summaries.js';
import { timelinesProjection } from '../../projections/timelines.js';
import { parseStateKeyText } from '../../src/protocol/events.js';
import {
  memberships,
  roomState,
  roomSummaries,
  stateRoots,
  timeline,
} from '../../src/read-models/collections.js';
import { entries } from '../../src/room-state/trie.js';
import { folded } from '../support/folded.js';
import { World } from '../support/world.js';

let world: World;
let alice: string;
let bob: string;

beforeEach(async () => {
  world = await World.open();
  alice = await world.user('alice');
  bob = await world.user('bob');
});

afterEach(async () => {
  await world.close();
});

const redact = (userId: string, roomId: string, target: string) =>
  redactEvent(
    world.side,
    { userId, deviceId: 'PHONE' },
    roomId,
    { target, content: { reason: 'Rude' }, transactionId: `redact ${target}` },
    world.context(),
  );

/** A room in whose state everything has happened that one server alone can make happen. */
async function livelyRoom(version: string): Promise<string> {
  const roomId = await world.room(alice, {
    room_version: version,
    preset: 'public_chat',
    name: 'The Pub',
    topic: 'Beer',
    invite: [bob],
  });
  const carol = await world.user(`carol${version}`);
  await joinRoom(world.side, bob, roomId, {}, world.context());
  await joinRoom(world.side, carol, roomId, {}, world.context());
  await redact(bob, roomId, await world.says(bob, roomId, 'Rude words'));
  await redact(alice, roomId, await world.sets(alice, roomId, 'm.room.topic', { topic: 'Rude topic' }));
  await world.sets(alice, roomId, 'm.room.name', { name: 'The Inn' });
  await ban(world.side, alice, roomId, carol, {}, world.context());
  await leave(world.side, bob, roomId, {}, world.context());
  await invite(world.side, alice, roomId, bob, {}, world.context());
  return roomId;
}

test.each(['1', '10', '11', '12'])(
  'what the write side records of a room of version %s is shown',
  async (version) => {
    const roomId = await livelyRoom(version);
    const records = await world.records();

    const state = await folded(roomStateProjection, records);
    const root = state.of(stateRoots).at(-1)?.root ?? '';
    const trie = [...entries(world.ports.reader, root)].map(([key, eventId]) => {
      const { type, stateKey } = parseStateKeyText(key);
      return `${type} ${stateKey} ${eventId}`;
    });
    expect(state.of(roomState).map((d) => `${d.type} ${d.state_key} ${d.event_id}`).sort()).toEqual(trie.sort()); // prettier-ignore
    for (const { type, state_key, json } of state.of(roomState)) {
      if (type === 'm.room.topic') continue; // The write side has it as it was; here it is redacted.
      expect((JSON.parse(json) as { content: unknown }).content).toEqual(
        await world.state(roomId, type, state_key),
      );
    }

    const events = (await folded(timelinesProjection, records)).of(timeline);
    expect(events).toHaveLength(records.filter(({ type }) => type === 'room.event.accepted').length);
    expect(events.at(-1)?.current_root).toBe(root);
    expect(JSON.stringify(events)).not.toMatch(/Rude (words|topic)/);
    expect(events.filter(({ redacted_by }) => redacted_by !== undefined)).toHaveLength(2);

    const summaries = (await folded(roomSummariesProjection, records)).of(roomSummaries);
    expect(summaries).toMatchObject([{ room_id: roomId, version, name: 'The Inn', joined: 1, invited: 1, creator: alice }]); // prettier-ignore
    expect(summaries[0]).not.toHaveProperty('topic');

    const members = (await folded(membershipsProjection, records)).of(memberships);
    expect(members.map(({ membership }) => membership)).toEqual(['join', 'invite', 'ban']);
    const stripped = members[1]?.stripped_state ?? '';
    expect(stripped).toContain('"m.room.create"');
    expect(stripped).toContain('The Inn');
    expect(stripped).not.toContain('Rude');
  },
);

test('a room too large for one append has its events in order, at one position', async () => {
  const types = Array.from({ length: 40 }, (_, i) => `org.example.${String(i).padStart(2, '0')}`);
  await world.room(alice, {
    initial_state: types.map((type) => ({ type, content: { text: 'x'.repeat(40_000) } })),
  });
  const events = (await folded(timelinesProjection, await world.records())).of(timeline);
  expect(new Set(events.map(({ position }) => position)).size).toBe(1);
  expect(events.map(({ type }) => type).filter((type) => types.includes(type))).toEqual(types);
});

test('a redaction that a client sends as an event with its target in the content takes effect', async () => {
  const roomId = await world.room(alice, { room_version: '12' });
  const target = await world.says(alice, roomId, 'Rude words');
  const redaction = { type: 'm.room.redaction', content: { redacts: target }, transactionId: 't' };
  await sendEvent(world.side, { userId: alice, deviceId: 'PHONE' }, roomId, redaction, world.context());
  const events = (await folded(timelinesProjection, await world.records())).of(timeline);
  expect(JSON.stringify(events)).not.toContain('Rude words');
});
