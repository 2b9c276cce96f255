import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MissingGraphError, receiveEvent } from '../../src/commands/room/receive-event.js';
import { authEventKeys } from '../../src/protocol/auth-events.js';
import { buildEvent } from '../../src/protocol/event-format.js';
import type { RoomEvent } from '../../src/protocol/events.js';
import type { JsonObject } from '../../src/protocol/json.js';
import { generateSigningKey } from '../../src/protocol/keys.js';
import { roomVersion } from '../../src/protocol/room-versions.js';
import { seededRandom } from '../support/seeded-random.js';
import { World } from '../support/world.js';

const CAROL = '@carol:two.example';
const VERSION = roomVersion('11') ?? expect.unreachable();
const KEY = generateSigningKey((length) => seededRandom('two.example').bytes(length));

let world: World;
let alice: string;
let bob: string;
let roomId: string;

beforeEach(async () => {
  world = await World.open();
  alice = await world.user('alice');
  bob = await world.user('bob');
  roomId = await world.room(alice, { room_version: '11', preset: 'public_chat' }, [bob]);
  await receive(await remote({ type: 'm.room.member', stateKey: CAROL, content: { membership: 'join' } }));
});

afterEach(async () => {
  await world.close();
});

interface Draft {
  readonly type: string;
  readonly sender?: string;
  readonly stateKey?: string;
  readonly content: JsonObject;
  /** By default the room's front. */
  readonly prevEvents?: readonly string[];
  readonly authEvents?: readonly string[];
  /** The event whose state decides about the auth events; by default the first previous event. */
  readonly at?: string;
}

/** An event of another server, with the auth events that it would choose. */
async function remote(draft: Draft): Promise<RoomEvent> {
  const sender = draft.sender ?? CAROL;
  const { result } = await world.side.rooms.handle(`room-${roomId}`, world.context(), (room) => {
    const prevEvents = draft.prevEvents ?? room.graph.extremities;
    const places = prevEvents.map((id) => room.place(id));
    const root = room.place(draft.at ?? prevEvents[0] ?? '')?.stateAfter ?? room.graph.root;
    const keys = authEventKeys({ ...draft, sender, stateKey: draft.stateKey }, VERSION);
    const authEvents =
      draft.authEvents ?? keys.flatMap(({ type, stateKey }) => room.stateId(type, stateKey, root) ?? []);
    const depth = Math.max(0, ...places.map((place) => place?.depth ?? 0)) + 1;
    const event = buildEvent(
      {
        type: draft.type,
        sender,
        roomId,
        ...(draft.stateKey === undefined ? {} : { stateKey: draft.stateKey }),
        content: draft.content,
        prevEvents,
        authEvents,
        depth,
        originServerTs: world.clock.now(),
      },
      VERSION,
      { serverName: 'two.example', key: KEY },
    );
    return { records: [], result: event };
  });
  return result;
}

async function receive(event: RoomEvent): Promise<readonly string[]> {
  const done = await world.side.rooms.handle(`room-${roomId}`, world.context(), async (room) => {
    const records = await receiveEvent(room, { event, verifiedServers: new Set(['two.example']) });
    return { records, result: records.map((record) => record.type) };
  });
  return done.result;
}

const front = () => world.roomState.snapshot(roomId)?.graph?.extremities ?? [];

