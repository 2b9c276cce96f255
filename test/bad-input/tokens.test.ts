import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../support/manual-clock.js';
import { raw } from '../support/raw-request.js';
import { PASSWORD, startTestServer, TestClient, type TestServer } from '../support/server.js';

let server: TestServer;
let other: TestServer;
const clock = new ManualClock();
let alice: TestClient;
beforeAll(async () => {
  [server, other] = [await startTestServer({ clock }), await startTestServer()];
  alice = await server.register('alice');
});
afterAll(async () => {
  await server.close();
  await other.close();
});

const withToken = (token: string) => new TestClient(server.app, { token });

describe('access tokens', () => {
  it('that were never given out are refused, whatever they are', async () => {
    const elsewhere = await other.register('alice');
    for (const token of [
      'x',
      elsewhere.token,
      `${alice.token}x`,
      alice.token.slice(0, -1),
      'x'.repeat(60_000),
    ]) {
      const refused = (await withToken(token).get('/account/whoami')).refused(401, 'M_UNKNOWN_TOKEN');
      expect(refused['soft_logout']).toBeUndefined();
    }
    for (const authorization of ['', 'Bearer', 'Bearer ', `Basic ${alice.token}`, alice.token, 'Bearer  ']) {
      const headers = { authorization };
      const answer = await raw(server, { method: 'GET', path: '/account/whoami', headers });
      expect([authorization, answer.status]).toEqual([authorization, 401]);
    }
    for (const query of ['access_token=', 'access_token[]=x', `access_token=x&access_token=${alice.token}`]) {
      expect((await raw(server, { method: 'GET', path: `/account/whoami?${query}` })).status).toBe(401);
    }
  });

  it('that have expired, of a device that was logged out or deleted, and of a closed account', async () => {
    await server.register('bob');
    const expiring = await server.login('bob', { refresh_token: true });
    (await expiring.get('/account/whoami')).ok();
    clock.advance(3_600_000);
    const refused = (await expiring.put('/user/@bob:one.example/account_data/x', {})).refused(
      401,
      'M_UNKNOWN_TOKEN',
    );
    expect(refused['soft_logout']).toBe(true);

    const [phone, tablet, laptop] = [
      await server.login('bob'),
      await server.login('bob'),
      await server.login('bob'),
    ];
    (await phone.post('/logout')).ok();
    (await phone.get('/sync')).refused(401, 'M_UNKNOWN_TOKEN');
    (await phone.post('/logout')).refused(401, 'M_UNKNOWN_TOKEN');
    (await laptop.delete(`/devices/${tablet.deviceId}`, laptop.passwordAuth)).ok();
    (await tablet.get('/sync')).refused(401, 'M_UNKNOWN_TOKEN');
    (await laptop.post('/account/deactivate', laptop.passwordAuth)).ok();
    for (const path of ['/sync', '/account/whoami', '/joined_rooms']) {
      (await laptop.get(path)).refused(401, 'M_UNKNOWN_TOKEN');
    }
    const identifier = { type: 'm.id.user', user: 'bob' };
    const login = { type: 'm.login.password', identifier, password: PASSWORD };
    (await server.stranger.post('/login', login)).refused(403, 'M_FORBIDDEN');
  });

  it('that are refresh tokens, and refresh tokens that are access tokens', async () => {
    const identifier = { type: 'm.id.user', user: 'alice' };
    const login = { type: 'm.login.password', identifier, password: PASSWORD, refresh_token: true };
    const session = (await server.stranger.post('/login', login)).ok();
    (await withToken(String(session['refresh_token'])).get('/account/whoami')).refused(
      401,
      'M_UNKNOWN_TOKEN',
    );
    const traded = await server.stranger.post('/refresh', { refresh_token: session['access_token'] });
    traded.refused(401, 'M_UNKNOWN_TOKEN');
  });
});

describe('sync tokens', () => {
  it('that are forged are refused', async () => {
    for (const since of [
      '',
      'x',
      's',
      's1',
      's1_2',
      's-1_0_x',
      's1_0_',
      's1e3_0_x',
      's99999999999999999_0_x',
      's1_0_ü',
      's1_0_x_y',
      '0'.repeat(1000),
    ]) {
      const answer = await alice.get(`/sync?since=${encodeURIComponent(since)}`);
      expect([since, answer.status, answer.errcode]).toEqual([since, 400, 'M_INVALID_PARAM']);
    }
    (await alice.get(`/sync?since=${'0'.repeat(2000)}`)).refused(400, 'M_INVALID_PARAM');
  });

  it('of another epoch begin afresh, and of the future wait from now on', async () => {
    await alice.post('/createRoom');
    const initial = (await alice.get('/sync')).ok();
    const [, position, , epoch] = /^s(\d+)_(\d+)_(.+)$/.exec(String(initial['next_batch'])) ?? [];
    const rooms = (body: Readonly<Record<string, unknown>>) =>
      Object.keys((body['rooms'] as { join: object }).join).length;
    const restored = (await alice.get(`/sync?since=s${position ?? ''}_0_other-epoch`)).ok();
    expect(rooms(restored)).toBe(rooms(initial));
    const future = (await alice.get(`/sync?since=s${Number(position) + 1_000_000}_0_${epoch ?? ''}`)).ok();
    expect([rooms(future), future['next_batch']]).toEqual([0, initial['next_batch']]);
    await alice.post('/createRoom');
    const next = (await alice.get(`/sync?since=${String(future['next_batch'])}`)).ok();
    expect(rooms(next)).toBe(1);
  });

  it('of another user show nothing that is not one’s own', async () => {
    const roomId = String((await alice.post('/createRoom')).ok()['room_id']);
    const token = String((await alice.get('/sync')).ok()['next_batch']);
    await alice.put(`/rooms/${roomId}/send/m.room.message/secret`, { body: 'between us' });
    const carol = await server.register('carol');
    const seen = (await carol.get(`/sync?since=${token}`)).ok();
    expect(JSON.stringify(seen)).not.toContain(roomId);
    expect(JSON.stringify((await carol.get('/sync?since=s0_0_x')).ok())).not.toContain('between us');
  });
});

