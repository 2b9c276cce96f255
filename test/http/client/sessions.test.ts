import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../../support/manual-clock.js';
import { PASSWORD, startTestServer, TestClient, type TestServer } from '../../support/server.js';

const V3 = '/_matrix/client/v3';
/** Of access tokens, in milliseconds. */
const LIFETIME = 600_000;

let server: TestServer;
const clock = new ManualClock();
beforeAll(async () => {
  server = await startTestServer({ clock, env: { ENGRAM_ACCESS_TOKENS__REFRESHABLE_LIFETIME: '600' } });
});
afterAll(() => server.close());

async function signIn(name: string): Promise<{ client: TestClient; refreshToken: string }> {
  const identifier = { type: 'm.id.user', user: name };
  const body = { type: 'm.login.password', identifier, password: PASSWORD, refresh_token: true };
  return sessionOf((await server.stranger.post('/login', body)).ok(`${V3}/login`));
}

async function refresh(refreshToken: string): Promise<{ client: TestClient; refreshToken: string }> {
  const answer = await server.stranger.post('/refresh', { refresh_token: refreshToken });
  return sessionOf(answer.ok(`${V3}/refresh`));
}

function sessionOf(body: Readonly<Record<string, unknown>>): { client: TestClient; refreshToken: string } {
  const client = new TestClient(server.app, { token: String(body['access_token']) });
  return { client, refreshToken: String(body['refresh_token']) };
}

describe('access tokens that expire', () => {
  it('end in a soft logout, and are renewed', async () => {
    await server.register('expiring');
    const first = await signIn('expiring');
    (await first.client.get('/account/whoami')).ok();
    clock.advance(LIFETIME - 1);
    (await first.client.get('/account/whoami')).ok();
    clock.advance(1);
    const refused = (await first.client.get('/account/whoami')).refused(401, 'M_UNKNOWN_TOKEN');
    expect(refused['soft_logout']).toBe(true);
    const second = await refresh(first.refreshToken);
    (await second.client.get('/account/whoami')).ok();
  });

  it('can be asked for again while the answer may have been lost, and not after', async () => {
    await server.register('lost');
    const first = await signIn('lost');
    await refresh(first.refreshToken);
    const again = await refresh(first.refreshToken);
    (await again.client.get('/account/whoami')).ok();
    // The new token is in use: whoever has the old one is not whom we gave it to.
    const theft = await server.stranger.post('/refresh', { refresh_token: first.refreshToken });
    theft.refused(401, 'M_UNKNOWN_TOKEN');
    (await again.client.get('/account/whoami')).refused(401, 'M_UNKNOWN_TOKEN');
  });

  it('are not made from just anything', async () => {
    (await server.stranger.post('/refresh', { refresh_token: 'made up' })).refused(401, 'M_UNKNOWN_TOKEN');
    (await server.stranger.post('/refresh', {})).refused(400, 'M_MISSING_PARAM');
  });
});

