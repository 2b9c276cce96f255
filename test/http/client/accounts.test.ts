import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRegistrationToken } from '../../../src/commands/registration.js';
import { PASSWORD, SERVER_NAME, startTestServer, TestClient, type TestServer } from '../../support/server.js';

const V3 = '/_matrix/client/v3';
const DUMMY = { auth: { type: 'm.login.dummy' } };

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    env: {
      ENGRAM_PUBLIC_BASEURL: 'https://matrix.one.example/',
      ENGRAM_REGISTRATION__SHARED_SECRET: 'between us',
    },
  });
});
afterAll(() => server.close());

describe('registration', () => {
  it('tells the flows, then makes the account and signs it in', async () => {
    const asked = await server.stranger.post('/register', { username: 'Anna', password: PASSWORD });
    expect(asked.status).toBe(401);
    expect(asked.body['flows']).toEqual([{ stages: ['m.login.dummy'] }]);
    const auth = { type: 'm.login.dummy', session: asked.body['session'] };
    // The session has kept the parameters.
    const body = (await server.stranger.post('/register', { auth })).ok(`${V3}/register`);
    expect(body).toMatchObject({ user_id: `@anna:${SERVER_NAME}`, home_server: SERVER_NAME });
    expect(body).not.toHaveProperty('refresh_token');
  });

  it('gives the same answer again to who asks again by the same session', async () => {
    for (const wish of [{ username: 'twice', password: PASSWORD }, { password: PASSWORD }]) {
      const { session } = (await server.stranger.post('/register', wish)).body;
      const again = { ...wish, auth: { type: 'm.login.dummy', session } };
      const first = (await server.stranger.post('/register', again)).ok(`${V3}/register`);
      expect((await server.stranger.post('/register', again)).ok(`${V3}/register`)).toEqual(first);
      expect((await server.stranger.post('/register', { auth: again.auth })).ok()).toEqual(first);
      const client = new TestClient(server.app, { token: String(first['access_token']) });
      (await client.get('/account/whoami')).ok();
    }
    // The session is of no use for anything else.
    const { session } = (await server.stranger.post('/register', { password: PASSWORD })).body;
    const auth = { type: 'm.login.dummy', session };
    (await server.stranger.post('/register', { password: PASSWORD, auth })).ok();
    const other = await server.register('not-twice');
    (await other.post('/account/deactivate', { auth: { session } })).refused(403, 'M_FORBIDDEN');
  });

  it('makes full accounts of guests who ask for it with their token', async () => {
    const guest = (await server.stranger.post('/register?kind=guest')).ok();
    const other = (await server.stranger.post('/register?kind=guest')).ok();
    const localpart = (body: typeof guest) => String(body['user_id']).slice(1).split(':')[0] ?? '';
    const wish = { username: localpart(guest), password: PASSWORD };
    (await server.stranger.post('/register', wish)).refused(400, 'M_USER_IN_USE');
    const stolen = { ...wish, guest_access_token: other['access_token'] };
    (await server.stranger.post('/register', stolen)).refused(403, 'M_FORBIDDEN');
    const full = await server.register('full');
    const notGuest = { username: 'full', password: PASSWORD, guest_access_token: full.token };
    (await server.stranger.post('/register', notGuest)).refused(403, 'M_FORBIDDEN');

    const own = { ...wish, guest_access_token: guest['access_token'] };
    const { session } = (await server.stranger.post('/register', own)).body;
    const auth = { type: 'm.login.dummy', session };
    const body = (await server.stranger.post('/register', { auth })).ok(`${V3}/register`);
    expect(body['user_id']).toBe(guest['user_id']);
    const upgraded = new TestClient(server.app, { token: String(body['access_token']) });
    expect((await upgraded.get('/account/whoami')).ok()).toMatchObject({ is_guest: false });
    (await upgraded.get('/joined_rooms')).ok();
    const before = new TestClient(server.app, { token: String(guest['access_token']) });
    (await before.get('/account/whoami')).refused(401, 'M_UNKNOWN_TOKEN');
    await server.login(String(guest['user_id']));
    (await server.stranger.post('/register', { ...own, ...DUMMY })).refused(403, 'M_FORBIDDEN');
  });

  it('says that a name is taken or impossible before authentication begins', async () => {
    await server.register('taken');
    (await server.stranger.post('/register', { username: 'TAKEN', password: PASSWORD })).refused(
      400,
      'M_USER_IN_USE',
    );
    (await server.stranger.post('/register', { username: 'a b' })).refused(400, 'M_INVALID_USERNAME');
  });

  it('takes the device of the request', async () => {
    const body = (
      await server.stranger.post('/register', {
        ...DUMMY,
        username: 'with-device',
        password: PASSWORD,
        device_id: 'MINE',
        initial_device_display_name: 'My telephone',
        refresh_token: true,
      })
    ).ok(`${V3}/register`);
    expect(body).toMatchObject({
      device_id: 'MINE',
      refresh_token: expect.any(String) as unknown,
      expires_in_ms: expect.any(Number) as unknown,
    });
    const badDevice = { ...DUMMY, username: 'bad-device', password: PASSWORD, device_id: 'a\nb' };
    (await server.stranger.post('/register', badDevice)).refused(400, 'M_INVALID_PARAM');
    (await server.stranger.get('/register/available?username=bad-device')).ok();
  });

  it('makes an account without a session where the client wants none, and a name where it has none', async () => {
    const body = (
      await server.stranger.post('/register', { ...DUMMY, password: PASSWORD, inhibit_login: true })
    ).ok(`${V3}/register`);
    expect(Object.keys(body).sort()).toEqual(['home_server', 'user_id']);
    expect(body['user_id']).toMatch(/^@[a-z]+:one\.example$/);
    (await server.stranger.post('/register', { ...DUMMY, username: 'no-password' })).refused(
      400,
      'M_MISSING_PARAM',
    );
  });

  it('lets guests in, who may do little', async () => {
    const body = (
      await server.stranger.post('/register?kind=guest', { username: 'x y', device_id: 'IGNORED' })
    ).ok(`${V3}/register`);
    expect(body['device_id']).not.toBe('IGNORED');
    const guest = new TestClient(server.app, { token: String(body['access_token']) });
    expect((await guest.get('/account/whoami')).ok()).toMatchObject({
      user_id: body['user_id'],
      is_guest: true,
    });
    const profile = `/profile/${String(body['user_id'])}`;
    (await guest.put(`${profile}/displayname`, { displayname: 'Somebody' })).ok();
    (await guest.put(`${profile}/avatar_url`, { avatar_url: 'mxc://a/b' })).refused(
      403,
      'M_GUEST_ACCESS_FORBIDDEN',
    );
    (await guest.get('/account/3pid')).refused(403, 'M_GUEST_ACCESS_FORBIDDEN');
    expect((await guest.get('/devices')).ok()['devices']).toHaveLength(1);
  });

  it('says which names are free', async () => {
    await server.register('here');
    const free = await server.stranger.get('/register/available?username=not.here');
    expect(free.ok(`${V3}/register/available`)).toEqual({ available: true });
    (await server.stranger.get('/register/available?username=here')).refused(400, 'M_USER_IN_USE');
    (await server.stranger.get('/register/available?username=a%20b')).refused(400, 'M_INVALID_USERNAME');
  });
});

