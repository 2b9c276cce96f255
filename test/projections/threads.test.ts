import { expect, test } from 'vitest';
import { threadsProjection } from '../../projections/threads.js';
import type { RoomEvent } from '../../src/protocol/events.js';
import { threads } from '../../src/read-models/collections.js';
import { folded } from '../support/folded.js';
import { MemoryLog } from '../support/memory-log.js';
import { projectionContract } from '../support/projections.js';
import { RecordedRoom } from '../support/records.js';
import { richRooms } from '../support/rich-rooms.js';
import { alice, bob } from '../support/room.js';

projectionContract(threadsProjection, richRooms());

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
  const found = (await folded(threadsProjection, log.records)).of(threads);
  expect(new Map(found.map(({ root, position }) => [root, position]))).toEqual(
    new Map([
      [one.eventId, newest],
      [two.eventId, last],
    ]),
  );
});
