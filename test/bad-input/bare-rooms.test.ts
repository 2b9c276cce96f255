import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emptyRoom, roomStream } from '../../src/commands/aggregates/room.js';
import { createEvent, newEvent } from '../../src/commands/room/new-event.js';
import { RoomSession } from '../../src/commands/room/room-session.js';
import type { RecordBody } from '../../src/log/records.js';
import { roomVersion } from '../../src/protocol/room-versions.js';
import { startTestServer, type TestClient, type TestServer } from '../support/server.js';
import { expectSound } from '../support/soundness.js';

let server: TestServer;
let alice: TestClient;
let bob: TestClient;
beforeAll(async () => {
  server = await startTestServer();
  [alice, bob] = [await server.register('alice'), await server.register('bob')];
});
afterAll(async () => {
  await expectSound(server.core);
  await server.close();
});

/** A room that has its beginning, its creator and a door, and nothing else: other servers make such rooms. */
async function bareRoom(id: string): Promise<string> {
  const { write: side } = server.core;
  const version = roomVersion(id);
  if (version === undefined) throw new Error(`There is no version ${id}.`);
  const context = { correlationId: 'test', now: side.ports.clock.now() };
  const sender = alice.userId;
  const session = new RoomSession(side.ports, emptyRoom(`!bare${id}:one.example`));
  const isNamed = ['11', '12'].includes(id);
  const content = { room_version: id, ...(isNamed ? {} : { creator: sender }) };
  const create = { type: 'm.room.create', stateKey: '', sender, content };
  const records: RecordBody[] = [];
  const first = await createEvent(session, version, create, context);
  session.snapshot = emptyRoom(first.event.roomId);
  for (const made of [
    first,
    { type: 'm.room.member', stateKey: sender, sender, content: { membership: 'join' } },
    { type: 'm.room.join_rules', stateKey: '', sender, content: { join_rule: 'public' } },
  ]) {
    const { record } = 'event' in made ? made : await newEvent(session, made, context);
    if (record === undefined) throw new Error('The event makes no difference.');
    session.evolve(record);
    records.push(record);
  }
  const { position } = await side.rooms.handle(roomStream(session.roomId), context, (room) => {
    room.holdAll(session);
    return { records, result: undefined };
  });
  server.core.read.barrier.acknowledged(position);
  return session.roomId;
}

describe.each(['1', '6', '10', '11', '12'])('a room without power levels, of version %s', (version) => {
  it('has a creator who may do everything, and members who may speak', async () => {
    const roomId = encodeURIComponent(await bareRoom(version));
    (await bob.post(`/join/${roomId}`)).ok();
    (await bob.put(`/rooms/${roomId}/send/m.room.message/1`, { body: 'x' })).ok();
    (await bob.put(`/rooms/${roomId}/state/m.room.topic/`, { topic: 'mine' })).refused(403, 'M_FORBIDDEN');
    (await bob.post(`/rooms/${roomId}/kick`, { user_id: alice.userId })).refused(403, 'M_FORBIDDEN');
    (await bob.post(`/rooms/${roomId}/ban`, { user_id: alice.userId })).refused(403, 'M_FORBIDDEN');
    (await bob.get(`/rooms/${roomId}/state/m.room.power_levels/`)).refused(404, 'M_NOT_FOUND');
    const { chunk } = (await bob.get(`/rooms/${roomId}/messages?dir=b`)).ok() as { chunk: object[] };
    expect(chunk).toHaveLength(5);
    for (const path of ['/sync', `/rooms/${roomId}/state`, `/rooms/${roomId}/members`, '/publicRooms']) {
      (await bob.get(path)).ok();
    }
    const sent = (await bob.put(`/rooms/${roomId}/send/m.room.message/2`, { body: 'y' })).ok();
    (await alice.put(`/rooms/${roomId}/redact/${encodeURIComponent(String(sent['event_id']))}/3`)).ok();
    (await alice.post(`/rooms/${roomId}/kick`, { user_id: bob.userId })).ok();
    (await bob.post(`/join/${roomId}`)).ok();
    (await alice.post(`/rooms/${roomId}/upgrade`, { new_version: '10' })).ok();
    (await alice.post(`/rooms/${roomId}/ban`, { user_id: bob.userId })).ok();
    (await bob.post(`/join/${roomId}`)).refused(403, 'M_FORBIDDEN');
    const own = version === '12' ? {} : { [alice.userId]: 100 };
    (await alice.put(`/rooms/${roomId}/state/m.room.power_levels/`, { users: own })).ok();
  });
});
