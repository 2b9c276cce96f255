import { describe, expect, it } from 'vitest';
import type { DeleteDevice, DeleteDevices, Register } from '../../src/http/client/types.js';
import { defineRoute, v3 } from '../../src/http/route.js';
import { dummyStage, passwordStage, registrationTokenStage } from '../../src/http/user-interactive-stages.js';
import { UserInteractive } from '../../src/http/user-interactive.js';
import { systemRandom } from '../../src/runtime/random.js';
import { ManualClock } from '../support/manual-clock.js';
import { AS_ALICE, anApp } from './support/app.js';

const USERS = new Map([
  ['alice wonderland', '@alice:example.org'],
  ['@alice:example.org wonderland', '@alice:example.org'],
  ['eve apple', '@eve:example.org'],
]);

interface Challenge {
  session: string;
  flows: unknown;
  params: unknown;
  completed?: string[];
  errcode?: string;
}

function server(options: { flows?: string[][]; limit?: number; end?: boolean } = {}) {
  const clock = new ManualClock();
  const checks: string[] = [];
  const uia = new UserInteractive({
    stages: new Map([
      ['m.login.dummy', dummyStage],
      [
        'm.login.password',
        passwordStage((user, password) => {
          checks.push(user);
          return Promise.resolve(USERS.get(`${user} ${password}`));
        }),
      ],
      [
        'm.login.registration_token',
        {
          ...registrationTokenStage((token) => Promise.resolve(token === 'good')),
          params: { hint: 'ask us' },
        },
      ],
    ]),
    clock,
    random: systemRandom,
    ...(options.limit === undefined ? {} : { limit: options.limit }),
  });
  const flows = options.flows ?? [['m.login.password']];
  const app = anApp([
    defineRoute<DeleteDevice>({
      module: 'devices',
      name: 'deleteDevice',
      method: 'DELETE',
      paths: v3('/devices/{deviceId}'),
      auth: 'required',
      handler: async (context) => {
        const done = await uia.require(context, flows);
        if (options.end === true) done.end();
        return { deleted: context.params.deviceId, userId: done.userId };
      },
    }),
    defineRoute<DeleteDevices>({
      module: 'devices',
      name: 'deleteDevices',
      method: 'POST',
      paths: v3('/delete_devices'),
      auth: 'required',
      handler: async (context) => (await uia.require(context, flows)).body,
    }),
    defineRoute<Register, 'none'>({
      module: 'registration',
      name: 'register',
      method: 'POST',
      paths: v3('/register'),
      auth: 'none',
      handler: async (context) => {
        const { body, completed } = await uia.require(context, flows);
        return { body, completed };
      },
    }),
  ]);
  const ask = async (method: 'POST' | 'DELETE', path: string, payload?: object) => {
    const url = `/_matrix/client/v3${path}`;
    const response = await app.inject({ method, url, headers: AS_ALICE, ...(payload && { payload }) });
    return { status: response.statusCode, body: response.json<Challenge>() };
  };
  return { ask, clock, uia, checks };
}

const password = (session?: string, secret = 'wonderland', user = 'alice') => ({
  auth: {
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user },
    password: secret,
    ...(session === undefined ? {} : { session }),
  },
});

