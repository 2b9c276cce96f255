import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, TestClient, type TestServer } from '../../support/server.js';

const V3 = '/_matrix/client/v3';

let server: TestServer;
let alice: TestClient;
let bob: TestClient;
let guest: TestClient;
let transactions = 0;

beforeAll(async () => {
  server = await startTestServer();
  alice = await server.register('alice');
  bob = await server.register('bob');
  const body = (await server.stranger.post('/register?kind=guest')).ok();
  const session = { userId: String(body['user_id']), token: String(body['access_token']) };
  guest = new TestClient(server.app, session);
});
afterAll(() => server.close());

interface Event {
  readonly type: string;
  readonly room_id?: string;
  readonly event_id?: string;
  readonly sender?: string;
  readonly user_id?: string;
  readonly content: Readonly<Record<string, unknown>>;
}

interface Stream {
  readonly start: string;
  readonly end: string;
  readonly chunk: readonly Event[];
}

interface RoomInfo {
  readonly room_id: string;
  readonly membership?: string;
  readonly messages: { readonly start: string; readonly end: string; readonly chunk: readonly Event[] };
  readonly state: readonly Event[];
  readonly presence: readonly Event[];
  readonly receipts: readonly Event[];
  readonly account_data: readonly Event[];
  readonly visibility: string;
  readonly invite?: Event;
}

