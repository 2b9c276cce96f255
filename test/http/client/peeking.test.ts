import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestClient, type TestServer } from '../../support/server.js';
import { until } from '../../support/until.js';

const V3 = '/_matrix/client/v3';

let server: TestServer;
let alice: TestClient;
let transactions = 0;

beforeAll(async () => {
  server = await startTestServer();
  alice = await server.register('alice');
});
afterAll(() => server.close());

interface Room {
  readonly timeline: {
    readonly events: readonly { type: string; content: { body?: string } }[];
    readonly limited: boolean;
  };
}

const at = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`;

async function openRoom(request: object = {}): Promise<string> {
  const history = {
    type: 'm.room.history_visibility',
    state_key: '',
    content: { history_visibility: 'world_readable' },
  };
  const body = { preset: 'public_chat', initial_state: [history], ...request };
  return String((await alice.post('/createRoom', body)).ok()['room_id']);
}

async function says(roomId: string, body: string): Promise<void> {
  const path = at(roomId, `/send/m.room.message/t${++transactions}`);
  (await alice.put(path, { msgtype: 'm.text', body })).ok();
}

async function peek(by: TestClient, room: string): Promise<void> {
  (await by.post(`/peek/${encodeURIComponent(room)}`)).ok();
}

/** What a sync tells of rooms, and the next token. */
async function sync(
  by: TestClient,
  since?: string,
  timeout = 0,
): Promise<{ peek: Readonly<Record<string, Room>>; join: object; next: string }> {
  const query = since === undefined ? '' : `since=${since}&`;
  const body = (await by.get(`/sync?${query}timeout=${timeout}`)).ok(`${V3}/sync`);
  const { peek = {}, join } = body['rooms'] as { peek?: Readonly<Record<string, Room>>; join: object };
  return { peek, join, next: String(body['next_batch']) };
}

const bodies = (room: Room | undefined) =>
  (room?.timeline.events ?? []).flatMap(({ content }) => content.body ?? []);

describe('looking into a room by sync', () => {
  it('tells the device of it, and what happens in it, as long as it is open', async () => {
    const bob = await server.register('bob1');
    const other = await server.login('bob1');
    const roomId = await openRoom();
    await says(roomId, 'one');
    const { next: start } = await sync(bob);
    await peek(bob, roomId);
    const first = await sync(bob, start);
    expect(bodies(first.peek[roomId])).toEqual(['one']);
    expect(first.peek[roomId]?.timeline.events[0]?.type).toBe('m.room.create');
    expect(first.join).toEqual({});
    expect((await sync(bob, first.next)).peek).toEqual({});
    const waiting = sync(bob, first.next, 30_000);
    await says(roomId, 'two');
    const second = await waiting;
    expect(bodies(second.peek[roomId])).toEqual(['two']);
    expect(bodies((await sync(bob)).peek[roomId])).toEqual(['one', 'two']);
    expect((await sync(other)).peek).toEqual({});
    const closed = { history_visibility: 'shared' };
    (await alice.put(at(roomId, '/state/m.room.history_visibility'), closed)).ok();
    await says(roomId, 'three');
    expect((await sync(bob, second.next)).peek).toEqual({});
    expect((await sync(bob)).peek).toEqual({});
  });

  it('finds rooms by alias', async () => {
    const bob = await server.register('bob2');
    const roomId = await openRoom({ room_alias_name: 'peek' });
    await peek(bob, '#peek:one.example');
    expect((await sync(bob)).peek).toHaveProperty([roomId]);
  });

  it('ends when it is asked to, or when the room is joined, for good', async () => {
    const bob = await server.register('bob3');
    const [one, two] = [await openRoom(), await openRoom()];
    for (const roomId of [one, two]) await peek(bob, roomId);
    (await bob.post(at(one, '/unpeek'))).ok();
    (await bob.post(at(one, '/unpeek'))).ok();
    (await bob.post(at(two, '/join'))).ok();
    expect((await sync(bob)).peek).toEqual({});
    await until(async () => {
      const user = await server.core.write.user(bob.userId);
      return user.kind === 'active' && user.peeks.size === 0;
    });
    (await bob.post(at(two, '/leave'))).ok();
    expect((await sync(bob)).peek).toEqual({});
    (await bob.post(at(two, '/join'))).ok();
    await peek(bob, two);
    expect((await sync(bob)).peek).toEqual({});
  });

  it.each(['shared', 'invited', 'joined'])('is refused where history is %s', async (setting) => {
    const bob = await server.register(`bob-${setting}`);
    const roomId = await openRoom();
    const content = { history_visibility: setting };
    (await alice.put(at(roomId, '/state/m.room.history_visibility'), content)).ok();
    (await bob.post(`/peek/${encodeURIComponent(roomId)}`)).refused(403, 'M_FORBIDDEN');
    (await bob.post('/peek/!none:one.example')).refused(403, 'M_FORBIDDEN');
  });

  it('is possible for so many rooms at a time', async () => {
    const bob = await server.register('bob4');
    const data = { device_id: bob.deviceId };
    await server.core.write.users.handle(`user-${bob.userId}`, { correlationId: 'test', now: 0 }, () => ({
      records: Array.from({ length: 100 }, (_, n) => ({
        type: 'room.peeked' as const,
        version: 1 as const,
        data: { ...data, room_id: `!${n}:one.example` },
      })),
      result: undefined,
    }));
    const roomId = await openRoom();
    (await bob.post(`/peek/${encodeURIComponent(roomId)}`)).refused(400, 'M_LIMIT_EXCEEDED');
  });
});