describe('devices', () => {
  it('are listed, named and deleted', async () => {
    const user = await server.register('devices');
    const other = await server.login('devices', {
      device_id: 'OTHER',
      initial_device_display_name: 'Another',
    });
    expect((await user.get('/devices')).ok(`${V3}/devices`)['devices']).toEqual(
      expect.arrayContaining([{ device_id: user.deviceId }, { device_id: 'OTHER', display_name: 'Another' }]),
    );
    (await user.put('/devices/OTHER', { display_name: 'A tablet' })).ok(`${V3}/devices/{deviceId}`);
    expect((await user.get('/devices/OTHER')).ok(`${V3}/devices/{deviceId}`)).toEqual({
      device_id: 'OTHER',
      display_name: 'A tablet',
    });
    (await user.get('/devices/NONE')).refused(404, 'M_NOT_FOUND');
    (await user.put('/devices/NONE', { display_name: 'x' })).refused(404, 'M_NOT_FOUND');

    const asked = await user.delete('/devices/OTHER', {});
    expect(asked.status).toBe(401);
    expect(asked.body['flows']).toEqual([{ stages: ['m.login.password'] }]);
    (await user.delete('/devices/OTHER', user.passwordAuth)).ok(`${V3}/devices/{deviceId}`);
    (await user.get('/devices/OTHER')).refused(404, 'M_NOT_FOUND');
    (await other.get('/account/whoami')).refused(401, 'M_UNKNOWN_TOKEN');
  });

  it('are deleted together, once the session of the first request is authenticated', async () => {
    const user = await server.register('together');
    const ids = ['A', 'B'];
    for (const id of ids) await server.login('together', { device_id: id });
    const asked = await user.post('/delete_devices', { devices: ids });
    const { auth } = user.passwordAuth as { auth: object };
    const session = asked.body['session'];
    (await user.post('/delete_devices', { auth: { ...auth, session } })).ok(`${V3}/delete_devices`);
    expect((await user.get('/devices')).ok()['devices']).toEqual([{ device_id: user.deviceId }]);
    (await user.post('/delete_devices', user.passwordAuth)).refused(400, 'M_MISSING_PARAM');
  });

  it('are nobody else’s business, whoever proves to be somebody else', async () => {
    const user = await server.register('mine');
    const stranger = await server.register('theirs');
    (await user.delete(`/devices/${user.deviceId}`, stranger.passwordAuth)).refused(403, 'M_FORBIDDEN');
    (await stranger.get(`/devices/${user.deviceId}`)).refused(404, 'M_NOT_FOUND');
  });
});

describe('the account', () => {
  it('changes its password, and signs other devices out', async () => {
    const user = await server.register('password');
    const other = await server.login('password');
    expect((await user.post('/account/password', { new_password: 'better' })).status).toBe(401);
    (await user.post('/account/password', { ...user.passwordAuth, new_password: 'better' })).ok(
      `${V3}/account/password`,
    );
    (await user.get('/account/whoami')).ok();
    (await other.get('/account/whoami')).refused(401, 'M_UNKNOWN_TOKEN');
    await server.login('password', { password: 'better' });
    const identifier = { type: 'm.id.user', user: 'password' };
    const old = { type: 'm.login.password', identifier, password: PASSWORD };
    (await server.stranger.post('/login', old)).refused(403, 'M_FORBIDDEN');
  });

  it('keeps other devices if asked to', async () => {
    const user = await server.register('keeps');
    const other = await server.login('keeps');
    const wish = { ...user.passwordAuth, new_password: 'better', logout_devices: false };
    (await user.post('/account/password', wish)).ok();
    (await other.get('/account/whoami')).ok();
    const wrong = await other.post('/account/password', { ...user.passwordAuth, new_password: 'x' });
    expect([wrong.status, wrong.errcode]).toEqual([401, 'M_FORBIDDEN']);
  });

  it('is closed for good', async () => {
    const user = await server.register('closing');
    const profile = await user.get(`/profile/${user.userId}`);
    profile.ok();
    expect((await user.post('/account/deactivate')).status).toBe(401);
    const answer = await user.post('/account/deactivate', user.passwordAuth);
    expect(answer.ok(`${V3}/account/deactivate`)).toEqual({ id_server_unbind_result: 'success' });
    (await user.get('/account/whoami')).refused(401, 'M_UNKNOWN_TOKEN');
    const identifier = { type: 'm.id.user', user: 'closing' };
    const login = { type: 'm.login.password', identifier, password: PASSWORD };
    expect((await server.stranger.post('/login', login)).status).toBe(403);
    (await server.stranger.get('/register/available?username=closing')).refused(400, 'M_USER_IN_USE');
    (await server.stranger.get(`/profile/${user.userId}`)).refused(404, 'M_NOT_FOUND');
  });

  it('has no addresses', async () => {
    const user = await server.register('addresses');
    expect((await user.get('/account/3pid')).ok(`${V3}/account/3pid`)).toEqual({ threepids: [] });
    expect((await user.get('/pushers')).ok(`${V3}/pushers`)).toEqual({ pushers: [] });
  });
});