describe('user-interactive authentication', () => {
  it('asks first, and lets through who has done what was asked', async () => {
    const { ask } = server();
    for (const nothing of [undefined, {}, { auth: {} }]) {
      const { status, body } = await ask('DELETE', '/devices/PHONE', nothing);
      expect(status).toBe(401);
      expect(body).toEqual({
        completed: [],
        flows: [{ stages: ['m.login.password'] }],
        params: {},
        session: expect.stringMatching(/^[A-Za-z]{24}$/) as string,
      });
    }
    const { body } = await ask('DELETE', '/devices/PHONE', {});
    expect(await ask('DELETE', '/devices/PHONE', password(body.session))).toEqual({
      status: 200,
      body: { deleted: 'PHONE', userId: '@alice:example.org' },
    });
  });

  it('works in one go, and with the older form of the identifier', async () => {
    const { ask } = server();
    expect((await ask('DELETE', '/devices/PHONE', password())).status).toBe(200);
    const old = { auth: { type: 'm.login.password', user: '@alice:example.org', password: 'wonderland' } };
    expect((await ask('DELETE', '/devices/PHONE', old)).status).toBe(200);
    const dummy = server({ flows: [['m.login.dummy']] });
    expect((await dummy.ask('POST', '/register', { auth: { type: 'm.login.dummy' } })).status).toBe(200);
  });

  it('never succeeds without auth, not even where a dummy would do', async () => {
    const { ask } = server({ flows: [['m.login.dummy']] });
    expect((await ask('POST', '/register', { username: 'a' })).status).toBe(401);
  });

  it('says what went wrong with a stage, which may be tried again', async () => {
    const { ask } = server();
    const wrong = await ask('DELETE', '/devices/PHONE', password(undefined, 'cashewnuts'));
    expect(wrong.status).toBe(401);
    expect(wrong.body).toMatchObject({ errcode: 'M_FORBIDDEN', error: 'Invalid username or password.' });
    expect(wrong.body).toHaveProperty('flows');
    expect((await ask('DELETE', '/devices/PHONE', password(wrong.body.session))).status).toBe(200);
  });

  it.each([
    [{ type: 'm.login.password' }],
    [{ type: 'm.login.password', identifier: { type: 'm.id.user' }, password: 'x' }],
    [{ type: 'm.login.password', identifier: { type: 'm.id.phone', user: 'alice' }, password: 'wonderland' }],
    [{ type: 'm.login.password', identifier: null, password: 5 }],
  ])('refuses a stage without what it takes: %j', async (auth) => {
    const { ask, checks } = server();
    const { status, body } = await ask('DELETE', '/devices/PHONE', { auth });
    expect([status, body.errcode, checks]).toEqual([401, 'M_MISSING_PARAM', []]);
  });

  it('does not take the password of another user', async () => {
    const { ask } = server();
    const { body } = await ask('DELETE', '/devices/PHONE', {});
    const theft = await ask('DELETE', '/devices/PHONE', password(body.session, 'apple', 'eve'));
    expect([theft.status, theft.body.errcode]).toEqual([403, 'M_FORBIDDEN']);
    // Nor is the session good for anything afterwards.
    expect((await ask('DELETE', '/devices/PHONE', { auth: { session: body.session } })).status).toBe(401);
  });

  it('binds a session to the operation', async () => {
    const { ask } = server();
    const { body } = await ask('DELETE', '/devices/PHONE', {});
    expect((await ask('DELETE', '/devices/TABLET', password(body.session))).status).toBe(403);
    expect((await ask('POST', '/delete_devices', { devices: [], ...password(body.session) })).status).toBe(
      403,
    );
    expect((await ask('DELETE', '/devices/PHONE', password(body.session))).status).toBe(200);
  });

  it('remembers the parameters of the first request, and takes newer ones', async () => {
    const { ask } = server();
    const first = await ask('POST', '/delete_devices', { devices: ['A', 'B'] });
    expect(await ask('POST', '/delete_devices', password(first.body.session))).toEqual({
      status: 200,
      body: { devices: ['A', 'B'] },
    });
    const newer = await ask('POST', '/delete_devices', { devices: ['C'], ...password(first.body.session) });
    expect(newer.body).toEqual({ devices: ['C'] });
    const long = { devices: Array.from({ length: 1000 }, (_, i) => `DEVICE${i}`) };
    const large = await ask('POST', '/delete_devices', long);
    expect((await ask('POST', '/delete_devices', password(large.body.session))).body).toEqual({});
  });

  it('demands parameters of a request that does not go on with a session', async () => {
    const { ask } = server();
    for (const nothing of [{}, password()]) {
      const { status, body } = await ask('POST', '/delete_devices', nothing);
      expect([status, body.errcode]).toEqual([400, 'M_MISSING_PARAM']);
    }
  });

  it('takes stages in the order of a flow, one of several', async () => {
    const flows = [
      ['m.login.registration_token', 'm.login.dummy'],
      ['m.login.registration_token', 'm.login.password'],
    ];
    const { ask, checks } = server({ flows });
    const first = await ask('POST', '/register', { username: 'a' });
    expect(first.body.params).toEqual({ 'm.login.registration_token': { hint: 'ask us' } });
    const { session } = first.body;

    const early = await ask('POST', '/register', password(session));
    expect([early.status, early.body.errcode, checks]).toEqual([401, 'M_FORBIDDEN', []]);
    const token = { type: 'm.login.registration_token', session };
    const bad = await ask('POST', '/register', { auth: { ...token, token: 'bad' } });
    expect([bad.status, bad.body.errcode, bad.body.completed]).toEqual([401, 'M_UNAUTHORIZED', []]);
    const good = await ask('POST', '/register', { auth: { ...token, token: 'good' } });
    expect([good.status, good.body.errcode]).toEqual([401, undefined]);
    expect(good.body.completed).toEqual(['m.login.registration_token']);
    // What is done is done, and is not tried again.
    const again = await ask('POST', '/register', { auth: { ...token, token: 'bad' } });
    expect([again.status, again.body.completed]).toEqual([401, ['m.login.registration_token']]);
    const done = await ask('POST', '/register', { auth: { type: 'm.login.dummy', session } });
    expect(done).toEqual({
      status: 200,
      body: { body: { username: 'a' }, completed: ['m.login.registration_token', 'm.login.dummy'] },
    });
  });

  it('lets a finished session through again until the operation has ended it', async () => {
    const { ask } = server();
    const { body } = await ask('DELETE', '/devices/PHONE', {});
    const only = { auth: { session: body.session } };
    expect((await ask('DELETE', '/devices/PHONE', only)).status).toBe(401);
    await ask('DELETE', '/devices/PHONE', password(body.session));
    expect((await ask('DELETE', '/devices/PHONE', only)).status).toBe(200);
    expect((await ask('DELETE', '/devices/PHONE', password(body.session, 'wrong'))).status).toBe(200);

    const ending = server({ end: true });
    const first = await ending.ask('DELETE', '/devices/PHONE', {});
    expect((await ending.ask('DELETE', '/devices/PHONE', password(first.body.session))).status).toBe(200);
    expect((await ending.ask('DELETE', '/devices/PHONE', { auth: first.body })).status).toBe(401);
  });

  it('asks again where a session is not known', async () => {
    const { ask } = server();
    const { status, body } = await ask('DELETE', '/devices/PHONE', { auth: { session: 'nonsense' } });
    expect(status).toBe(401);
    expect(body.session).not.toBe('nonsense');
  });

  it('forgets sessions by age, and the oldest beyond a number', async () => {
    const { ask, clock } = server({ limit: 2 });
    const sessions = [];
    for (let i = 0; i < 3; i++) sessions.push((await ask('DELETE', '/devices/PHONE', {})).body.session);
    const kept = async (session: string | undefined) =>
      (await ask('DELETE', '/devices/PHONE', { auth: { session } })).body.session === session;
    expect(await kept(sessions[2])).toBe(true);
    expect(await kept(sessions[1])).toBe(true);
    expect(await kept(sessions[0])).toBe(false);
    clock.advance(60 * 60 * 1000);
    expect(await kept(sessions[2])).toBe(false);
  });

  it('lets a page do a stage for the client', async () => {
    const { ask, uia } = server();
    const { body } = await ask('DELETE', '/devices/PHONE', {});
    const { auth } = password(body.session);
    expect(await uia.completeStage(body.session, { ...auth, password: 'wrong' }, '::1')).toMatchObject({
      ok: false,
    });
    expect(await uia.completeStage(body.session, auth, '::1')).toMatchObject({ ok: true });
    expect(await uia.completeStage(body.session, { ...auth, password: 'wrong' }, '::1')).toMatchObject({
      ok: true,
    });
    expect((await ask('DELETE', '/devices/PHONE', { auth: { session: body.session } })).status).toBe(200);
    await expect(uia.completeStage('nonsense', auth, '::1')).rejects.toThrow(/no such/);
    await expect(uia.completeStage(body.session, { type: 'm.login.sso' }, '::1')).rejects.toThrow(/no such/);
  });
});
