import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRoomRoutes } from '../../../src/http/client/create-room.js';
import { membershipRoutes } from '../../../src/http/client/membership.js';
import { redactionRoutes } from '../../../src/http/client/redaction.js';
import { roomSendRoutes } from '../../../src/http/client/room-send.js';
import { roomStateRoutes } from '../../../src/http/client/room-state.js';
import { threadsRoutes } from '../../../src/http/client/threads.js';
import { RoomServer, type ClientEvent } from '../support/room-server.js';

let server: RoomServer;

beforeAll(async () => {
  server = await RoomServer.open((api) => [
    ...createRoomRoutes(api),
    ...membershipRoutes(api),
    ...roomSendRoutes(api),
    ...roomStateRoutes(api),
    ...redactionRoutes(api),
    ...threadsRoutes(api),
  ]);
  await server.users('alice', 'bob', 'carol');
});

afterAll(() => server.close());

interface Page {
  readonly chunk: readonly ClientEvent[];
  readonly next_batch?: string;
}

const PUBLIC = { preset: 'public_chat' };
const inThread = (root: string) => ({ 'm.relates_to': { rel_type: 'm.thread', event_id: root } });

const threads = (name: string, roomId: string, query: Readonly<Record<string, string>> = {}) =>
  server.get<Page>(name, '/_matrix/client/v1/rooms/{roomId}/threads', { roomId }, query);
const ids = (page: Page) => page.chunk.map((event) => event.event_id);

describe('the threads of a room', () => {
  it('come with the one last spoken in first, in pages, with what is said in them', async () => {
    const roomId = await server.room('alice', PUBLIC, ['bob']);
    const roots: string[] = [];
    for (let n = 0; n < 5; n++) roots.push(await server.says('alice', roomId, `root ${n}`));
    for (const root of roots) await server.says('bob', roomId, 'reply', inThread(root));
    const [first = ''] = roots;
    await server.says('alice', roomId, 'again', inThread(first));
    const order = [first, ...roots.slice(1).reverse()];
    const whole = await threads('alice', roomId);
    expect(ids(whole)).toEqual(order);
    expect(whole).not.toHaveProperty('next_batch');
    expect(whole.chunk[0]?.unsigned).toMatchObject({
      'm.relations': { 'm.thread': { count: 2, current_user_participated: true } },
    });
    const got: string[] = [];
    let from: string | undefined;
    for (let page = 0; page < 3; page++) {
      const found = await threads('alice', roomId, { limit: '2', ...(from === undefined ? {} : { from }) });
      got.push(...ids(found));
      from = found.next_batch;
    }
    expect(got).toEqual(order);
    expect(from).toBeUndefined();
  });

  it('are those that one takes part in, where that is asked', async () => {
    const roomId = await server.room('alice', PUBLIC, ['bob', 'carol']);
    const [mine, theirs] = [await server.says('bob', roomId, '1'), await server.says('alice', roomId, '2')];
    await server.says('carol', roomId, 'reply', inThread(mine));
    await server.says('carol', roomId, 'reply', inThread(theirs));
    const include = { include: 'participated' };
    expect(ids(await threads('bob', roomId, include))).toEqual([mine]);
    expect(ids(await threads('carol', roomId, include))).toEqual([theirs, mine]);
  });

  it('are there as long as something is in them, for those who may see them', async () => {
    const roomId = await server.room('alice', PUBLIC);
    await server.sets('alice', roomId, 'm.room.history_visibility', { history_visibility: 'joined' });
    const root = await server.says('alice', roomId, 'root');
    const reply = await server.says('alice', roomId, 'reply', inThread(root));
    await server.refuses('bob', 'GET', threadsPath(roomId), 403, 'M_FORBIDDEN');
    await server.does('bob', 'POST', `/join/${encodeURIComponent(roomId)}`);
    expect(ids(await threads('bob', roomId))).toEqual([]);
    expect(ids(await threads('alice', roomId))).toEqual([root]);
    await server.redacts('alice', roomId, reply);
    expect(ids(await threads('alice', roomId))).toEqual([]);
  });

  it('that somebody ignored began are told redacted', async () => {
    const roomId = await server.room('alice', PUBLIC, ['bob', 'carol']);
    const root = await server.says('bob', roomId, 'noise');
    await server.says('carol', roomId, 'reply', inThread(root));
    await server.ignores('alice', 'bob');
    const [event] = (await threads('alice', roomId)).chunk;
    expect(event).toMatchObject({ event_id: root, content: {} });
  });

  it('are not found by a token that is none', async () => {
    const roomId = await server.room('alice', PUBLIC);
    await server.refuses('alice', 'GET', `${threadsPath(roomId)}?from=x`, 400, 'M_INVALID_PARAM');
    await server.refuses('alice', 'GET', `${threadsPath(roomId)}?limit=0`, 400, 'M_INVALID_PARAM');
  });
});

function threadsPath(roomId: string): string {
  return `/_matrix/client/v1/rooms/${encodeURIComponent(roomId)}/threads`;
}
