import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PASSWORD, startTestServer, type TestServer } from '../../support/server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    env: {
      ENGRAM_LIMITS__DEVICES_PER_USER: '3',
      ENGRAM_LIMITS__ROOMS_PER_USER: '2',
      ENGRAM_LIMITS__ACCOUNT_DATA_BYTES: '65536',
      ENGRAM_LIMITS__FILTERS_PER_USER: '2',
      ENGRAM_LIMITS__PUSHERS_PER_USER: '2',
    },
  });
});
afterAll(() => server.close());

describe('an account', () => {
  it('has so many devices, and may sign in again where it is', async () => {
    const alice = await server.register('alice');
    await server.login('alice');
    const last = await server.login('alice', { device_id: 'LAST' });
    const identifier = { type: 'm.id.user', user: 'alice' };
    const wish = { type: 'm.login.password', identifier, password: PASSWORD };
    const refused = (await server.stranger.post('/login', wish)).refused(403, 'M_RESOURCE_LIMIT_EXCEEDED');
    expect(refused['error']).toBe(
      'This account has 3 sessions, and can have no more: end some that are not used.',
    );
    await server.login('alice', { device_id: 'LAST' });
    (await last.post('/logout')).refused(401, 'M_UNKNOWN_TOKEN');
    (await alice.post('/logout')).ok();
    await server.login('alice');
  });

  it('is in so many rooms, however it comes into them', async () => {
    const [bob, host] = [await server.register('bob'), await server.register('host')];
    const open = async () =>
      String((await host.post('/createRoom', { preset: 'public_chat' })).ok()['room_id']);
    const [one, two] = [await open(), await open()];
    (await host.post('/createRoom')).refused(403, 'M_RESOURCE_LIMIT_EXCEEDED');
    const own = String((await bob.post('/createRoom')).ok()['room_id']);
    (await bob.post(`/join/${one}`)).ok();
    (await bob.post(`/join/${two}`)).refused(403, 'M_RESOURCE_LIMIT_EXCEEDED');
    const member = `/state/m.room.member/${bob.userId}`;
    (await bob.put(`/rooms/${two}${member}`, { membership: 'join' })).refused(
      403,
      'M_RESOURCE_LIMIT_EXCEEDED',
    );
    (await bob.post(`/join/${one}`)).ok();
    (await bob.put(`/rooms/${one}${member}`, { membership: 'join', displayname: 'Bob' })).ok();
    (await bob.post(`/rooms/${own}/leave`)).ok();
    (await bob.post(`/join/${two}`)).ok();
  });

  it('keeps so much account data, and what makes it less is taken', async () => {
    const carol = await server.register('carol');
    const set = (type: string, size: number) =>
      carol.put(`/user/${carol.userId}/account_data/${type}`, { text: 'x'.repeat(size) });
    (await set('org.example.a', 40_000)).ok();
    (await set('org.example.b', 30_000)).refused(403, 'M_RESOURCE_LIMIT_EXCEEDED');
    (await set('org.example.a', 20_000)).ok();
    (await set('org.example.b', 30_000)).ok();
    const room = `/user/${carol.userId}/rooms/${encodeURIComponent('!r:one.example')}`;
    (await carol.put(`${room}/tags/${'t'.repeat(250)}`, { order: 0.5 })).ok();
    (await carol.put(`${room}/account_data/org.example.c`, { text: 'x'.repeat(16_000) })).refused(
      403,
      'M_RESOURCE_LIMIT_EXCEEDED',
    );
    expect((await carol.get(`/user/${carol.userId}/account_data/org.example.b`)).ok()).toEqual({
      text: 'x'.repeat(30_000),
    });
    (await set('org.example.d', 600_000)).refused(413, 'M_TOO_LARGE');
  });

  it('keeps so many filters, and has those that it has', async () => {
    const dave = await server.register('dave');
    const define = (limit: number) =>
      dave.post(`/user/${dave.userId}/filter`, { room: { timeline: { limit } } });
    const first = (await define(1)).ok();
    (await define(2)).ok();
    (await define(3)).refused(403, 'M_RESOURCE_LIMIT_EXCEEDED');
    expect((await define(1)).ok()).toEqual(first);
    const huge = { event_fields: Array.from({ length: 5000 }, (_, n) => `content.field_${n}`) };
    (await dave.post(`/user/${dave.userId}/filter`, huge)).refused(413, 'M_TOO_LARGE');
  });

  it('has so many pushers, may change those that it has, and has room again where one goes', async () => {
    const [erin, frank] = [await server.register('erin'), await server.register('frank')];
    const other = await server.login('erin');
    const pusher = { app_id: 'app', app_display_name: 'App', device_display_name: 'Phone', lang: 'en' };
    const data = { url: 'https://push.example/_matrix/push/v1/notify' };
    const set = (by: typeof erin, pushkey: string, changes: object = {}) =>
      by.post('/pushers/set', { ...pusher, kind: 'http', pushkey, data, ...changes });
    (await set(erin, 'a')).ok();
    (await set(other, 'b')).ok();
    (await set(erin, 'c')).refused(403, 'M_RESOURCE_LIMIT_EXCEEDED');
    (await set(erin, 'a', { lang: 'de' })).ok();
    (await set(frank, 'c')).ok();
    (await erin.post('/pushers/set', { app_id: 'app', pushkey: 'a', kind: null })).ok();
    (await set(erin, 'c', { append: true })).ok();
    (await set(erin, 'd')).refused(403, 'M_RESOURCE_LIMIT_EXCEEDED');
    (await other.post('/logout')).ok();
    (await set(erin, 'd')).ok();
    // One that somebody else has taken over can be deleted still, and counts no more then.
    (await set(frank, 'd')).ok();
    (await set(erin, 'e')).refused(403, 'M_RESOURCE_LIMIT_EXCEEDED');
    (await erin.post('/pushers/set', { app_id: 'app', pushkey: 'd', kind: null })).ok();
    (await set(erin, 'e')).ok();
    const left = (await erin.get('/pushers')).ok()['pushers'] as { pushkey: string }[];
    expect(left.map(({ pushkey }) => pushkey)).toEqual(['c', 'e']);
  });
});
