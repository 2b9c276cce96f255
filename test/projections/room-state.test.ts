import { expect, test } from 'vitest';
import { roomStateProjection } from '../../projections/room-state.js';
import { roomState, stateEvents, stateRoots } from '../../src/read-models/collections.js';
import { folded } from '../support/folded.js';
import { MemoryLog } from '../support/memory-log.js';
import { projectionContract } from '../support/projections.js';
import { RecordedRoom } from '../support/records.js';
import { richRooms } from '../support/rich-rooms.js';
import { alice, bob } from '../support/room.js';

projectionContract(roomStateProjection, richRooms());

const setUp = (version = '11') => {
  const log = new MemoryLog();
  const room = new RecordedRoom(log, version);
  room.tell((r) => r.createdBy(alice).joinedBy(bob));
  return { log, room };
};

const topicOf = async (log: MemoryLog) =>
  (await folded(roomStateProjection, log.records)).of(roomState).find(({ type }) => type === 'm.room.topic');

test('the newest state event is current, and all are kept', async () => {
  const { log, room } = setUp();
  const first = room.tell((r) => r.setState(alice, 'm.room.topic', { topic: 'One' }));
  const before = { position: log.head, root: room.root };
  const second = room.tell((r) => r.setState(bob, 'm.room.topic', { topic: 'Two' }));
  const made = await folded(roomStateProjection, log.records);
  const entry = made.of(roomState).find(({ type }) => type === 'm.room.topic');
  expect(entry).toMatchObject({ event_id: second.eventId, sender: bob.id, position: log.head });
  expect(JSON.parse(entry?.json ?? '')).toMatchObject({ content: { topic: 'Two' }, state_key: '' });
  const kept = made.of(stateEvents).map(({ event_id }) => event_id);
  expect(kept.sort()).toEqual(room.room.timeline.map(({ eventId }) => eventId).sort());
  expect(kept).toContain(first.eventId);
  expect(made.of(stateRoots).slice(-2)).toEqual([
    { room_id: room.id, ...before },
    { room_id: room.id, position: log.head, root: room.root },
  ]);
});

test('a message costs nothing', async () => {
  const { log, room } = setUp();
  room.tell((r) => r.says(bob, 'Hi'));
  expect((await folded(roomStateProjection, log.records)).lastCost).toEqual({ reads: 0, writes: 0 });
});

test('resolution brings an older event back, a soft-failed one in, and takes one away', async () => {
  const { log, room } = setUp();
  const old = room.tell((r) => r.setState(alice, 'm.room.topic', { topic: 'Old' }));
  room.tell((r) =>
    r.setState(alice, 'm.room.topic', { topic: 'New' }).setState(alice, 'm.room.name', { name: 'X' }),
  );
  const kick = room.room.event({ type: 'm.room.member', sender: alice, stateKey: bob.id, content: { membership: 'leave' } }); // prettier-ignore
  room.softFail(kick);
  const delta = [
    { type: 'm.room.topic', state_key: '', event_id: old.eventId, replaces: null },
    { type: 'm.room.name', state_key: '', event_id: null, replaces: null },
    { type: 'm.room.member', state_key: bob.id, event_id: kick.eventId, replaces: null },
  ];
  room.send({ type: 'm.room.message', sender: alice }, { current: { root: 'merged', delta } });
  const made = await folded(roomStateProjection, log.records);
  const current = new Map(made.of(roomState).map((d) => [`${d.type} ${d.state_key}`, d]));
  expect(current.get('m.room.topic ')).toMatchObject({ event_id: old.eventId, position: log.head });
  expect(current.has('m.room.name ')).toBe(false);
  expect(current.get(`m.room.member ${bob.id}`)).toMatchObject({ event_id: kick.eventId });
  expect(made.of(stateRoots).at(-1)).toEqual({ room_id: room.id, position: log.head, root: 'merged' });
});

test('an outlier is kept for states, a rejected one is not', async () => {
  const { log, room } = setUp();
  const draft = { type: 'm.room.topic', sender: bob, stateKey: '' };
  const [outside, refused] = [room.room.event(draft), room.room.event(draft)];
  room.outlier(outside);
  room.outlier(refused, { rule: '5', reason: 'Not in the room.' });
  const made = await folded(roomStateProjection, log.records);
  const kept = made.of(stateEvents).map(({ event_id }) => event_id);
  expect(kept).toContain(outside.eventId);
  expect(kept).not.toContain(refused.eventId);
  expect(made.of(roomState).map(({ event_id }) => event_id)).not.toContain(outside.eventId);
});

test('an event that is not known leaves its place empty', async () => {
  const { log, room } = setUp();
  room.tell((r) => r.setState(alice, 'm.room.topic', { topic: 'One' }));
  const delta = [{ type: 'm.room.topic', state_key: '', event_id: '$unknown', replaces: null }];
  room.send({ type: 'm.room.message', sender: alice }, { current: { root: 'x', delta } });
  expect(await topicOf(log)).toBeUndefined();
});

test('redaction rewrites the event where it is kept and where it is current', async () => {
  const { log, room } = setUp();
  const first = room.tell((r) => r.setState(alice, 'm.room.topic', { topic: 'Rude one' }));
  const second = room.tell((r) => r.setState(alice, 'm.room.topic', { topic: 'Rude two' }));
  room.redact(bob, first);
  expect((await topicOf(log))?.json, 'what replaced it stays').toContain('Rude two');
  room.redact(bob, second);
  const made = await folded(roomStateProjection, log.records);
  expect(JSON.stringify(made.of(stateEvents))).not.toContain('Rude');
  expect(await topicOf(log)).toMatchObject({ event_id: second.eventId });
  expect((await topicOf(log))?.json).toContain('{"content":{},');
});

test('rooms that share an event ID, as old versions may, do not share the event', async () => {
  const { log, room } = setUp('1');
  const topic = room.tell((r) => r.setState(alice, 'm.room.topic', { topic: 'Ours' }));
  const other = new RecordedRoom(log, '1', 'other');
  other.tell((r) => r.createdBy(bob));
  const forged = other.room.event({
    type: 'm.room.topic',
    sender: bob,
    stateKey: '',
    content: { topic: 'Theirs' },
  });
  const { eventId } = topic;
  other.accept({ ...forged, eventId, pdu: { ...forged.pdu, event_id: eventId } });
  const kept = (await folded(roomStateProjection, log.records))
    .of(stateEvents)
    .filter((d) => d.event_id === eventId);
  expect(kept.map((d) => [d.room_id, d.json.includes('Ours')]).sort()).toEqual(
    [[room.id, true], [other.id, false]].sort(), // prettier-ignore
  );
});
