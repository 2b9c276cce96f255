import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRoomRoutes } from '../../../src/http/client/create-room.js';
import { directoryRoutes } from '../../../src/http/client/directory.js';
import { membershipRoutes } from '../../../src/http/client/membership.js';
import { roomStateRoutes } from '../../../src/http/client/room-state.js';
import { roomSummaryRoutes } from '../../../src/http/client/room-summary.js';
import { RoomServer, userId } from '../support/room-server.js';

let server: RoomServer;

beforeAll(async () => {
  server = await RoomServer.open((api) => [
    ...createRoomRoutes(api),
    ...membershipRoutes(api),
    ...roomStateRoutes(api),
    ...directoryRoutes(api),
    ...roomSummaryRoutes(api),
  ]);
  await server.users('alice', 'bob', 'carol');
});

afterAll(() => server.close());

const aliasPath = (alias: string) => `/directory/room/${encodeURIComponent(alias)}`;
const listPath = (roomId: string) => `/directory/list/room/${encodeURIComponent(roomId)}`;

interface Rooms {
  readonly chunk: readonly { readonly name?: string; readonly room_id: string }[];
  readonly next_batch?: string;
  readonly prev_batch?: string;
  readonly total_room_count_estimate: number;
}

const names = ({ chunk }: Rooms) => chunk.map(({ name }) => name);

describe('aliases', () => {
  it('are made by members, found by everybody, deleted by their makers', async () => {
    const alias = '#tea:one.example';
    const roomId = await server.room('alice', { preset: 'public_chat' });
    await server.refuses('bob', 'PUT', aliasPath(alias), 403, 'M_FORBIDDEN', { room_id: roomId });
    await server.does('alice', 'PUT', aliasPath(alias), { room_id: roomId });
    await server.refuses('alice', 'PUT', aliasPath(alias), 409, 'M_UNKNOWN', { room_id: roomId });
    const found = await server.get('', '/directory/room/{roomAlias}', { roomAlias: alias });
    expect(found).toEqual({ room_id: roomId, servers: ['one.example'] });
    expect(await server.get('alice', '/rooms/{roomId}/aliases', { roomId })).toEqual({ aliases: [alias] });
    await server.refuses('bob', 'GET', `/rooms/${encodeURIComponent(roomId)}/aliases`, 403, 'M_FORBIDDEN');
    await server.refuses('bob', 'DELETE', aliasPath(alias), 403, 'M_FORBIDDEN');
    await server.does('alice', 'DELETE', aliasPath(alias));
    await server.refuses('', 'GET', aliasPath(alias), 404, 'M_NOT_FOUND');
    await server.refuses('alice', 'DELETE', aliasPath(alias), 404, 'M_NOT_FOUND');
    await server.refuses('', 'GET', aliasPath('#tea:two.example'), 404, 'M_NOT_FOUND');
    await server.refuses('', 'GET', aliasPath('tea'), 400, 'M_INVALID_PARAM');
  });

  it('that are deleted leave the canonical alias event, where who deletes them may change it', async () => {
    const [main, other, third] = ['#main:one.example', '#other:one.example', '#third:one.example'];
    const roomId = await server.room('alice', { preset: 'public_chat' }, ['bob']);
    await server.does('alice', 'PUT', aliasPath(main), { room_id: roomId });
    for (const alias of [other, third])
      await server.does('bob', 'PUT', aliasPath(alias), { room_id: roomId });
    const aliases = { alias: main, alt_aliases: [other, third], 'x.y': 1 };
    await server.sets('alice', roomId, 'm.room.canonical_alias', aliases);
    const canonical = async () => {
      const path = `/rooms/${encodeURIComponent(roomId)}/state/m.room.canonical_alias/`;
      return (await server.ask('alice', 'GET', path)).body;
    };
    await server.does('alice', 'DELETE', aliasPath(main));
    expect(await canonical()).toEqual({ alt_aliases: [other, third], 'x.y': 1 });
    await server.does('alice', 'DELETE', aliasPath(other));
    expect(await canonical()).toEqual({ alt_aliases: [third], 'x.y': 1 });
    // Bob made it and may delete it, and has no say in the room's state.
    await server.does('bob', 'DELETE', aliasPath(third));
    expect(await canonical()).toEqual({ alt_aliases: [third], 'x.y': 1 });
    await server.refuses('', 'GET', aliasPath(third), 404, 'M_NOT_FOUND');
  });
});

