import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestClient, type TestServer } from '../../support/server.js';

const V3 = '/_matrix/client/v3';

let server: TestServer;
let alice: TestClient;
let bob: TestClient;
beforeAll(async () => {
  server = await startTestServer();
  alice = await server.register('alice');
  bob = await server.register('bob');
});
afterAll(() => server.close());

async function room(by: TestClient, ...joining: TestClient[]): Promise<string> {
  const { room_id: roomId } = (await by.post('/createRoom', { preset: 'public_chat' })).ok();
  for (const other of joining) (await other.post(`/join/${encodeURIComponent(String(roomId))}`)).ok();
  return String(roomId);
}

describe('profiles', () => {
  it('have fields, which everybody can read', async () => {
    const path = `/profile/${alice.userId}`;
    expect((await server.stranger.get(path)).ok(`${V3}/profile/{userId}`)).toEqual({});
    // Of the two that everybody has or not, it is no error that they are not set.
    expect((await server.stranger.get(`${path}/displayname`)).ok()).toEqual({});
    expect((await server.stranger.get(`${path}/avatar_url`)).ok()).toEqual({});
    (await server.stranger.get(`${path}/org.example.pets`)).refused(404, 'M_NOT_FOUND');
    (await server.stranger.get('/profile/@nobody:one.example/displayname')).refused(404, 'M_NOT_FOUND');
    (await alice.put(`${path}/displayname`, { displayname: 'Alice' })).ok(`${V3}/profile/{userId}/{keyName}`);
    (await alice.put(`${path}/avatar_url`, { avatar_url: 'mxc://one.example/a' })).ok();
    (await alice.put(`${path}/org.example.pets`, { 'org.example.pets': ['cat', { n: 1 }] })).ok();
    expect((await server.stranger.get(path)).ok(`${V3}/profile/{userId}`)).toEqual({
      displayname: 'Alice',
      avatar_url: 'mxc://one.example/a',
      'org.example.pets': ['cat', { n: 1 }],
    });
    (await alice.delete(`${path}/org.example.pets`)).ok(`${V3}/profile/{userId}/{keyName}`);
    (await alice.get(`${path}/org.example.pets`)).refused(404, 'M_NOT_FOUND');
    expect((await bob.get(`${path}/displayname`)).ok(`${V3}/profile/{userId}/{keyName}`)).toEqual({
      displayname: 'Alice',
    });
  });

  it('are changed by nobody else, and only to what they can hold', async () => {
    const path = `/profile/${alice.userId}`;
    (await bob.put(`${path}/displayname`, { displayname: 'Bob' })).refused(403, 'M_FORBIDDEN');
    (await bob.delete(`${path}/displayname`)).refused(403, 'M_FORBIDDEN');
    (await alice.put(`${path}/displayname`, { name: 'Alice' })).refused(400, 'M_MISSING_PARAM');
    (await alice.put(`${path}/displayname`, { displayname: 7 })).refused(400, 'M_BAD_JSON');
    (await alice.put(`${path}/displayname`, { displayname: 'x'.repeat(257) })).refused(
      400,
      'M_INVALID_PARAM',
    );
    (await alice.put(`${path}/__proto__`, { a: 1 })).refused(400, 'M_MISSING_PARAM');
    (await alice.put(`${path}/Not%20One`, { 'Not One': 1 })).refused(400, 'M_INVALID_PARAM');
    (await alice.put(`${path}/org.example.big`, { 'org.example.big': 'x'.repeat(65_536) })).refused(
      400,
      'M_PROFILE_TOO_LARGE',
    );
    (await alice.get('/profile/@nobody:one.example')).refused(404, 'M_NOT_FOUND');
    (await alice.get('/profile/@alice:two.example')).refused(404, 'M_NOT_FOUND');
  });
});

