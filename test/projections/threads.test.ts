import { expect, test } from 'vitest';
import { timelinesProjection } from '../../projections/timelines.js';
import type { RoomEvent } from '../../src/protocol/events.js';
import { threads } from '../../src/read-models/collections.js';
import { folded } from '../support/folded.js';
import { MemoryLog } from '../support/memory-log.js';
import { RecordedRoom } from '../support/records.js';
import { alice, bob } from '../support/room.js';

test('a thread is where its newest event is; other relations and state make none', async () => {
  const log = new MemoryLog();
  const room = new RecordedRoom(log, '11');
  room.tell((r) => r.createdBy(alice).joinedBy(bob));
  const says = (content: object = {}, more: object = {}) =>
    room.send({ type: 'm.room.message', sender: alice, content: { ...content }, ...more });
  const about = (root: RoomEvent, rel_type: string) => ({
    'm.relates_to': { rel_type, event_id: root.eventId },
  });
  const [one, two] = [says(), says()];
  says(about(one, 'm.thread'));
  says(about(two, 'm.thread'));
  const last = log.head;
  says(about(one, 'm.thread'));
  const newest = log.head;
  says(about(two, 'm.annotation'));
  says(about(says(), 'm.thread'), { type: 'org.example.state', stateKey: '' });
  const found = (await folded(timelinesProjection, log.records)).of(threads);
  expect(new Map(found.map(({ root, position }) => [root, position]))).toEqual(
    new Map([
      [one.eventId, newest],
      [two.eventId, last],
    ]),
  );
});

test('a thread goes back to what is left of it when its newest event is redacted, and goes when nothing is', async () => {
  const log = new MemoryLog();
  const room = new RecordedRoom(log, '11');
  room.tell((r) => r.createdBy(alice).joinedBy(bob));
  const says = (content: object = {}) =>
    room.send({ type: 'm.room.message', sender: alice, content: { ...content } });
  const root = says();
  const inThread = { 'm.relates_to': { rel_type: 'm.thread', event_id: root.eventId } };
  const first = says(inThread);
  const there = log.head;
  const second = says(inThread);
  const redact = (event: RoomEvent) => room.redact(alice, event);
  redact(second);
  const found = (await folded(timelinesProjection, log.records)).of(threads);
  expect(found).toEqual([{ room_id: root.roomId, root: root.eventId, position: there }]);
  redact(first);
  expect((await folded(timelinesProjection, log.records)).of(threads)).toEqual([]);
});