describe('the published directory', () => {
  it('lists what is listed, by size, in pages there and back', async () => {
    const sizes: [string, string[]][] = [
      ['one', []],
      ['three', ['bob', 'carol']],
      ['two', ['bob']],
      ['space', []],
    ];
    const rooms = new Map<string, string>();
    for (const [name, joining] of sizes) {
      const creation = name === 'space' ? { creation_content: { type: 'm.space' } } : {};
      const request = {
        preset: 'public_chat',
        name,
        topic: `Room ${name}`,
        visibility: 'public',
        ...creation,
      };
      rooms.set(name, await server.room('alice', request, joining));
    }
    const hidden = await server.room('alice', { preset: 'public_chat', name: 'hidden' });
    const list = (query: Record<string, string>) => server.get<Rooms>('bob', '/publicRooms', {}, query);

    const all = await list({});
    expect(names(all).slice(0, 2)).toEqual(['three', 'two']);
    expect(names(all).sort()).toEqual(['one', 'space', 'three', 'two']);
    expect(all.total_room_count_estimate).toBe(4);
    const first = await list({ limit: '2' });
    const second = await list({ limit: '2', since: first.next_batch ?? '' });
    expect([...names(first), ...names(second)].sort()).toEqual(['one', 'space', 'three', 'two']);
    expect([first.prev_batch, second.next_batch]).toEqual([undefined, undefined]);
    const back = await list({ limit: '2', since: second.prev_batch ?? '' });
    expect(names(back)).toEqual(names(first));
    await server.refuses('bob', 'GET', '/publicRooms?since=x', 400, 'M_INVALID_PARAM');
    await server.refuses('', 'GET', '/publicRooms', 401, 'M_MISSING_TOKEN');
    await server.refuses('bob', 'GET', '/publicRooms?server=two.example', 502, 'M_UNKNOWN');

    const search = (filter: object) => server.does<Rooms>('1', 'POST', '/publicRooms', { filter });
    expect(names(await search({ generic_search_term: 'ROOM T' })).sort()).toEqual(['three', 'two']);
    expect(names(await search({ room_types: ['m.space'] }))).toEqual(['space']);
    expect(names(await search({ room_types: [null], generic_search_term: null }))).not.toContain('space');
    expect(names(await search({ room_types: ['m.space', null] }))).toHaveLength(4);

    expect(await server.get('', '/directory/list/room/{roomId}', { roomId: hidden })).toEqual({
      visibility: 'private',
    });
    await server.refuses('bob', 'PUT', listPath(hidden), 403, 'M_FORBIDDEN', { visibility: 'public' });
    await server.does('alice', 'PUT', listPath(hidden), {});
    await server.does('alice', 'PUT', listPath(rooms.get('one') ?? ''), { visibility: 'private' });
    expect(names(await list({})).sort()).toEqual(['hidden', 'space', 'three', 'two']);
    await server.refuses('', 'GET', listPath('!none:one.example'), 404, 'M_NOT_FOUND');
  });
});

describe("a room's summary", () => {
  const path = '/_matrix/client/v1/room_summary/{roomIdOrAlias}';
  const summary = (name: string, roomIdOrAlias: string) => server.get(name, path, { roomIdOrAlias });

  it('is told to those who may know of the room', async () => {
    const open = await server.room('alice', { preset: 'public_chat', name: 'Open', room_alias_name: 'open' });
    const closed = await server.room('alice', { name: 'Closed', invite: [userId('carol')] });
    const told = await summary('', '#open:one.example');
    expect(told).toMatchObject({ room_id: open, name: 'Open', num_joined_members: 1, room_version: '12' });
    expect(told).not.toHaveProperty('membership');
    expect(await summary('bob', open)).toMatchObject({ membership: 'leave', join_rule: 'public' });
    expect(await summary('carol', closed)).toMatchObject({ membership: 'invite', name: 'Closed' });
    const hidden = path.replace('{roomIdOrAlias}', encodeURIComponent(closed));
    for (const name of ['', 'bob']) await server.refuses(name, 'GET', hidden, 404, 'M_NOT_FOUND');
  });

  it('of a restricted room is for members of the rooms that it names', async () => {
    const parent = await server.room('alice', { preset: 'public_chat' }, ['bob']);
    const allow = [{ type: 'm.room_membership', room_id: parent }];
    const content = { join_rule: 'restricted', allow };
    const child = await server.room('alice', { initial_state: [{ type: 'm.room.join_rules', content }] });
    expect(await summary('bob', child)).toMatchObject({ allowed_room_ids: [parent] });
    const hidden = path.replace('{roomIdOrAlias}', encodeURIComponent(child));
    await server.refuses('carol', 'GET', hidden, 404, 'M_NOT_FOUND');
    await server.does('bob', 'POST', `/rooms/${encodeURIComponent(child)}/join`);
    await server.refuses('carol', 'POST', `/rooms/${encodeURIComponent(child)}/join`, 403, 'M_FORBIDDEN');
  });
});
