import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { setAccountData } from '../../src/commands/account-data.js';
import { forgetRoom } from '../../src/commands/forget.js';
import { invite, kick, knock, leave } from '../../src/commands/membership.js';
import { setProfileField } from '../../src/commands/profile.js';
import { postReceipts } from '../../src/commands/receipts.js';
import { redactEvent } from '../../src/commands/room-send.js';
import { ReadModelNotReadyError } from '../../src/read-models/errors.js';
import { TestCore, type ClientEvent, type JoinedRoom } from '../support/core.js';

let test: TestCore;
let alice: string;
let bob: string;

beforeEach(async () => {
  test = await TestCore.open();
  alice = await test.user('alice');
  bob = await test.user('bob');
});

afterEach(async () => {
  await test.close();
});

const bodies = (room: JoinedRoom | undefined) =>
  (room?.timeline.events ?? []).flatMap(({ type, content }) =>
    type === 'm.room.message' ? [content['body']] : [],
  );
const types = (events: readonly ClientEvent[] | undefined) => (events ?? []).map(({ type }) => type);
const write = () => test.core.write;

describe('an initial sync', () => {
  it('tells the newest events, and the state just before them', async () => {
    const roomId = await test.room(alice, { name: 'Pub' });
    for (let n = 0; n < 25; n++) await test.says(alice, roomId, `m${n}`);
    const room = (await test.sync(alice)).rooms.join[roomId];
    expect(bodies(room)).toEqual(Array.from({ length: 10 }, (_, n) => `m${n + 15}`));
    expect(room?.timeline.limited).toBe(true);
    expect(types(room?.state?.events).sort()).toEqual([
      'm.room.create',
      'm.room.guest_access',
      'm.room.history_visibility',
      'm.room.join_rules',
      'm.room.member',
      'm.room.name',
      'm.room.power_levels',
    ]);
    expect(room?.summary).toMatchObject({ 'm.joined_member_count': 1, 'm.invited_member_count': 0 });
  });

  it('does not tell state twice: what is in the timeline is not in the state', async () => {
    const roomId = await test.room(alice);
    const room = (await test.sync(alice)).rooms.join[roomId];
    expect(types(room?.timeline.events)[0]).toBe('m.room.create');
    expect(room?.state?.events).toEqual([]);
    expect(room?.timeline.limited).toBe(false);
  });

  it('loads members lazily: those who speak, and oneself', async () => {
    const carol = await test.user('carol');
    const roomId = await test.room(alice, { preset: 'public_chat' }, [bob, carol]);
    for (let n = 0; n < 5; n++) await test.says(bob, roomId, `m${n}`);
    const filter = { room: { state: { lazy_load_members: true }, timeline: { limit: 2 } } };
    const room = (await test.sync(alice, { filter })).rooms.join[roomId];
    const members = room?.state?.events.filter(({ type }) => type === 'm.room.member') ?? [];
    expect(members.map((event) => event.state_key).sort()).toEqual([alice, bob]);
  });

  it('gives push rules to whoever never touched them', async () => {
    const { account_data } = await test.sync(alice);
    expect(types(account_data.events)).toEqual(['m.push_rules']);
    expect(account_data.events[0]?.content).toHaveProperty('global.override');
  });
});

describe('federation format', () => {
  it('is the event as it goes between servers, redacted where it is', async () => {
    const roomId = await test.room(alice);
    const eventId = await test.says(alice, roomId, 'secret');
    const other = await test.says(alice, roomId, 'open');
    const redaction = { target: eventId, content: {}, transactionId: 'r' };
    const sender = { userId: alice, deviceId: 'PHONE' };
    await test.done(redactEvent(write(), sender, roomId, redaction, test.context()));
    const filter = { event_format: 'federation', room: { timeline: { limit: 3 } } };
    const room = (await test.sync(alice, { filter })).rooms.join[roomId];
    const [redacted, whole] = room?.timeline.events ?? [];
    expect(redacted).toMatchObject({ event_id: eventId, content: {}, depth: expect.any(Number) as number });
    expect(JSON.stringify(room)).not.toContain('secret');
    expect(whole).toMatchObject({
      event_id: other,
      room_id: roomId,
      content: { body: 'open' },
      prev_events: [eventId],
      hashes: { sha256: expect.any(String) as string },
    });
    expect(whole).toHaveProperty('signatures');
    expect(whole).toHaveProperty('auth_events');
    expect(room?.state?.events[0]).toHaveProperty('depth');
    const fields = { ...filter, event_fields: ['depth', 'type'] };
    const some = (await test.sync(alice, { filter: fields })).rooms.join[roomId];
    expect(Object.keys(some?.timeline.events[1] ?? {}).sort()).toEqual(['depth', 'type']);
  });
});