describe('registration with the shared secret', () => {
  const PATH = '/_synapse/admin/v1/register';
  const nonce = async () => String((await server.stranger.get(PATH)).ok()['nonce']);
  const mac = (...parts: string[]) =>
    createHmac('sha1', 'between us').update(parts.join('\0'), 'utf8').digest('hex');

  it('makes administrators and others', async () => {
    const one = await nonce();
    const body = (
      await server.stranger.post(PATH, {
        nonce: one,
        username: 'Operator',
        password: PASSWORD,
        admin: true,
        displayname: 'The operator',
        mac: mac(one, 'Operator', PASSWORD, 'admin'),
      })
    ).ok();
    expect(body).toMatchObject({ user_id: `@operator:${SERVER_NAME}`, home_server: SERVER_NAME });
    expect(body['access_token']).toBeTypeOf('string');
    const user = await server.core.write.user(`@operator:${SERVER_NAME}`);
    expect(user).toMatchObject({ admin: true, profile: { displayname: 'The operator' } });
  });

  it('takes each nonce once, and no other', async () => {
    const one = await nonce();
    const body = {
      nonce: one,
      username: 'once',
      password: PASSWORD,
      mac: mac(one, 'once', PASSWORD, 'notadmin'),
    };
    (await server.stranger.post(PATH, body)).ok();
    (await server.stranger.post(PATH, body)).refused(400, 'M_UNKNOWN');
    const made = { ...body, nonce: 'mine', mac: mac('mine', 'once', PASSWORD, 'notadmin') };
    (await server.stranger.post(PATH, made)).refused(400, 'M_UNKNOWN');
  });

  it('refuses a wrong proof', async () => {
    const one = await nonce();
    const body = { nonce: one, username: 'forged', password: PASSWORD, admin: true };
    const wrong = mac(one, 'forged', PASSWORD, 'notadmin');
    (await server.stranger.post(PATH, { ...body, mac: wrong })).refused(403, 'M_FORBIDDEN');
    (await server.stranger.get('/register/available?username=forged')).ok();
  });
});