const at = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`;

async function room(by: TestClient, request: object = {}): Promise<string> {
  return String((await by.post('/createRoom', { preset: 'public_chat', ...request })).ok()['room_id']);
}

async function says(by: TestClient, roomId: string, body: string): Promise<string> {
  const path = at(roomId, `/send/m.room.message/t${++transactions}`);
  return String((await by.put(path, { msgtype: 'm.text', body })).ok()['event_id']);
}

/** Lets everybody look into a room from here on. */
async function open(by: TestClient, roomId: string): Promise<void> {
  const content = { history_visibility: 'world_readable' };
  (await by.put(at(roomId, '/state/m.room.history_visibility'), content)).ok();
}

async function stream(by: TestClient, query: Readonly<Record<string, string>>): Promise<Stream> {
  const search = new URLSearchParams({ timeout: '0', ...query }).toString();
  return (await by.get(`/events?${search}`)).ok() as unknown as Stream;
}

async function roomInfo(by: TestClient, roomId: string, limit = 10): Promise<RoomInfo> {
  const answer = await by.get(at(roomId, `/initialSync?limit=${limit}`));
  return answer.ok(`${V3}/rooms/{roomId}/initialSync`) as unknown as RoomInfo;
}

const types = (events: readonly Event[]) => events.map(({ type }) => type);
const bodies = (events: readonly Event[]) =>
  events.filter(({ type }) => type === 'm.room.message').map(({ content }) => content['body']);

describe('the event stream', () => {
  it('begins now, and tells what happens in all rooms in order', async () => {
    const rooms = [await room(alice), await room(alice)];
    await says(alice, rooms[0] ?? '', 'before');
    const { chunk, start, end } = await stream(alice, {});
    expect([chunk, start]).toEqual([[], end]);
    for (let n = 0; n < 6; n++) await says(alice, rooms[n % 2] ?? '', `m${n}`);
    const next = await stream(alice, { from: end });
    expect(bodies(next.chunk)).toEqual(['m0', 'm1', 'm2', 'm3', 'm4', 'm5']);
    expect(next.chunk[0]).toMatchObject({ user_id: alice.userId, sender: alice.userId, room_id: rooms[0] });
    expect((await stream(alice, { from: next.end })).chunk).toEqual([]);
  });

  it('comes in pages, each event once', async () => {
    const rooms = [await room(alice), await room(alice)];
    let { end } = await stream(alice, {});
    const said = Array.from({ length: 23 }, (_, n) => `m${n}`);
    for (const [n, body] of said.entries()) await says(alice, rooms[n % 3 === 0 ? 0 : 1] ?? '', body);
    const heard: unknown[] = [];
    for (let page = 0; page < 8; page++) {
      const next = await stream(alice, { from: end, limit: '3' });
      expect(bodies(next.chunk).length).toBeLessThanOrEqual(3);
      heard.push(...bodies(next.chunk));
      end = next.end;
    }
    expect(heard).toEqual(said);
  });

  it('waits for something to happen', async () => {
    const roomId = await room(alice);
    const { end } = await stream(alice, {});
    const waiting = stream(alice, { from: end, timeout: '30000' });
    await says(alice, roomId, 'at last');
    expect(bodies((await waiting).chunk)).toEqual(['at last']);
  });

  it('tells of invites, leaving, receipts, typing, presence and account data', async () => {
    const roomId = await room(alice);
    const eventId = await says(alice, roomId, 'read me');
    let { end } = await stream(bob, {});
    const news = async () => {
      const next = await stream(bob, { from: end });
      end = next.end;
      return next.chunk.filter(({ type }) => type !== 'm.presence');
    };
    (await alice.post(at(roomId, '/invite'), { user_id: bob.userId })).ok();
    expect(await news()).toMatchObject([{ type: 'm.room.member', content: { membership: 'invite' } }]);
    (await bob.post(at(roomId, '/join'))).ok();
    await news();
    (await alice.post(at(roomId, `/receipt/m.read/${encodeURIComponent(eventId)}`))).ok();
    expect(await news()).toMatchObject([
      { type: 'm.receipt', room_id: roomId, content: { [eventId]: { 'm.read': { [alice.userId]: {} } } } },
    ]);
    (await alice.put(at(roomId, `/typing/${alice.userId}`), { typing: true })).ok();
    const typing = { type: 'm.typing', room_id: roomId, content: { user_ids: [alice.userId] } };
    expect(await news()).toEqual([typing]);
    (await alice.put(at(roomId, `/typing/${alice.userId}`), { typing: false })).ok();
    await news();
    (await bob.put(`/user/${bob.userId}/account_data/org.example.a`, { n: 1 })).ok();
    (await bob.put(`/user/${bob.userId}/rooms/${roomId}/tags/u.work`, { order: 0.5 })).ok();
    expect(await news()).toEqual([
      { type: 'org.example.a', content: { n: 1 } },
      { type: 'm.tag', room_id: roomId, content: { tags: { 'u.work': { order: 0.5 } } } },
    ]);
    const before = end;
    (await alice.put(`/presence/${alice.userId}/status`, { presence: 'online', status_msg: 'hi' })).ok();
    const presence = (await stream(bob, { from: before })).chunk.find(
      ({ sender }) => sender === alice.userId,
    );
    expect(presence?.content).toMatchObject({ user_id: alice.userId, presence: 'online', status_msg: 'hi' });
    await news();
    (await alice.post(at(roomId, '/kick'), { user_id: bob.userId })).ok();
    await says(alice, roomId, 'behind their back');
    expect(await news()).toMatchObject([{ type: 'm.room.member', content: { membership: 'leave' } }]);
  });

  it('refuses tokens that are none, or of another history', async () => {
    (await alice.get('/events?from=abc')).refused(400, 'M_INVALID_PARAM');
    (await alice.get('/events?from=s1_1_another-epoch')).refused(400, 'M_INVALID_PARAM');
    (await server.stranger.get('/events')).refused(401, 'M_MISSING_TOKEN');
  });
});

describe('looking into a room', () => {
  it('shows everybody what a world-readable room shows, guests too, and no other room', async () => {
    for (const who of [guest, bob]) {
      const [roomId, other] = [await room(alice), await room(alice)];
      await says(alice, roomId, 'for members');
      await open(alice, roomId);
      await says(alice, roomId, 'for all');
      const info = await roomInfo(who, roomId);
      expect(types(info.messages.chunk)).toEqual(['m.room.history_visibility', 'm.room.message']);
      expect(types(info.state)).toContain('m.room.create');
      expect(info.presence.map(({ content }) => content['user_id'])).toEqual([alice.userId]);
      expect(info).not.toHaveProperty('membership');
      const waiting = stream(who, { room_id: roomId, from: info.messages.end, timeout: '30000' });
      await says(alice, other, 'elsewhere');
      await says(alice, roomId, 'seen');
      expect(bodies((await waiting).chunk)).toEqual(['seen']);
    }
  });

  it('is refused where the room is not open, also where it was', async () => {
    const roomId = await room(alice);
    for (const who of [guest, bob]) {
      (await who.get(at(roomId, '/initialSync'))).refused(403, 'M_FORBIDDEN');
      (await who.get(`/events?room_id=${encodeURIComponent(roomId)}`)).refused(403, 'M_FORBIDDEN');
    }
    (await bob.post(at(roomId, '/join'))).ok();
    expect((await stream(bob, { room_id: roomId })).chunk).toEqual([]);
    (await bob.post(at(roomId, '/leave'))).ok();
    (await bob.get(`/events?room_id=${encodeURIComponent(roomId)}`)).refused(403, 'M_FORBIDDEN');
    (await guest.get('/events')).refused(403, 'M_GUEST_ACCESS_FORBIDDEN');
    (await guest.get('/initialSync')).refused(403, 'M_GUEST_ACCESS_FORBIDDEN');
  });
});

describe('the initial sync of before', () => {
  it('tells all rooms, and where the event stream goes on', async () => {
    const carol = await server.register('carol');
    const roomId = await room(carol, { visibility: 'public', topic: 'Tea' });
    const left = await room(carol);
    const invitedTo = await room(alice);
    const eventId = await says(carol, roomId, 'one');
    (await carol.post(at(roomId, `/receipt/m.read/${encodeURIComponent(eventId)}`))).ok();
    (await carol.put(`/user/${carol.userId}/rooms/${roomId}/tags/u.work`)).ok();
    (await carol.put(`/user/${carol.userId}/account_data/org.example.a`, { n: 1 })).ok();
    (await carol.post(at(left, '/leave'))).ok();
    (await alice.post(at(invitedTo, '/invite'), { user_id: carol.userId })).ok();

    const body = (await carol.get('/initialSync?limit=1')).ok(`${V3}/initialSync`);
    const rooms = body['rooms'] as readonly RoomInfo[];
    const [own, invited] = [roomId, invitedTo].map((id) => rooms.find((one) => one.room_id === id));
    expect(rooms).toHaveLength(2);
    expect(own).toMatchObject({ membership: 'join', visibility: 'public' });
    expect(bodies(own?.messages.chunk ?? [])).toEqual(['one']);
    expect(own?.state).toContainEqual(
      expect.objectContaining({ type: 'm.room.topic', user_id: carol.userId }),
    );
    expect(own?.account_data).toEqual([{ type: 'm.tag', content: { tags: { 'u.work': {} } } }]);
    expect(invited).toMatchObject({ membership: 'invite', inviter: alice.userId });
    expect(invited?.invite?.content).toMatchObject({ membership: 'invite' });
    expect(body['account_data']).toEqual([{ type: 'org.example.a', content: { n: 1 } }]);
    expect(body['receipts']).toMatchObject([{ type: 'm.receipt', room_id: roomId }]);
    expect((body['presence'] as readonly Event[])[0]?.content).toMatchObject({
      user_id: carol.userId,
      presence: 'online',
    });

    await says(carol, roomId, 'two');
    const next = await stream(carol, { from: String(body['end']) });
    expect(bodies(next.chunk)).toEqual(['two']);

    const none = (await carol.get('/initialSync?limit=0&archived=true')).ok(`${V3}/initialSync`);
    const all = none['rooms'] as readonly RoomInfo[];
    expect(all.map(({ membership }) => membership).sort()).toEqual(['invite', 'join', 'leave']);
    expect(
      all.flatMap(({ messages }) => (messages as RoomInfo['messages'] | undefined)?.chunk ?? []),
    ).toEqual([]);
  });

  it('of a room that was left ends where they left', async () => {
    const roomId = await room(alice);
    (await bob.post(at(roomId, '/join'))).ok();
    await says(alice, roomId, 'one');
    await says(alice, roomId, 'two');
    (await bob.post(at(roomId, '/leave'))).ok();
    await says(alice, roomId, 'three');
    (await alice.put(at(roomId, '/state/m.room.topic'), { topic: 'later' })).ok();
    const info = await roomInfo(bob, roomId, 2);
    expect(info.membership).toBe('leave');
    expect(types(info.messages.chunk)).toEqual(['m.room.message', 'm.room.member']);
    expect(bodies(info.messages.chunk)).toEqual(['two']);
    expect(types(info.state)).not.toContain('m.room.topic');
    expect([info.presence, info.receipts]).toEqual([[], []]);
  });

  it('finds single events by their ID alone, for those who may see them', async () => {
    const roomId = await room(alice);
    const eventId = await says(alice, roomId, 'one');
    const path = `/events/${encodeURIComponent(eventId)}`;
    expect((await alice.get(path)).ok(`${V3}/events/{eventId}`)).toMatchObject({ event_id: eventId });
    (await bob.get(path)).refused(404, 'M_NOT_FOUND');
    (await alice.get('/events/$none')).refused(404, 'M_NOT_FOUND');
  });
});