describe('an incremental sync', () => {
  it('tells what happened since, and nothing where nothing did', async () => {
    const quiet = await test.room(alice);
    const busy = await test.room(alice);
    const { next_batch: since } = await test.sync(alice);
    await test.says(alice, busy, 'news');
    const answer = await test.sync(alice, { since });
    expect(Object.keys(answer.rooms.join)).toEqual([busy]);
    expect(bodies(answer.rooms.join[busy])).toEqual(['news']);
    expect(answer.rooms.join[quiet]).toBeUndefined();
    expect((await test.sync(alice, { since: answer.next_batch })).rooms.join).toEqual({});
  });

  it('is limited by a gap, and tells the state that changed in it', async () => {
    const roomId = await test.room(alice);
    const { next_batch: since } = await test.sync(alice);
    await test.sets(alice, roomId, 'm.room.topic', { topic: 'old' });
    await test.sets(alice, roomId, 'm.room.topic', { topic: 'in the gap' });
    for (let n = 0; n < 5; n++) await test.says(alice, roomId, `m${n}`);
    const filter = { room: { timeline: { limit: 3 } } };
    const room = (await test.sync(alice, { since, filter })).rooms.join[roomId];
    expect(room?.timeline.limited).toBe(true);
    expect(bodies(room)).toEqual(['m2', 'm3', 'm4']);
    expect(room?.state?.events.map(({ content }) => content)).toEqual([{ topic: 'in the gap' }]);
  });

  it('tells the state after the timeline to who asks for it', async () => {
    const roomId = await test.room(alice);
    const { next_batch: since } = await test.sync(alice);
    await test.sets(alice, roomId, 'm.room.topic', { topic: 'new' });
    const room = (await test.sync(alice, { since, stateAfter: true })).rooms.join[roomId];
    expect(room?.state).toBeUndefined();
    expect(room?.state_after?.events.map(({ content }) => content)).toEqual([{ topic: 'new' }]);
  });

  it('begins anew with a room that was joined since', async () => {
    const roomId = await test.room(alice, { preset: 'public_chat' });
    await test.says(alice, roomId, 'before');
    const { next_batch: since } = await test.sync(bob);
    await test.joins(bob, roomId);
    const room = (await test.sync(bob, { since })).rooms.join[roomId];
    expect(bodies(room)).toEqual(['before']);
    const told = [...(room?.state?.events ?? []), ...(room?.timeline.events ?? [])];
    expect(types(told)).toContain('m.room.create');
  });

  it('shows invites, knocks and leaves, each once', async () => {
    const invited = await test.room(alice, { name: 'Invited' });
    const knocked = await test.room(alice, {
      initial_state: [{ type: 'm.room.join_rules', content: { join_rule: 'knock' } }],
    });
    const left = await test.room(alice, { preset: 'public_chat' }, [bob]);
    const { next_batch: since } = await test.sync(bob);
    await test.done(invite(write(), alice, invited, bob, {}, test.context()));
    await test.done(knock(write(), bob, knocked, { reason: 'please' }, test.context()));
    await test.done(kick(write(), alice, left, bob, { reason: 'out' }, test.context()));
    await test.says(alice, left, 'he does not see this');
    const answer = await test.sync(bob, { since });
    const inviteState = answer.rooms.invite[invited]?.invite_state.events ?? [];
    expect(types(inviteState)).toContain('m.room.name');
    expect(inviteState.some(({ type, state_key }) => type === 'm.room.member' && state_key === bob)).toBe(
      true,
    );
    expect(Object.keys(answer.rooms.knock)).toEqual([knocked]);
    expect(answer.rooms.leave[left]?.timeline.events.map(({ content }) => content['membership'])).toEqual([
      'leave',
    ]);
    const next = await test.sync(bob, { since: answer.next_batch });
    expect(next.rooms).toEqual({ join: {}, invite: {}, knock: {}, leave: {} });
  });

  it('tells all of a room that was joined and left in between', async () => {
    const roomId = await test.room(alice, { preset: 'public_chat', name: 'Brief' });
    const { next_batch: since } = await test.sync(bob);
    await test.joins(bob, roomId);
    await test.done(leave(write(), bob, roomId, {}, test.context()));
    const room = (await test.sync(bob, { since })).rooms.leave[roomId];
    const told = types([...(room?.state?.events ?? []), ...(room?.timeline.events ?? [])]);
    expect(told).toEqual(expect.arrayContaining(['m.room.create', 'm.room.name']));
  });

  it('tells state that came about while one could not look, if it still holds', async () => {
    const carol = await test.user('carol');
    const roomId = await test.room(alice, { preset: 'public_chat' }, [bob]);
    await test.sets(alice, roomId, 'm.room.history_visibility', { history_visibility: 'joined' });
    const { next_batch: since } = await test.sync(bob);
    await test.done(leave(write(), bob, roomId, {}, test.context()));
    await test.joins(carol, roomId);
    await test.says(carol, roomId, 'unseen');
    await test.joins(bob, roomId);
    const room = (await test.sync(bob, { since })).rooms.join[roomId];
    const members = room?.timeline.events.filter(({ type }) => type === 'm.room.member') ?? [];
    expect(members.map((event) => event.state_key)).toContain(carol);
    expect(bodies(room)).not.toContain('unseen');
  });

  it('never parts events of one commit, which a token could not point between', async () => {
    const big = 'x'.repeat(50_000);
    const initial_state = Array.from({ length: 30 }, (_, n) => ({
      type: 'org.example.big',
      state_key: String(n),
      content: { big },
    }));
    const roomId = await test.room(alice, { initial_state });
    const room = (await test.sync(alice)).rooms.join[roomId];
    expect(room?.timeline.events).toHaveLength(36);
    expect(room?.timeline.limited).toBe(false);
  });

  it('tells the presence of people who are new to a room, either way', async () => {
    const { presence } = test.core.read;
    presence.set(alice, 'online', 'here');
    const roomId = await test.room(alice, { preset: 'public_chat' });
    const before = { alice: await test.sync(alice), bob: await test.sync(bob) };
    presence.set(bob, 'online', 'there');
    const known = { alice: await test.sync(alice, { since: before.alice.next_batch }) };
    expect(known.alice.presence.events).toEqual([]);
    await test.joins(bob, roomId);
    const senders = async (userId: string, since: string) =>
      (await test.sync(userId, { since })).presence.events.map(({ sender }) => sender);
    expect(await senders(bob, before.bob.next_batch)).toContain(alice);
    expect(await senders(alice, known.alice.next_batch)).toContain(bob);
  });

  it('leaves out rooms that were forgotten, and at first those that were left', async () => {
    const roomId = await test.room(alice, { preset: 'public_chat' }, [bob]);
    await test.done(leave(write(), bob, roomId, {}, test.context()));
    expect((await test.sync(bob)).rooms.leave).toEqual({});
    const filter = { room: { include_leave: true } };
    expect(Object.keys((await test.sync(bob, { filter })).rooms.leave)).toEqual([roomId]);
    await test.done(forgetRoom(write(), bob, roomId, test.context()));
    expect((await test.sync(bob, { filter })).rooms.leave).toEqual({});
  });

  it('shows the transaction ID to the device that sent, and to nobody else', async () => {
    const roomId = await test.room(alice, { preset: 'public_chat' }, [bob]);
    const { next_batch: since } = await test.sync(alice);
    await test.says(alice, roomId, 'mine');
    const unsigned = async (userId: string, deviceId: string) =>
      (await test.sync(userId, { since, deviceId })).rooms.join[roomId]?.timeline.events[0]?.unsigned;
    expect(await unsigned(alice, 'PHONE')).toHaveProperty('transaction_id');
    expect(await unsigned(alice, 'LAPTOP')).not.toHaveProperty('transaction_id');
    expect(await unsigned(bob, 'PHONE')).not.toHaveProperty('transaction_id');
  });

  it('tells receipts, typing, account data and unread counts', async () => {
    const roomId = await test.room(alice, { preset: 'public_chat' }, [bob]);
    const { next_batch: since } = await test.sync(bob);
    const said = await test.says(alice, roomId, 'hello bob');
    const unread = await test.sync(bob, { since });
    expect(unread.rooms.join[roomId]?.unread_notifications.notification_count).toBe(1);
    const receipt = { type: 'm.read', eventId: said, threadId: null } as const;
    await test.done(postReceipts(write(), bob, roomId, [receipt], test.context()));
    test.core.read.typing.start(roomId, alice, 10_000);
    await test.done(setAccountData(write(), bob, roomId, 'org.example', { a: 1.5 }, test.context()));
    const room = (await test.sync(bob, { since: unread.next_batch })).rooms.join[roomId];
    expect(room?.unread_notifications.notification_count).toBe(0);
    expect(types(room?.ephemeral.events).sort()).toEqual(['m.receipt', 'm.typing']);
    expect(room?.account_data.events).toEqual([{ type: 'org.example', content: { a: 1.5 } }]);
  });

  it('keeps a private receipt to its owner', async () => {
    const roomId = await test.room(alice, { preset: 'public_chat' }, [bob]);
    const said = await test.says(alice, roomId, 'hello');
    const tokens = { [alice]: (await test.sync(alice)).next_batch, [bob]: (await test.sync(bob)).next_batch };
    const receipt = { type: 'm.read.private', eventId: said, threadId: null } as const;
    await test.done(postReceipts(write(), bob, roomId, [receipt], test.context()));
    const receipts = async (userId: string) => {
      const since = tokens[userId];
      const room = (await test.sync(userId, since === undefined ? {} : { since })).rooms.join[roomId];
      return types(room?.ephemeral.events);
    };
    expect(await receipts(bob)).toEqual(['m.receipt']);
    expect(await receipts(alice)).toEqual([]);
  });

  it('shows a redacted event without its content, and why', async () => {
    const roomId = await test.room(alice);
    const said = await test.says(alice, roomId, 'regretted');
    const sender = { userId: alice, deviceId: 'PHONE' };
    const redaction = { target: said, content: { reason: 'typo' }, transactionId: 'r' };
    await test.done(redactEvent(write(), sender, roomId, redaction, test.context()));
    const events = (await test.sync(alice)).rooms.join[roomId]?.timeline.events ?? [];
    const redacted = events.find((event) => event.event_id === said);
    expect(redacted?.content).toEqual({});
    expect(redacted?.unsigned).toHaveProperty('redacted_because.content.reason', 'typo');
    expect(JSON.stringify(events)).not.toContain('regretted');
  });

  it('shows who is invited nothing that was redacted since, though they asked before', async () => {
    const roomId = await test.room(alice);
    const name = await test.sets(alice, roomId, 'm.room.name', { name: 'Regretted' });
    const shown = async () => JSON.stringify((await test.sync(bob)).rooms.invite[roomId]);
    await test.done(invite(write(), alice, roomId, bob, {}, test.context()));
    expect(await shown()).toContain('Regretted');
    const sender = { userId: alice, deviceId: 'PHONE' };
    const redaction = { target: name, content: {}, transactionId: 'r' };
    await test.done(redactEvent(write(), sender, roomId, redaction, test.context()));
    expect(await shown()).not.toContain('Regretted');
  });

  it('brings a changed display name into the rooms', async () => {
    const roomId = await test.room(alice, { preset: 'public_chat' }, [bob]);
    const { next_batch: since } = await test.sync(bob);
    const poll = test.sync(bob, { since, timeout: 30_000 });
    await test.done(setProfileField(write(), alice, 'displayname', 'Alice!', test.context()));
    const room = (await poll).rooms.join[roomId];
    expect(room?.timeline.events[0]?.content).toMatchObject({ membership: 'join', displayname: 'Alice!' });
  });

  it('goes on over a restart, without gap or double', async () => {
    const roomId = await test.room(alice);
    await test.says(alice, roomId, 'before');
    const { next_batch: since } = await test.sync(alice);
    await test.restart();
    await test.says(alice, roomId, 'after');
    expect(bodies((await test.sync(alice, { since })).rooms.join[roomId])).toEqual(['after']);
  });

  it('has damaged state nodes made again from the log', async () => {
    const roomId = await test.room(alice);
    for (let n = 0; n < 25; n++) await test.says(alice, roomId, `m${n}`);
    const { roomState } = test.core;
    const root = roomState.snapshot(roomId)?.graph?.root ?? '';
    const intact = roomState.get(root);
    roomState.put(new Map([[root, new Uint8Array([0])]]));
    await test.restart();
    await expect(test.sync(alice)).rejects.toThrow(ReadModelNotReadyError);
    while (Buffer.compare(test.core.roomState.get(root) ?? Buffer.of(), intact ?? Buffer.of()) !== 0) {
      await new Promise(setImmediate);
    }
    expect((await test.sync(alice)).rooms.join[roomId]?.state?.events).not.toEqual([]);
  });

  it('begins afresh with a token of another epoch: every room, with a gap before it', async () => {
    const roomId = await test.room(alice);
    const afresh = await test.sync(alice, { since: 's5_0_another-epoch' });
    const { timeline } = (await test.sync(alice)).rooms.join[roomId] ?? {};
    expect(timeline?.limited).toBe(false);
    expect(afresh.rooms.join[roomId]?.timeline).toEqual({ ...timeline, limited: true });
    expect(types(timeline?.events)).toContain('m.room.create');
  });

  it('tells who begins afresh of the rooms that they are not in, since they may think so', async () => {
    const [left, forgotten] = [await test.room(alice), await test.room(alice)];
    for (const roomId of [left, forgotten])
      await test.done(leave(write(), alice, roomId, {}, test.context()));
    await test.done(forgetRoom(write(), alice, forgotten, test.context()));
    expect(Object.keys((await test.sync(alice)).rooms.leave)).toEqual([]);
    const { rooms } = await test.sync(alice, { since: 's5_0_another-epoch' });
    expect(Object.keys(rooms.leave)).toEqual([left]);
    expect(types(rooms.leave[left]?.timeline.events)).toContain('m.room.member');
  });
});