describe('closed registration, or by token', () => {
  it('is closed', async () => {
    const closed = await startTestServer({
      env: { ENGRAM_REGISTRATION__ENABLED: 'false', ENGRAM_REGISTRATION__ALLOW_GUESTS: 'false' },
    });
    (await closed.stranger.post('/register', {})).refused(403, 'M_FORBIDDEN');
    (await closed.stranger.post('/register?kind=guest', {})).refused(403, 'M_GUEST_ACCESS_FORBIDDEN');
    (await closed.stranger.get('/register/available?username=a')).refused(403, 'M_FORBIDDEN');
    (await closed.stranger.get('/_synapse/admin/v1/register')).refused(404, 'M_UNRECOGNIZED');
    await closed.close();
  });

  it('takes tokens of the configuration and of the operator', async () => {
    const byToken = await startTestServer({ env: { ENGRAM_REGISTRATION__TOKENS__0: 'forever' } });
    const { write, ports } = byToken.core;
    const context = { correlationId: 'test', now: ports.clock.now() };
    await createRegistrationToken(write, 'once', { usesAllowed: 1, expiresAt: null }, context);
    const valid = async (token: string) =>
      (
        await byToken.stranger.get(
          `/_matrix/client/v1/register/m.login.registration_token/validity?token=${token}`,
        )
      ).ok('/_matrix/client/v1/register/m.login.registration_token/validity')['valid'];
    expect([await valid('forever'), await valid('once'), await valid('never')]).toEqual([true, true, false]);

    const register = (username: string, token: string) =>
      byToken.stranger.post('/register', {
        username,
        password: PASSWORD,
        auth: { type: 'm.login.registration_token', token },
      });
    expect((await register('a', 'never')).body).toMatchObject({
      errcode: 'M_UNAUTHORIZED',
      flows: [{ stages: ['m.login.registration_token'] }],
    });
    const dummy = await byToken.stranger.post('/register', { username: 'a', password: PASSWORD, ...DUMMY });
    expect(dummy.status).toBe(401);
    (await register('a', 'once')).ok();
    expect(await valid('once')).toBe(false);
    expect((await register('b', 'once')).status).toBe(401);
    (await register('b', 'forever')).ok();
    (await register('c', 'forever')).ok();
    await byToken.close();
  });
});

describe('login', () => {
  it('has one flow', async () => {
    expect((await server.stranger.get('/login')).ok(`${V3}/login`)).toEqual({
      flows: [{ type: 'm.login.password' }],
    });
  });

  it('takes a user ID or a local part, in the old form too', async () => {
    const user = await server.register('log=in');
    for (const name of [user.userId, 'log=in', 'LOG=in', `@Log=In:${SERVER_NAME}`]) {
      const body = {
        type: 'm.login.password',
        identifier: { type: 'm.id.user', user: name },
        password: PASSWORD,
      };
      const answer = (await server.stranger.post('/login', body)).ok(`${V3}/login`);
      expect(answer).toMatchObject({
        user_id: user.userId,
        well_known: { 'm.homeserver': { base_url: 'https://matrix.one.example' } },
      });
    }
    (
      await server.stranger.post('/login', { type: 'm.login.password', user: 'log=in', password: PASSWORD })
    ).ok();
  });

  it('refuses what is wrong', async () => {
    const { userId } = await server.register('wrong');
    const identifier = { type: 'm.id.user', user: userId };
    const login = (body: object) => server.stranger.post('/login', { type: 'm.login.password', ...body });
    (await login({ identifier, password: 'no' })).refused(403, 'M_FORBIDDEN');
    (await login({ identifier: { type: 'm.id.user', user: 'nobody' }, password: 'no' })).refused(
      403,
      'M_FORBIDDEN',
    );
    (
      await login({ identifier: { type: 'm.id.user', user: '@wrong:two.example' }, password: PASSWORD })
    ).refused(403, 'M_FORBIDDEN');
    (await login({ identifier: { type: 'm.id.thirdparty', medium: 'email', address: 'a@b' } })).refused(
      403,
      'M_FORBIDDEN',
    );
    (await login({ identifier: { type: 'm.id.other' }, password: 'no' })).refused(400, 'M_UNKNOWN');
    (await login({ identifier })).refused(400, 'M_MISSING_PARAM');
    (await login({ password: PASSWORD })).refused(400, 'M_MISSING_PARAM');
    (await login({ type: 'm.login.token', token: 'x' })).refused(400, 'M_UNKNOWN');
  });

  it('gives a device that signs in again new tokens, and the old ones are void', async () => {
    await server.register('again');
    const first = await server.login('again', { device_id: 'SAME' });
    const second = await server.login('again', { device_id: 'SAME' });
    (await first.get('/account/whoami')).refused(401, 'M_UNKNOWN_TOKEN');
    expect((await second.get('/account/whoami')).ok(`${V3}/account/whoami`)).toEqual({
      user_id: `@again:${SERVER_NAME}`,
      device_id: 'SAME',
      is_guest: false,
    });
  });

  it('ends with logout, for one device or all', async () => {
    const one = await server.register('out');
    const two = await server.login('out');
    const three = await server.login('out');
    (await one.post('/logout')).ok(`${V3}/logout`);
    expect((await one.get('/account/whoami')).refused(401, 'M_UNKNOWN_TOKEN')).not.toHaveProperty(
      'soft_logout',
    );
    (await two.get('/account/whoami')).ok();
    (await two.post('/logout/all')).ok(`${V3}/logout/all`);
    (await two.get('/account/whoami')).refused(401, 'M_UNKNOWN_TOKEN');
    (await three.get('/account/whoami')).refused(401, 'M_UNKNOWN_TOKEN');
  });
});
