import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRoomRoutes } from '../../../src/http/client/create-room.js';
import { membersRoutes } from '../../../src/http/client/members.js';
import { membershipRoutes } from '../../../src/http/client/membership.js';
import { messagesRoutes } from '../../../src/http/client/messages.js';
import { relationsRoutes } from '../../../src/http/client/relations.js';
import { roomSendRoutes } from '../../../src/http/client/room-send.js';
import { syncRoutes } from '../../../src/http/client/sync.js';
import { bodies, RoomServer, userId, type ClientEvent } from '../support/room-server.js';

/*
 * What clients have kept from before the server was restored or moved: tokens of an epoch that is not this one. None of
 * them may keep a client from going on.
 */

/** As this server gives them out, of positions that it may have or not. */
const TOKENS = ['s0_0', 's5_1700000000000', 's987654321_0'].map((token) => `${token}_another-epoch`);

let server: RoomServer;
let roomId: string;
let parent: string;
beforeAll(async () => {
  server = await RoomServer.open((api) => [
    ...createRoomRoutes(api),
    ...membershipRoutes(api),
    ...roomSendRoutes(api),
    ...messagesRoutes(api),
    ...membersRoutes(api),
    ...relationsRoutes(api),
    ...syncRoutes(api),
  ]);
  await server.users('alice', 'bob');
  roomId = await server.room('alice', { preset: 'public_chat' });
  await server.does('bob', 'POST', `/rooms/${encodeURIComponent(roomId)}/join`);
  parent = await server.says('alice', roomId, 'm0');
  for (const n of [1, 2, 3]) {
    const content = {
      msgtype: 'm.text',
      body: `m${n}`,
      'm.relates_to': { rel_type: 'm.thread', event_id: parent },
    };
    await server.does(
      'bob',
      'PUT',
      `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/t${n}`,
      content,
    );
  }
});
afterAll(() => server.close());

const at = (rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`;

describe.each(TOKENS)('the token %s of another epoch', (token) => {
  it('pages backwards from the end, and on from there to the beginning', async () => {
    const first = await server.messages('alice', roomId, { dir: 'b', from: token, limit: '2' });
    expect(bodies(first.chunk)).toEqual(['m3', 'm2']);
    const second = await server.messages('alice', roomId, { dir: 'b', from: first.end ?? '', limit: '100' });
    expect(bodies(second.chunk)).toEqual(['m1', 'm0']);
    expect(second.chunk.at(-1)?.type).toBe('m.room.create');
  });

  it('bounds no page', async () => {
    const back = await server.messages('alice', roomId, { dir: 'b', to: token, limit: '100' });
    expect(back.chunk.at(-1)?.type).toBe('m.room.create');
    const forth = await server.messages('alice', roomId, { dir: 'f', to: token, limit: '100' });
    expect(bodies(forth.chunk)).toEqual(['m0', 'm1', 'm2', 'm3']);
  });

  it('pages relations backwards from the end', async () => {
    const { chunk } = await server.get<{ chunk: ClientEvent[] }>(
      'alice',
      '/_matrix/client/v1/rooms/{roomId}/relations/{eventId}',
      { roomId, eventId: parent },
      { from: token, to: token, dir: 'b' },
    );
    expect(bodies(chunk)).toEqual(['m3', 'm2', 'm1']);
  });

  it('is refused where what comes after it is asked for, which nobody knows', async () => {
    const related = `/_matrix/client/v1${at(`/relations/${encodeURIComponent(parent)}`)}`;
    for (const path of [at('/messages'), related]) {
      const { status, body } = await server.ask('alice', 'GET', `${path}?dir=f&from=${token}`);
      expect([status, body]).toEqual([400, expect.objectContaining({ errcode: 'M_INVALID_PARAM' })]);
    }
  });

  it('gives the members as of now', async () => {
    const { chunk } = await server.get<{ chunk: ClientEvent[] }>(
      'alice',
      '/rooms/{roomId}/members',
      { roomId },
      { at: token },
    );
    expect(chunk.map(({ state_key }) => state_key).sort()).toEqual([userId('alice'), userId('bob')]);
  });
});

it('what was never a token is refused wherever it is', async () => {
  for (const path of ['/messages?dir=b&from=x', '/messages?dir=b&to=x', '/members?at=x']) {
    expect((await server.ask('alice', 'GET', at(path))).status).toBe(400);
  }
});
