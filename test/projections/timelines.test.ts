import { expect, test } from 'vitest';
import { timelinesProjection } from '../../projections/timelines.js';
import type { RoomEvent } from '../../src/protocol/events.js';
import { timeline, type TimelineEvent } from '../../src/read-models/collections.js';
import { folded } from '../support/folded.js';
import { MemoryLog } from '../support/memory-log.js';
import { projectionContract } from '../support/projections.js';
import { forgetting, RecordedRoom } from '../support/records.js';
import { parsed, richRooms } from '../support/rich-rooms.js';
import { alice, bob } from '../support/room.js';

projectionContract(timelinesProjection, richRooms());

const setUp = (version: string) => {
  const log = new MemoryLog();
  const room = new RecordedRoom(log, version);
  room.tell((r) => r.createdBy(alice).joinedBy(bob));
  return { log, room };
};

async function documents(log: MemoryLog): Promise<(event: RoomEvent) => TimelineEvent> {
  const found = (await folded(timelinesProjection, log.records)).of(timeline);
  return (event) => {
    const document = found.find(({ event_id }) => event_id === event.eventId);
    if (document === undefined) throw new Error(`${event.eventId} is not in the timeline`);
    return document;
  };
}

const json = (document: TimelineEvent): unknown => JSON.parse(document.json);
const unsigned = (document: TimelineEvent): unknown => JSON.parse(document.unsigned ?? '{}');

test('a message is a document with its text in client format', async () => {
  const { log, room } = setUp('11');
  const said = room.send(
    { type: 'm.room.message', sender: bob, content: { body: 'Hi', url: 'mxc://a/b' } },
    { transaction: { device_id: 'D', transaction_id: 't1' } },
  );
  const document = (await documents(log))(said);
  const ts = said.originServerTs;
  expect(document).toEqual({
    room_id: room.id,
    position: log.head,
    index: 0,
    event_id: said.eventId,
    type: 'm.room.message',
    sender: bob.id,
    origin_server_ts: ts,
    depth: said.depth,
    json:
      `{"content":{"body":"Hi","url":"mxc://a/b"},"event_id":"${said.eventId}","origin_server_ts":${ts},` +
      `"room_id":"${room.id}","sender":"${bob.id}","type":"m.room.message"}`,
    transaction: { user_id: bob.id, device_id: 'D', transaction_id: 't1' },
    state_before: room.root,
    state_after: room.root,
    current_root: room.root,
    contains_url: true,
  });
});

test('a message at the front of the room costs one write and no read', async () => {
  const { log, room } = setUp('11');
  room.tell((r) => r.says(bob, 'Hi'));
  expect((await folded(timelinesProjection, log.records)).lastCost).toEqual({ reads: 0, writes: 1 });
});

test('a state event tells what it replaced', async () => {
  const { log, room } = setUp('11');
  const first = room.tell((r) => r.setState(alice, 'm.room.topic', { topic: 'One' }));
  const second = room.tell((r) => r.setState(bob, 'm.room.topic', { topic: 'Two' }));
  const of = await documents(log);
  expect(of(first)).not.toHaveProperty('unsigned');
  expect(of(second).state_key).toBe('');
  expect(unsigned(of(second))).toEqual({
    replaces_state: first.eventId,
    prev_content: { topic: 'One' },
    prev_sender: alice.id,
  });
});

test('what is soft-failed, rejected or an outlier is not in the timeline', async () => {
  const { log, room } = setUp('11');
  const before = (await folded(timelinesProjection, log.records)).of(timeline).length;
  const event = room.room.event({ type: 'm.room.message', sender: bob });
  room.softFail(event);
  room.outlier(event);
  expect((await folded(timelinesProjection, log.records)).of(timeline)).toHaveLength(before);
});

test('in the create event of version 12 clients find the room', async () => {
  const { log, room } = setUp('12');
  const create = room.room.timeline[0];
  if (create === undefined) throw new Error('no create event');
  expect(create.pdu).not.toHaveProperty('room_id');
  expect(json((await documents(log))(create))).toMatchObject({ room_id: room.id });
});

test.each(['1', '10', '11', '12'])('a redaction in version %s takes away and tells why', async (version) => {
  const { log, room } = setUp(version);
  const relates = { event_id: '$root', rel_type: 'm.thread' };
  const said = room.send({
    type: 'm.room.message',
    sender: bob,
    content: { body: 'Rude', url: 'mxc://a/b', 'm.relates_to': relates },
  });
  const shown = (await documents(log))(said);
  expect(shown).toMatchObject({ relates_to: relates, contains_url: true });

  const redaction = room.redact(alice, said, { reason: 'Rude' });
  room.redact(bob, said, { reason: 'Mine' });
  const of = await documents(log);
  const redactionJson = {
    content: { reason: 'Rude', redacts: said.eventId },
    event_id: redaction.eventId,
    origin_server_ts: redaction.originServerTs,
    room_id: room.id,
    sender: alice.id,
    type: 'm.room.redaction',
    redacts: said.eventId,
  };
  expect(json(of(redaction))).toEqual(redactionJson);
  expect(json(of(said))).toEqual({ ...(json(shown) as object), content: {} });
  expect(unsigned(of(said))).toEqual({ redacted_because: redactionJson });
  expect(of(said).redacted_by).toBe(redaction.eventId);
  expect(of(said)).not.toHaveProperty('relates_to');
  expect(of(said)).not.toHaveProperty('contains_url');
});