describe('a poll', () => {
  it('sleeps until something concerns it, and through what does not', async () => {
    const mine = await test.room(alice);
    const other = await test.room(bob);
    const { next_batch: since } = await test.sync(alice);
    let answered = false;
    const poll = test.sync(alice, { since, timeout: 30_000 }).then((answer) => {
      answered = true;
      return answer;
    });
    await test.says(bob, other, 'not for alice');
    await test.core.read.barrier.reached(5000);
    expect(answered).toBe(false);
    await test.says(alice, mine, 'for alice');
    expect(bodies((await poll).rooms.join[mine])).toEqual(['for alice']);
  });

  it('ends after its time, and when the client or the server goes', async () => {
    await test.room(alice);
    const { next_batch: since } = await test.sync(alice);
    const timed = test.sync(alice, { since, timeout: 10_000 });
    const leaving = new AbortController();
    const aborted = test.sync(alice, { since, timeout: 30_000, signal: leaving.signal });
    while (test.core.read.notifier.sleeping < 2) await new Promise(setImmediate);
    await new Promise(setImmediate);
    test.clock.advance(10_000);
    expect((await timed).rooms.join).toEqual({});
    leaving.abort();
    expect((await aborted).rooms.join).toEqual({});
    expect(test.core.read.notifier.sleeping).toBe(0);
  });

  it('is woken by an invite', async () => {
    const roomId = await test.room(alice);
    const { next_batch: since } = await test.sync(bob);
    const poll = test.sync(bob, { since, timeout: 30_000 });
    await test.done(invite(write(), alice, roomId, bob, {}, test.context()));
    expect(Object.keys((await poll).rooms.invite)).toEqual([roomId]);
  });
});