describe('account data', () => {
  it('is kept for the account and for rooms', async () => {
    const ofAccount = `/user/${alice.userId}/account_data/org.example.settings`;
    const ofRoom = `/user/${alice.userId}/rooms/!a:one.example/account_data/org.example.settings`;
    (await alice.get(ofAccount)).refused(404, 'M_NOT_FOUND');
    (await alice.put(ofAccount, { a: 1 })).ok(`${V3}/user/{userId}/account_data/{type}`);
    (await alice.put(ofRoom, { b: 2 })).ok(`${V3}/user/{userId}/rooms/{roomId}/account_data/{type}`);
    expect((await alice.get(ofAccount)).ok(`${V3}/user/{userId}/account_data/{type}`)).toEqual({ a: 1 });
    expect((await alice.get(ofRoom)).ok(`${V3}/user/{userId}/rooms/{roomId}/account_data/{type}`)).toEqual({
      b: 2,
    });
    (await bob.get(ofAccount)).refused(403, 'M_FORBIDDEN');
    (await bob.put(ofRoom, {})).refused(403, 'M_FORBIDDEN');
  });

  it('shows push rules, and does not let them be written', async () => {
    const path = `/user/${bob.userId}/account_data/m.push_rules`;
    expect((await bob.get(path)).ok()).toEqual((await bob.get('/pushrules/')).ok());
    (await bob.put(path, {})).refused(405, 'M_BAD_JSON');
  });

  it('holds tags', async () => {
    const path = `/user/${alice.userId}/rooms/!a:one.example/tags`;
    const template = `${V3}/user/{userId}/rooms/{roomId}/tags`;
    expect((await alice.get(path)).ok(template)).toEqual({ tags: {} });
    (await alice.put(`${path}/u.work`, { order: 0.5 })).ok(`${template}/{tag}`);
    (await alice.put(`${path}/m.favourite`)).ok();
    expect((await alice.get(path)).ok(template)).toEqual({
      tags: { 'u.work': { order: 0.5 }, 'm.favourite': {} },
    });
    (await alice.delete(`${path}/u.work`)).ok(`${template}/{tag}`);
    expect((await alice.get(path)).ok(template)).toEqual({ tags: { 'm.favourite': {} } });
    (await bob.get(path)).refused(403, 'M_FORBIDDEN');
    (await bob.delete(`${path}/m.favourite`)).refused(403, 'M_FORBIDDEN');
  });
});

describe('filters', () => {
  it('are stored as they were sent', async () => {
    const filter = { room: { timeline: { limit: 3, 'org.example.more': true } } };
    const path = `/user/${alice.userId}/filter`;
    const { filter_id: id } = (await alice.post(path, filter)).ok(`${V3}/user/{userId}/filter`);
    expect((await alice.post(path, filter)).ok()['filter_id']).toBe(id);
    expect((await alice.get(`${path}/${String(id)}`)).ok(`${V3}/user/{userId}/filter/{filterId}`)).toEqual(
      filter,
    );
    (await alice.get(`${path}/none`)).refused(404, 'M_NOT_FOUND');
    (await alice.post(path, { event_format: 'other' })).refused(400, 'M_INVALID_PARAM');
    (await alice.post(path, { room: { state: { types: 'all' } } })).refused(400, 'M_BAD_JSON');
    (await bob.get(`${path}/${String(id)}`)).refused(403, 'M_FORBIDDEN');
    (await alice.get(`/sync?filter=${String(id)}`)).ok(`${V3}/sync`);
    (await alice.get('/sync?filter=none')).refused(400, 'M_INVALID_PARAM');
  });
});