test('a redaction that is not applied changes nothing', async () => {
  const { log, room } = setUp('11');
  const said = room.tell((r) => r.says(bob, 'Hi'));
  const before = (await documents(log))(said);
  const draft = { type: 'm.room.redaction', sender: bob, redacts: said.eventId };
  room.send(draft, { redaction: { target: said.eventId, applied: false } });
  expect((await documents(log))(said)).toEqual(before);
});

test('a redaction reaches no other room, also where both have an event of that ID', async () => {
  const { log, room } = setUp('1');
  const said = room.tell((r) => r.says(bob, 'Hi'));
  const other = new RecordedRoom(log, '1', 'other');
  other.tell((r) => r.createdBy(bob));
  const draft = { type: 'm.room.redaction', sender: bob, redacts: said.eventId };
  other.send(draft, { redaction: { target: said.eventId, applied: true } });
  expect((await documents(log))(said)).not.toHaveProperty('redacted_by');
});

test('redacted state keeps what the rules protect, and is gone from the event that replaced it', async () => {
  const { log, room } = setUp('10');
  const first = room.tell((r) => r.membership(bob, bob, 'join', { displayname: 'Rude' }));
  const second = room.tell((r) => r.membership(bob, bob, 'join', { displayname: 'Bob' }));
  room.redact(alice, first);
  const of = await documents(log);
  expect(json(of(first))).toMatchObject({ content: { membership: 'join' }, state_key: bob.id });
  expect(of(first).membership).toBe('join');
  expect(unsigned(of(first))).toHaveProperty('replaces_state');
  expect(unsigned(of(second))).toMatchObject({ prev_content: { membership: 'join' } });
  expect(of(second).unsigned).not.toContain('Rude');
});

test.each(['10', '11'])(
  'a redacted redaction of version %s loses its reason wherever it stands',
  async (version) => {
    const { log, room } = setUp(version);
    const said = room.tell((r) => r.says(bob, 'Hi'));
    const redaction = room.redact(bob, said, { reason: 'Rude' });
    room.redact(alice, redaction);
    const of = await documents(log);
    expect(JSON.stringify([of(said), of(redaction)])).not.toContain('Rude');
    expect(unsigned(of(said))).toMatchObject({ redacted_because: { event_id: redaction.eventId } });
    const kept =
      version === '11' ? { content: { redacts: said.eventId }, redacts: said.eventId } : { content: {} };
    expect(json(of(redaction))).toMatchObject(kept);
  },
);

test('of a forgotten content the redacted form is shown', async () => {
  const { log, room } = setUp('11');
  const said = room.tell((r) => r.says(bob, 'Secret'));
  const found = (await folded(timelinesProjection, forgetting(log.records, [said.eventId]))).of(timeline);
  expect(found.at(-1)?.json).toContain('{"content":{},');
});

test.each([
  [{ 'm.relates_to': 5 }],
  [{ 'm.relates_to': { 'm.in_reply_to': { event_id: '$x' } } }],
  [{ 'm.relates_to': { rel_type: 'm.thread' } }],
  [{ 'm.relates_to': { rel_type: 'm.thread', event_id: 'x'.repeat(256) } }],
  [parsed('{"__proto__":{"m.relates_to":{"rel_type":"a","event_id":"b"},"url":"x"}}')],
])('no relation is found in %j', async (content) => {
  const { log, room } = setUp('11');
  const said = room.send({ type: 'm.room.message', sender: bob, content });
  const document = (await documents(log))(said);
  expect(document).not.toHaveProperty('relates_to');
  expect(document).not.toHaveProperty('contains_url');
  expect(JSON.stringify((json(document) as { content: unknown }).content)).toBe(JSON.stringify(content));
});

test('with several extremities the current state is where it was', async () => {
  const { log, room } = setUp('11');
  const root = room.root;
  const said = room.send(
    { type: 'm.room.message', sender: bob },
    { state_before: 'elsewhere', state_after: 'elsewhere', extremities: ['$a', '$b'] },
  );
  expect((await documents(log))(said)).toMatchObject({ state_after: 'elsewhere', current_root: root });
});

test('events of one commit keep their order', async () => {
  const { log, room } = setUp('11');
  const position = room.together(() => room.tell((r) => r.says(bob, 'One').says(bob, 'Two')));
  const last = (await folded(timelinesProjection, log.records)).of(timeline).slice(-2);
  expect(last.map((d) => [d.position, d.index])).toEqual([[position, 0], [position, 1]]); // prettier-ignore
  expect(last.map((d) => d.json).join()).toMatch(/One.*Two/);
});

test('what a state event replaced is of its own room, also where another has an event of that ID', async () => {
  const { log, room: other } = setUp('1');
  const theirs = other.tell((r) => r.setState(alice, 'm.room.topic', { topic: 'Theirs' }));
  const room = new RecordedRoom(log, '1', 'second');
  room.tell((r) => r.createdBy(alice));
  const { eventId } = theirs;
  const first = room.room.event({
    type: 'm.room.topic',
    sender: alice,
    stateKey: '',
    content: { topic: 'Ours' },
  });
  room.accept({ ...first, eventId, pdu: { ...first.pdu, event_id: eventId } });
  const second = room.tell((r) => r.setState(alice, 'm.room.topic', { topic: 'New' }));
  expect(unsigned((await documents(log))(second))).toMatchObject({ prev_content: { topic: 'Ours' } });
});
