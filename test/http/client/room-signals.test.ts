import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRoomRoutes } from '../../../src/http/client/create-room.js';
import { membershipRoutes } from '../../../src/http/client/membership.js';
import { readMarkersRoutes } from '../../../src/http/client/read-markers.js';
import { receiptsRoutes } from '../../../src/http/client/receipts.js';
import { roomSendRoutes } from '../../../src/http/client/room-send.js';
import { roomStateRoutes } from '../../../src/http/client/room-state.js';
import { roomUpgradesRoutes } from '../../../src/http/client/room-upgrades.js';
import { syncRoutes } from '../../../src/http/client/sync.js';
import { typingRoutes } from '../../../src/http/client/typing.js';
import { RoomServer, userId, type ClientEvent } from '../support/room-server.js';

let server: RoomServer;

beforeAll(async () => {
  server = await RoomServer.open((api) => [
    ...createRoomRoutes(api),
    ...membershipRoutes(api),
    ...roomSendRoutes(api),
    ...roomStateRoutes(api),
    ...roomUpgradesRoutes(api),
    ...typingRoutes(api),
    ...receiptsRoutes(api),
    ...readMarkersRoutes(api),
    ...syncRoutes(api),
  ]);
  await server.users('alice', 'bob', 'carol');
});

afterAll(() => server.close());

const PUBLIC = { preset: 'public_chat' };
const at = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`;

interface Joined {
  readonly ephemeral: { readonly events: readonly { type: string; content: Record<string, unknown> }[] };
  readonly account_data: { readonly events: readonly { type: string; content: Record<string, unknown> }[] };
}

/** What sync tells of a room. */
async function synced(name: string, roomId: string): Promise<Joined> {
  const answer = await server.get<{ rooms: { join: Record<string, Joined> } }>(name, '/sync');
  const room = answer.rooms.join[roomId];
  if (room === undefined) throw new Error(`${name} is not in ${roomId}`);
  return room;
}

const ephemeral = async (name: string, roomId: string, type: string) =>
  (await synced(name, roomId)).ephemeral.events.find((event) => event.type === type)?.content;

describe('typing', () => {
  it('is shown to others until it ends, by members for themselves', async () => {
    const roomId = await server.room('alice', PUBLIC, ['bob']);
    const path = at(roomId, `/typing/${userId('alice')}`);
    await server.does('alice', 'PUT', path, { typing: true, timeout: 5000 });
    expect(await ephemeral('bob', roomId, 'm.typing')).toEqual({ user_ids: [userId('alice')] });
    server.clock.advance(5000);
    expect(await ephemeral('bob', roomId, 'm.typing')).toBeUndefined();
    await server.does('alice', 'PUT', path, { typing: true });
    await server.does('alice', 'PUT', path, { typing: false });
    expect(await ephemeral('bob', roomId, 'm.typing')).toBeUndefined();
    await server.refuses('bob', 'PUT', path, 403, 'M_FORBIDDEN', { typing: true });
    const outsider = at(roomId, `/typing/${userId('carol')}`);
    await server.refuses('carol', 'PUT', outsider, 403, 'M_FORBIDDEN', { typing: true });
    await server.refuses('alice', 'PUT', path, 400, 'M_MISSING_PARAM', {});
  });
});

describe('receipts and read markers', () => {
  it('are told to the room, private ones to their owner alone', async () => {
    const roomId = await server.room('alice', PUBLIC, ['bob']);
    const [one, two] = [await server.says('alice', roomId, '1'), await server.says('alice', roomId, '2')];
    const receipt = (type: string, eventId: string) =>
      at(roomId, `/receipt/${type}/${encodeURIComponent(eventId)}`);
    await server.does('bob', 'POST', receipt('m.read', one));
    const shown = await ephemeral('alice', roomId, 'm.receipt');
    expect(shown?.[one]).toMatchObject({ 'm.read': { [userId('bob')]: {} } });
    await server.does('bob', 'POST', receipt('m.read.private', two), { thread_id: 'main' });
    expect(await ephemeral('alice', roomId, 'm.receipt')).not.toHaveProperty(two);
    const own = await ephemeral('bob', roomId, 'm.receipt');
    expect(own?.[two]).toMatchObject({ 'm.read.private': { [userId('bob')]: { thread_id: 'main' } } });
    await server.refuses('carol', 'POST', receipt('m.read', one), 403, 'M_FORBIDDEN');
    await server.refuses('bob', 'POST', receipt('m.wrong', one), 400, 'M_INVALID_PARAM');
  });

  it('are set together', async () => {
    const roomId = await server.room('alice', PUBLIC, ['bob']);
    const eventId = await server.says('alice', roomId, '1');
    await server.does('bob', 'POST', at(roomId, '/read_markers'), {
      'm.fully_read': eventId,
      'm.read': eventId,
    });
    const { account_data: data } = await synced('bob', roomId);
    expect(data.events).toContainEqual({ type: 'm.fully_read', content: { event_id: eventId } });
    expect(await ephemeral('alice', roomId, 'm.receipt')).toHaveProperty([eventId]);
    await server.does('bob', 'POST', at(roomId, '/read_markers'));
    await server.refuses('carol', 'POST', at(roomId, '/read_markers'), 403, 'M_FORBIDDEN');
  });
});

describe('an upgrade', () => {
  it('makes a room that goes on where the old one ends', async () => {
    const old = await server.room('alice', { ...PUBLIC, name: 'Tea', room_version: '10' }, ['bob', 'carol']);
    await server.does('alice', 'POST', at(old, '/ban'), { user_id: userId('carol'), reason: 'noise' });
    await server.refuses('bob', 'POST', at(old, '/upgrade'), 403, 'M_FORBIDDEN', { new_version: '11' });
    await server.refuses('alice', 'POST', at(old, '/upgrade'), 400, 'M_UNSUPPORTED_ROOM_VERSION', {
      new_version: '99',
    });
    const { replacement_room: replacement } = await server.does<{ replacement_room: string }>(
      'alice',
      'POST',
      at(old, '/upgrade'),
      { new_version: '11' },
    );
    const state = async (roomId: string, rest: string) =>
      (await server.ask<ClientEvent>('alice', 'GET', at(roomId, `/state/${rest}`))).body;
    expect(await state(old, 'm.room.tombstone')).toMatchObject({ replacement_room: replacement });
    expect(await state(replacement, 'm.room.create')).toMatchObject({
      room_version: '11',
      predecessor: { room_id: old },
    });
    expect(await state(replacement, 'm.room.name')).toEqual({ name: 'Tea' });
    expect(await state(replacement, `m.room.member/${userId('carol')}`)).toMatchObject({ membership: 'ban' });
    await server.refuses('bob', 'PUT', at(old, '/send/m.room.message/late'), 403, 'M_FORBIDDEN', {});
  });
});
