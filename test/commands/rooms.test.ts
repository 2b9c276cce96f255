import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { joinRoom } from '../../src/commands/membership.js';
import { sendEvent } from '../../src/commands/room-send.js';
import type { WriteSide } from '../../src/commands/write-side.js';
import { EMPTY_ROOT, entries } from '../../src/room-state/trie.js';
import { World } from '../support/world.js';

let world: World;
let alice: string;
let bob: string;
let roomId: string;

beforeEach(async () => {
  world = await World.open();
  alice = await world.user('alice');
  bob = await world.user('bob');
  roomId = await world.room(alice, { preset: 'public_chat' }, [bob]);
});

afterEach(async () => {
  await world.close();
});

const message = (body: string, transactionId = body) => ({
  type: 'm.room.message',
  content: { msgtype: 'm.text', body },
  transactionId,
});

const say = (side: WriteSide, userId: string, body: string) =>
  sendEvent(side, { userId, deviceId: 'PHONE' }, roomId, message(body), world.context());

describe('a room of the write side', () => {
  it('decides commands that wait together on each other, and appends them together', async () => {
    const ids = await Promise.all(Array.from({ length: 50 }, (_, n) => say(world.side, alice, `m${n}`)));
    const accepted = await world.recordsOf('room.event.accepted');
    const messages = accepted.filter((record) => record.data.event['type'] === 'm.room.message');
    expect(messages.map((record) => record.data.event_id)).toEqual(ids.map(({ result }) => result.event_id));
    for (const [n, record] of messages.entries()) {
      const previous = n === 0 ? undefined : messages[n - 1]?.data.event_id;
      if (previous !== undefined) expect(record.data.event['prev_events']).toEqual([previous]);
      expect(record.data.extremities).toEqual([record.data.event_id]);
    }
  });

  it('touches no state for a message, and one path for a state event', async () => {
    await world.says(alice, roomId, 'hello');
    await world.sets(alice, roomId, 'm.room.topic', { topic: 'new' });
    const [message_, topic] = (await world.recordsOf('room.event.accepted')).slice(-2);
    expect(message_?.data.current).toBeUndefined();
    expect(message_?.data.state_after).toBe(message_?.data.state_before);
    expect(topic?.data.current?.root).toBe(topic?.data.state_after);
    expect(topic?.data.current?.delta).toEqual([
      { type: 'm.room.topic', state_key: '', event_id: topic?.data.event_id, replaces: null },
    ]);
  });

  it('gives the event of a transaction again: at once, while it waits, after a restart', async () => {
    const [first, second] = await Promise.all([
      say(world.side, alice, 'once'),
      say(world.side, alice, 'once'),
    ]);
    expect(second.result).toEqual(first.result);
    await world.restart();
    expect((await say(world.side, alice, 'once')).result).toEqual(first.result);
    const sent = await world.recordsOf('room.event.accepted');
    expect(sent.filter((record) => record.data.transaction?.transaction_id === 'once')).toHaveLength(1);
    // Another device's transactions are its own.
    const other = { userId: alice, deviceId: 'LAPTOP' };
    const elsewhere = await sendEvent(world.side, other, roomId, message('once'), world.context());
    expect(elsewhere.result).not.toEqual(first.result);
  });

  it('decides again when another process was faster, and loses nothing', async () => {
    const rival = world.rival();
    const sends = Array.from({ length: 40 }, (_, n) => say(n % 2 === 0 ? world.side : rival, alice, `m${n}`));
    const ids = (await Promise.all(sends)).map(({ result }) => result.event_id);
    const recorded = (await world.recordsOf('room.event.accepted')).map((record) => record.data.event_id);
    expect(new Set(ids).size).toBe(40);
    for (const id of ids) expect(recorded.filter((each) => each === id)).toHaveLength(1);
    const last = (await world.recordsOf('room.event.accepted')).at(-1);
    expect(last?.data.extremities).toEqual([last?.data.event_id]);
  });

  it('refuses by a rule that it names, and records nothing', async () => {
    const mallory = await world.user('mallory');
    await world.refuses(
      () => say(world.side, mallory, 'let me in'),
      'M_FORBIDDEN',
      /not in the room.*\(rule \d/,
    );
  });

  it('goes on after its index and its state nodes are lost', async () => {
    await world.says(alice, roomId, 'before');
    const root = world.roomState.snapshot(roomId)?.graph?.root ?? EMPTY_ROOT;
    const before = [...entries(world.ports.reader, root)];
    await world.roomState.clear();
    await world.restart();
    expect(world.roomState.snapshot(roomId)?.graph?.root).toBe(root);
    expect([...entries(world.ports.reader, root)]).toEqual(before);
    expect(world.roomState.rooms(bob)).toEqual([{ roomId, membership: 'join' }]);
    await say(world.side, bob, 'after');
  });

  it('makes a damaged state node again from the log', async () => {
    const root = world.roomState.snapshot(roomId)?.graph?.root ?? EMPTY_ROOT;
    const intact = world.roomState.get(root);
    world.roomState.put(new Map([[root, new Uint8Array([1, 2, 3])]]));
    await world.restart();
    await say(world.side, alice, 'as if nothing was');
    expect(world.roomState.get(root)).toEqual(intact);
  });

  it('brings its index to the end of the log after records that it missed', async () => {
    const { position, epoch } = world.roomState;
    const snapshot = world.roomState.snapshot(roomId);
    await world.says(alice, roomId, 'missed');
    if (snapshot !== undefined) {
      world.roomState.record({
        snapshot,
        places: new Map(),
        transactions: new Map(),
        memberships: [],
        citations: [],
      });
    }
    world.roomState.moveTo(position, epoch);
    await world.restart();
    expect(world.roomState.snapshot(roomId)?.revision).toBe((snapshot?.revision ?? 0) + 1);
    await world.says(alice, roomId, 'next');
  });

  it('lets one who joins twice be in once', async () => {
    const carol = await world.user('carol');
    const joins = [1, 2, 3].map(() => joinRoom(world.side, carol, roomId, {}, world.context()));
    await Promise.all(joins);
    const accepted = await world.recordsOf('room.event.accepted');
    expect(accepted.filter((record) => record.data.event['state_key'] === carol)).toHaveLength(1);
  });
});