describe('paging tokens', () => {
  it('that are forged are refused, of other rooms and users show no more than one may see', async () => {
    const [one, two] = [
      String((await alice.post('/createRoom')).ok()['room_id']),
      String((await alice.post('/createRoom')).ok()['room_id']),
    ];
    for (let n = 0; n < 5; n++)
      await alice.put(`/rooms/${one}/send/m.room.message/one${n}`, { body: `one ${n}` });
    const { end } = (await alice.get(`/rooms/${one}/messages?dir=b&limit=2`)).ok();
    const there = (await alice.get(`/rooms/${two}/messages?dir=b&from=${String(end)}`)).ok();
    expect(JSON.stringify(there['chunk'])).not.toContain('one ');
    const dave = await server.register('dave');
    (await dave.get(`/rooms/${one}/messages?dir=b&from=${String(end)}`)).refused(403, 'M_FORBIDDEN');
    const { start } = (await alice.get(`/rooms/${one}/messages?dir=b`)).ok();
    const foreign = String(start).replace(/_[^_]+$/, '_other-epoch');
    for (const from of ['x', '', 's1', 't1_0_x']) {
      const answer = await alice.get(`/rooms/${one}/messages?dir=b&from=${encodeURIComponent(from)}`);
      expect([from, answer.status, answer.errcode]).toEqual([from, 400, 'M_INVALID_PARAM']);
    }
    // One of another epoch has no place here: backwards the page begins at the end, forwards nobody knows what is next.
    const afresh = (await alice.get(`/rooms/${one}/messages?dir=b&from=${foreign}`)).ok();
    expect(afresh['chunk']).toEqual((await alice.get(`/rooms/${one}/messages?dir=b`)).ok()['chunk']);
    (await alice.get(`/rooms/${one}/messages?dir=f&from=${foreign}`)).refused(400, 'M_INVALID_PARAM');
    for (const query of ['dir=x', 'limit=-1', 'limit=x', 'dir=b&to=x', 'dir=b&filter=x', '']) {
      const answer = await alice.get(`/rooms/${one}/messages?${query}`);
      expect([query, answer.status]).toEqual([query, 400]);
    }
    (await alice.get(`/rooms/${one}/messages?dir=b&limit=9007199254740991`)).ok();
    (await alice.get(`/rooms/${one}/members?at=x`)).refused(400, 'M_INVALID_PARAM');
    (await alice.get('/publicRooms?since=x')).refused(400, 'M_INVALID_PARAM');
    (await alice.get(`/rooms/${one}/context/$nothing`)).refused(404, 'M_NOT_FOUND');
  });

  it('that are forged, or of another kind of page, are refused by whatever comes in pages', async () => {
    const roomId = String((await alice.post('/createRoom')).ok()['room_id']);
    const sent = (await alice.put(`/rooms/${roomId}/send/m.room.message/root`, { body: 'root' })).ok();
    const relates = `/_matrix/client/v1/rooms/${roomId}`;
    const event = encodeURIComponent(String(sent['event_id']));
    const { start } = (await alice.get(`/rooms/${roomId}/messages?dir=b`)).ok();
    const notified = String(start).replace(/^s/, 'n');
    for (const path of [
      `/rooms/${roomId}/messages?dir=b`,
      `${relates}/relations/${event}?dir=b`,
      `${relates}/relations/${event}/m.annotation?dir=b`,
      `${relates}/relations/${event}/m.annotation/m.reaction?dir=b`,
      `${relates}/threads?limit=5`,
      '/notifications?limit=5',
    ]) {
      const other = path.startsWith('/notifications') ? String(start) : notified;
      (await alice.get(`${path}&from=${other === notified ? String(start) : notified}`)).ok();
      for (const from of [
        other,
        'x',
        '',
        's',
        '-1',
        's-1_0_x',
        's1_0',
        `${other}'`,
        '\u0000',
        '9'.repeat(1025),
      ]) {
        const answer = await alice.get(`${path}&from=${encodeURIComponent(from)}`);
        expect([path, from, answer.status, answer.errcode]).toEqual([path, from, 400, 'M_INVALID_PARAM']);
      }
    }
  });
});