describe('receiving an event', () => {
  it('accepts it at the front of the room', async () => {
    const event = await remote({ type: 'm.room.message', content: { body: 'hello' } });
    expect(await receive(event)).toEqual(['room.event.accepted']);
    expect(front()).toEqual([event.eventId]);
    expect(await receive(event)).toEqual([]);
  });

  it('keeps both ends of a fork, and the next event of ours joins them', async () => {
    const [fork = ''] = front();
    const ours = await world.says(alice, roomId, 'ours');
    const theirs = await remote({ type: 'm.room.message', content: { body: 'theirs' }, prevEvents: [fork] });
    expect(await receive(theirs)).toEqual(['room.event.accepted']);
    expect(new Set(front())).toEqual(new Set([ours, theirs.eventId]));
    const joined = await world.says(alice, roomId, 'joined');
    expect(front()).toEqual([joined]);
    const record = (await world.recordsOf('room.event.accepted')).at(-1);
    expect(new Set(record?.data.event['prev_events'] as string[])).toEqual(new Set([ours, theirs.eventId]));
  });

  it('rejects what its own auth events do not allow, by the rule, and changes nothing', async () => {
    const topic = await remote({ type: 'm.room.topic', stateKey: '', content: { topic: 'mine now' } });
    expect(await receive(topic)).toEqual(['room.event.rejected']);
    const [record] = await world.recordsOf('room.event.rejected');
    expect(record?.data).toMatchObject({
      rule: expect.stringMatching(/^\d/) as string,
      state_after: record?.data.state_before,
    });
    expect(front()).not.toContain(topic.eventId);
    expect(await world.state(roomId, 'm.room.topic')).toBeUndefined();
  });

  it('rejects what builds on a rejected event among its auth events', async () => {
    const levels = await remote({
      type: 'm.room.power_levels',
      stateKey: '',
      content: { users: { [CAROL]: 100 } },
    });
    expect(await receive(levels)).toEqual(['room.event.rejected']);
    const [prev = ''] = front();
    const create = (await world.records(`room-${roomId}`))[0];
    const createId = create?.type === 'room.event.accepted' ? create.data.event_id : '';
    const member = world.side;
    expect(member).toBeDefined();
    const topic = await remote({
      type: 'm.room.topic',
      stateKey: '',
      content: { topic: 'mine' },
      prevEvents: [prev],
      authEvents: [createId, levels.eventId, prev],
    });
    expect(await receive(topic)).toEqual(['room.event.rejected']);
  });

  it('rejects a second create event, whether or not it builds on something', async () => {
    for (const prevEvents of [[], front()]) {
      const create = await remote({
        type: 'm.room.create',
        stateKey: '',
        content: {},
        prevEvents,
        authEvents: [],
      });
      expect(await receive(create)).toEqual(['room.event.rejected']);
    }
    expect(await world.state(roomId, 'm.room.create')).toMatchObject({ room_version: '11' });
  });

  it('soft-fails what is allowed where it stands, but not any more', async () => {
    const [before = ''] = front();
    await world.sets(alice, roomId, 'm.room.member', { membership: 'ban' }, CAROL);
    const late = await remote({ type: 'm.room.message', content: { body: 'evasion' }, prevEvents: [before] });
    expect(await receive(late)).toEqual(['room.event.soft_failed']);
    const [record] = await world.recordsOf('room.event.soft_failed');
    expect(record?.data.reason).toMatch(/not in the room/);
    expect(front()).not.toContain(late.eventId);
  });

  it('names what is missing before it can judge', async () => {
    const event = await remote({
      type: 'm.room.message',
      content: {},
      prevEvents: ['$unknown'],
      at: front()[0] ?? '',
    });
    await expect(receive(event)).rejects.toThrow(MissingGraphError);
  });

  it('resolves a conflict, records how, and gives the same state after everything is lost but the log', async () => {
    await world.sets(alice, roomId, 'm.room.power_levels', { users: { [alice]: 100, [CAROL]: 50 } });
    const [fork = ''] = front();
    // Here alice takes carol's power; there carol has set a topic, not knowing it.
    await world.sets(alice, roomId, 'm.room.power_levels', { users: { [alice]: 100 } });
    await world.sets(alice, roomId, 'm.room.topic', { topic: "alice's" });
    const theirs = await remote({
      type: 'm.room.name',
      stateKey: '',
      content: { name: "carol's" },
      prevEvents: [fork],
    });
    await receive(theirs);
    const topic = await world.state(roomId, 'm.room.topic');
    const name = await world.state(roomId, 'm.room.name');
    expect(topic).toEqual({ topic: "alice's" });
    // Carol's power was gone in the current state when her event came: soft-failed, and no part of the state.
    expect(name).toBeUndefined();
    await world.says(alice, roomId, 'after');
    const root = world.roomState.snapshot(roomId)?.graph?.root;
    await world.roomState.clear();
    await world.restart();
    expect(world.roomState.snapshot(roomId)?.graph?.root).toBe(root);
  });

  it('lets a concurrent change from the other side into the state, by resolution', async () => {
    await world.sets(alice, roomId, 'm.room.power_levels', { users: { [alice]: 100, [CAROL]: 50 } });
    const [fork = ''] = front();
    await world.sets(alice, roomId, 'm.room.topic', { topic: "alice's" });
    const theirs = await remote({
      type: 'm.room.name',
      stateKey: '',
      content: { name: "carol's" },
      prevEvents: [fork],
    });
    expect(await receive(theirs)).toEqual(['room.event.accepted']);
    expect(await world.state(roomId, 'm.room.name')).toEqual({ name: "carol's" });
    expect(await world.state(roomId, 'm.room.topic')).toEqual({ topic: "alice's" });
    const next = await world.says(alice, roomId, 'both');
    const record = (await world.recordsOf('room.event.accepted')).at(-1);
    expect(record?.data.event_id).toBe(next);
    expect(record?.data.resolution?.delta.map(({ type }) => type)).toHaveLength(1);
    const root = world.roomState.snapshot(roomId)?.graph?.root;
    await world.roomState.clear();
    await world.restart();
    expect(world.roomState.snapshot(roomId)?.graph?.root).toBe(root);
  });
});

describe('the room index', () => {
  it('knows which state events name an event, newest first', async () => {
    const [create] = await world.recordsOf('room.event.accepted');
    const levels = await world.sets(alice, roomId, 'm.room.power_levels', { users: { [alice]: 100 } });
    const topic = await world.sets(alice, roomId, 'm.room.topic', { topic: 'one' });
    const name = await world.sets(alice, roomId, 'm.room.name', { name: 'two' });
    await world.says(alice, roomId, 'a message is not among them');
    expect([...world.roomState.citedBy(roomId, levels)]).toEqual([name, topic]);
    await world.restart();
    expect([...world.roomState.citedBy(roomId, levels)]).toEqual([name, topic]);
    expect([...world.roomState.citedBy(roomId, create?.data.event_id ?? '')].slice(0, 3)).toEqual([
      name,
      topic,
      levels,
    ]);
  });
});