describe('sync', () => {
  it('begins, goes on, and sleeps until something happens', async () => {
    const carol = await server.register('carol');
    const first = (await carol.get('/sync')).ok(`${V3}/sync`);
    const roomId = await room(alice);
    const waiting = carol.get(`/sync?since=${String(first['next_batch'])}&timeout=20000`);
    (await alice.post(`/rooms/${encodeURIComponent(roomId)}/invite`, { user_id: carol.userId })).ok();
    const second = (await waiting).ok(`${V3}/sync`);
    expect(second['rooms']).toMatchObject({ invite: { [roomId]: {} } });
  });

  it('takes a filter as JSON', async () => {
    const roomId = await room(alice);
    const filter = encodeURIComponent(JSON.stringify({ room: { rooms: [roomId], timeline: { limit: 1 } } }));
    const { rooms } = (await alice.get(`/sync?filter=${filter}`)).ok(`${V3}/sync`) as {
      rooms: { join: Record<string, { timeline: { events: unknown[]; limited: boolean } }> };
    };
    expect(Object.keys(rooms.join)).toEqual([roomId]);
    expect(rooms.join[roomId]?.timeline).toMatchObject({ limited: true });
    expect(rooms.join[roomId]?.timeline.events).toHaveLength(1);
    (await alice.get(`/sync?filter=${encodeURIComponent('{"room":')}`)).refused(400, 'M_NOT_JSON');
    (await alice.get('/sync?filter=%7B%22room%22%3A1%7D')).refused(400, 'M_BAD_JSON');
    (await alice.get('/sync?since=yesterday')).refused(400, 'M_INVALID_PARAM');
  });

  it('gives the state after the timeline to who asks for it by its name of the specification', async () => {
    const roomId = await room(alice);
    const joined = async (query: string) => {
      const { rooms } = (await alice.get(`/sync?${query}`)).ok() as {
        rooms: { join: Record<string, object> };
      };
      return Object.keys(rooms.join[roomId] ?? {});
    };
    expect(await joined('use_state_after=true')).toContain('state_after');
    expect(await joined('org.matrix.msc4222.use_state_after=true')).toContain('state');
  });
});

describe('push rules', () => {
  const RULE = '/pushrules/global/override/org.example.mine';
  const TEMPLATE = `${V3}/pushrules/global/{kind}/{ruleId}`;
  const rule = { actions: ['notify'], conditions: [{ kind: 'event_match', key: 'type', pattern: 'm.x' }] };

  it('are predefined, with the user’s own among them', async () => {
    const dave = await server.register('dave');
    const ids = async () => {
      const { override } = (await dave.get('/pushrules/global/')).ok(`${V3}/pushrules/global/`) as {
        override: { rule_id: string }[];
      };
      return override.map(({ rule_id: id }) => id);
    };
    expect((await dave.get('/pushrules/')).ok(`${V3}/pushrules/`)).toHaveProperty('global.override');
    expect((await ids())[0]).toBe('.m.rule.master');
    (await dave.put(RULE, rule)).ok(TEMPLATE);
    (await dave.put('/pushrules/global/override/first?before=org.example.mine', rule)).ok();
    (await dave.put('/pushrules/global/override/last?after=org.example.mine', rule)).ok();
    expect((await ids()).slice(1, 4)).toEqual(['first', 'org.example.mine', 'last']);
    expect((await dave.get(RULE)).ok(TEMPLATE)).toEqual({
      ...rule,
      rule_id: 'org.example.mine',
      default: false,
      enabled: true,
    });
    (await dave.put(`${RULE}/enabled`, { enabled: false })).ok(`${TEMPLATE}/enabled`);
    expect((await dave.get(`${RULE}/enabled`)).ok(`${TEMPLATE}/enabled`)).toEqual({ enabled: false });
    (await dave.put(`${RULE}/actions`, { actions: [] })).ok(`${TEMPLATE}/actions`);
    expect((await dave.get(`${RULE}/actions`)).ok(`${TEMPLATE}/actions`)).toEqual({ actions: [] });
    expect((await dave.get('/pushrules/global/override/')).ok()).toEqual(
      ((await dave.get('/pushrules/global/')).ok() as { override: unknown }).override,
    );
    (await dave.delete(RULE)).ok(TEMPLATE);
    (await dave.get(RULE)).refused(404, 'M_NOT_FOUND');
  });

  it('are told by sync when they change', async () => {
    const erin = await server.register('erin');
    const since = String((await erin.get('/sync')).ok()['next_batch']);
    (await erin.put(RULE, rule)).ok();
    const { account_data: data } = (await erin.get(`/sync?since=${since}`)).ok() as {
      account_data: { events: { type: string; content: { global: { override: { rule_id: string }[] } } }[] };
    };
    const [event] = data.events;
    expect(event?.type).toBe('m.push_rules');
    expect(event?.content.global.override.map((each) => each.rule_id)).toContain('org.example.mine');
  });

  it('are refused where they are none', async () => {
    (await alice.get('/pushrules/global/override/none')).refused(404, 'M_NOT_FOUND');
    (await alice.get('/pushrules/global/none/none')).refused(400, 'M_INVALID_PARAM');
    (await alice.put('/pushrules/global/override/none/enabled', { enabled: true })).refused(
      404,
      'M_NOT_FOUND',
    );
    (await alice.put(RULE, {})).refused(400, 'M_MISSING_PARAM');
    (await alice.put(`${RULE}?before=none`, rule)).refused(400, 'M_UNKNOWN');
    (await alice.delete('/pushrules/global/override/.m.rule.master')).refused(400, 'M_INVALID_PARAM');
    (await alice.get('/pushrules/global/none/')).refused(400, 'M_INVALID_PARAM');
    for (const path of ['/global', '/global/room', '/none/', '/none/room/x', '/global/room/x/none']) {
      (await alice.get(`/pushrules${path}`)).refused(400, 'M_UNRECOGNIZED');
      (await alice.put(`/pushrules${path}`)).refused(400, 'M_UNRECOGNIZED');
    }
    (await alice.put('/pushrules/')).refused(400, 'M_UNRECOGNIZED');
    (await alice.get('/pushrules')).refused(404, 'M_UNRECOGNIZED');
    (await server.stranger.get('/pushrules/none/')).refused(401, 'M_MISSING_TOKEN');
  });
});

describe('presence', () => {
  it('is set by its owner, and seen by who shares a room', async () => {
    const frank = await server.register('frank');
    const status = `/presence/${frank.userId}/status`;
    const template = `${V3}/presence/{userId}/status`;
    expect((await frank.get(status)).ok(template)).toEqual({ presence: 'offline', currently_active: false });
    (await frank.put(status, { presence: 'online', status_msg: 'Here' })).ok(template);
    (await bob.get(status)).refused(403, 'M_FORBIDDEN');
    (await bob.put(status, { presence: 'offline' })).refused(403, 'M_FORBIDDEN');
    await room(frank, bob);
    const seen = (await bob.get(status)).ok(template);
    expect(seen).toMatchObject({ presence: 'online', status_msg: 'Here', currently_active: true });
    expect(seen['last_active_ago']).toBeTypeOf('number');
  });
});

describe('the user directory', () => {
  const search = async (as: TestClient, term: string, limit?: number) =>
    (await as.post('/user_directory/search', { search_term: term, ...(limit && { limit }) })).ok(
      `${V3}/user_directory/search`,
    );

  it('finds whom one can see, by name or ID', async () => {
    const [grace, heidi, ivan] = [
      await server.register('grace'),
      await server.register('heidi'),
      await server.register('ivan'),
    ];
    (await grace.put(`/profile/${grace.userId}/displayname`, { displayname: 'Grace Hopper' })).ok();
    expect(await search(heidi, 'grace')).toEqual({ results: [], limited: false });
    (await grace.post('/createRoom', { preset: 'private_chat', invite: [heidi.userId] })).ok();
    expect((await search(heidi, 'grace'))['results']).toEqual([]);
    await room(grace);
    const found = { user_id: grace.userId, display_name: 'Grace Hopper' };
    expect(await search(heidi, 'hopper GRACE')).toEqual({ results: [found], limited: false });
    expect((await search(heidi, grace.userId))['results']).toEqual([found]);
    expect((await search(heidi, 'grace murray'))['results']).toEqual([]);
    await room(ivan);
    expect(await search(heidi, 'one.example', 1)).toMatchObject({ limited: true });
  });
});
