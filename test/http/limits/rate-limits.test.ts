import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config.js';
import { configuredLimits } from '../../../src/http/limits/configured.js';
import type { RequestLimits } from '../../../src/http/limits/request-limits.js';
import { OPERATIONS, limitOf } from '../../../src/http/limits/route-limits.js';
import { RateLimits } from '../../../src/http/limits/rate-limits.js';
import { clientRoutes } from '../../../src/http/client/routes.js';
import { temporaryFolder } from '../../support/folder.js';
import { ManualClock } from '../../support/manual-clock.js';
import { PASSWORD, startTestServer, TestClient, type Answer, type TestServer } from '../../support/server.js';
import { operations } from '../../support/spec.js';
import { until } from '../../support/until.js';

const CONFIG = loadConfig({ env: {}, cwd: temporaryFolder().path });

let server: TestServer;
let clock: ManualClock;
beforeEach(async () => {
  clock = new ManualClock();
  const env = {
    ENGRAM_RATE_LIMITS__ENABLED: 'true',
    ENGRAM_RATE_LIMITS__MESSAGES: '{ per_second: 1, burst: 3 }',
    ENGRAM_RATE_LIMITS__JOINS: '{ per_second: 1, burst: 1 }',
    ENGRAM_RATE_LIMITS__INVITES: '{ per_second: 1, burst: 4 }',
    ENGRAM_RATE_LIMITS__READS: '{ per_second: 10, burst: 20 }',
    ENGRAM_RATE_LIMITS__BYTES: '{ per_second: 1000, burst: 10000 }',
    ENGRAM_RATE_LIMITS__INITIAL_SYNCS: '{ per_second: 0.1, burst: 2 }',
    ENGRAM_RATE_LIMITS__ANONYMOUS: '{ per_second: 1, burst: 5 }',
    ENGRAM_RATE_LIMITS__NAME_CHECKS: '{ per_second: 1, burst: 2 }',
    ENGRAM_RATE_LIMITS__LOGIN: '{ per_second: 100, burst: 100 }',
    ENGRAM_RATE_LIMITS__FAILED_LOGINS: '{ per_second: 0.1, burst: 3 }',
    ENGRAM_RATE_LIMITS__REGISTRATION: '{ per_second: 1, burst: 5 }',
  };
  server = await startTestServer({ clock, env });
});
afterEach(() => server.close());

const room = async (user: TestClient, more = {}): Promise<string> =>
  String((await user.post('/createRoom', more)).ok()['room_id']);

let transactions = 0;
const send = (user: TestClient, roomId: string): Promise<Answer> =>
  user.put(`/rooms/${roomId}/send/m.room.message/${++transactions}`, { msgtype: 'm.text', body: 'x' });

describe('messages', () => {
  it('are limited by user, over all of their devices, and go on after the time that is told', async () => {
    const alice = await server.register('alice');
    const other = await server.login('alice');
    const bob = await server.register('bob');
    const roomId = await room(alice, { preset: 'public_chat' });
    (await bob.post(`/join/${roomId}`)).ok();
    for (const device of [alice, other, alice]) (await send(device, roomId)).ok();
    const refused = await send(other, roomId);
    expect(refused.refused(429, 'M_LIMIT_EXCEEDED')).toEqual({
      errcode: 'M_LIMIT_EXCEEDED',
      error: 'Too many requests: wait before you ask again.',
      retry_after_ms: 1000,
    });
    (await send(bob, roomId)).ok();
    clock.advance(1000);
    (await send(alice, roomId)).ok();
    (await send(alice, roomId)).refused(429, 'M_LIMIT_EXCEEDED');
  });

  it('are refused by a header too, which pages of browsers may read', async () => {
    const alice = await server.register('alice');
    const roomId = await room(alice);
    for (let n = 0; n < 3; n++) await send(alice, roomId);
    const answer = await server.app.inject({
      method: 'PUT',
      url: `/_matrix/client/v3/rooms/${roomId}/send/m.room.message/last`,
      headers: { authorization: `Bearer ${alice.token}` },
      payload: 'not even JSON',
    });
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([429, '1']);
    expect(answer.headers['access-control-expose-headers']).toBe('Retry-After');
  });
});

describe('other requests', () => {
  it('have limits of their own', async () => {
    const [alice, bob] = [await server.register('alice'), await server.register('bob')];
    const [one, two] = [await room(alice, { preset: 'public_chat' }), await room(alice)];
    (await bob.post(`/join/${one}`)).ok();
    (await bob.post(`/join/${two}`)).refused(429, 'M_LIMIT_EXCEEDED');
    for (let n = 0; n < 20; n++) (await alice.get('/joined_rooms')).ok();
    (await alice.get('/joined_rooms')).refused(429, 'M_LIMIT_EXCEEDED');
    (await alice.get(`/rooms/${one}/members`)).ok();
  });

  it('that invite many people when a room is made count for each', async () => {
    const alice = await server.register('alice');
    const invite = ['b', 'c', 'd'].map((name) => `@${name}:one.example`);
    const roomId = await room(alice, { invite });
    (await alice.post('/createRoom', { invite })).refused(429, 'M_LIMIT_EXCEEDED');
    (await alice.post(`/rooms/${roomId}/invite`, { user_id: '@e:one.example' })).ok();
    (await alice.post(`/rooms/${roomId}/invite`, { user_id: '@f:one.example' })).refused(
      429,
      'M_LIMIT_EXCEEDED',
    );
  });

  it('that begin a sync are limited by device', async () => {
    const alice = await server.register('alice');
    const other = await server.login('alice');
    const [{ next_batch: since }] = [(await alice.get('/sync')).ok(), (await alice.get('/sync')).ok()];
    (await alice.get('/sync')).refused(429, 'M_LIMIT_EXCEEDED');
    (await alice.get(`/sync?since=${String(since)}&full_state=true`)).refused(429, 'M_LIMIT_EXCEEDED');
    (await alice.get(`/sync?since=${String(since)}`)).ok();
    (await other.get('/sync')).ok();
  });

  it('that carry much are limited by what they carry, whether that is told before or not', async () => {
    const alice = await server.register('alice');
    const path = `/user/${alice.userId}/account_data/org.example`;
    (await alice.put(path, { text: 'x'.repeat(6000) })).ok();
    const refused = (await alice.put(path, { text: 'x'.repeat(6000) })).refused(429, 'M_LIMIT_EXCEEDED');
    expect(refused['retry_after_ms']).toBeGreaterThan(1900);
    const chunked = await server.app.inject({
      method: 'PUT',
      url: `/_matrix/client/v3${path}`,
      headers: { authorization: `Bearer ${alice.token}`, 'transfer-encoding': 'chunked' },
      payload: Readable.from([`{"text":"${'x'.repeat(6000)}"}`]),
    });
    expect(chunked.statusCode).toBe(429);
    (await alice.put(path, { text: 'short' })).ok();
  });

  it('are not limited where limits are off', async () => {
    await server.close();
    server = await startTestServer({ clock, env: { ENGRAM_RATE_LIMITS__MESSAGES__BURST: '1' } });
    const alice = await server.register('alice');
    const roomId = await room(alice);
    for (let n = 0; n < 10; n++) (await send(alice, roomId)).ok();
  });
});

describe('strangers', () => {
  const versions = (remoteAddress: string) =>
    server.app.inject({ url: '/_matrix/client/versions', remoteAddress });

  it('are limited by address, IPv6 by network', async () => {
    const status = async (address: string) => (await versions(address)).statusCode;
    for (let n = 0; n < 5; n++) expect(await status(`2001:db8::${n}`)).toBe(200);
    expect(await status('2001:db8::5')).toBe(429);
    expect([await status('2001:db8:0:1::1'), await status('203.0.113.7')]).toEqual([200, 200]);
  });

  it('are counted where a token is wrong and where there is nothing, and do not count for who has a token', async () => {
    const alice = await server.register('alice');
    const wrong = new TestClient(server.app, { token: 'wrong' });
    for (let n = 0; n < 3; n++) (await wrong.get('/sync')).refused(401, 'M_UNKNOWN_TOKEN');
    (await server.stranger.get('/sync')).refused(401, 'M_MISSING_TOKEN');
    (await wrong.get('/nothing')).refused(404, 'M_UNRECOGNIZED');
    (await wrong.get('/nothing')).refused(429, 'M_LIMIT_EXCEEDED');
    (await wrong.get('/sync')).refused(429, 'M_LIMIT_EXCEEDED');
    (await alice.get('/joined_rooms')).ok();
  });

  it('can ask for few names and few accounts', async () => {
    for (let n = 0; n < 2; n++) (await server.stranger.get('/register/available?username=free')).ok();
    (await server.stranger.get('/register/available?username=free')).refused(429, 'M_LIMIT_EXCEEDED');
    for (let n = 0; n < 5; n++) expect((await server.stranger.post('/register')).status).toBe(401);
    (await server.stranger.post('/register')).refused(429, 'M_LIMIT_EXCEEDED');
  });
});

describe('passwords', () => {
  const login = async (user: string, password: string, remoteAddress: string) => {
    const identifier = { type: 'm.id.user', user };
    const answer = await server.app.inject({
      method: 'POST',
      url: '/_matrix/client/v3/login',
      payload: { type: 'm.login.password', identifier, password },
      remoteAddress,
    });
    return answer.statusCode;
  };

  it('cannot be guessed in a loop, from one address or from many, one by one or at once', async () => {
    await server.register('alice');
    const guesses = Array.from({ length: 8 }, (_, n) => login('alice', `guess ${n}`, `203.0.113.${n}`));
    expect((await Promise.all(guesses)).sort()).toEqual([403, 403, 403, 429, 429, 429, 429, 429]);
    expect(await login('@ALICE:one.example', PASSWORD, '203.0.113.99')).toBe(429);
    clock.advance(10_000);
    expect(await login('alice', PASSWORD, '203.0.113.99')).toBe(200);
    for (const name of ['a', 'b', 'c']) expect(await login(name, 'guess', '198.51.100.1')).toBe(403);
    expect(await login('d', 'guess', '198.51.100.1')).toBe(429);
  });

  it('of an account that there is not are answered in the same way', async () => {
    const tries = async (user: string, address: string) =>
      Promise.all([1, 2, 3, 4].map(() => login(user, 'guess', address)));
    await server.register('alice');
    expect(await tries('nobody', '203.0.113.1')).toEqual(await tries('alice', '203.0.113.2'));
  });

  it('that are guessed elsewhere do not lock out who has logged in from an address', async () => {
    await server.register('alice');
    expect(await login('alice', PASSWORD, '192.0.2.1')).toBe(200);
    for (let n = 0; n < 5; n++) await login('alice', 'guess', `203.0.113.${n}`);
    expect(await login('alice', PASSWORD, '192.0.2.1')).toBe(200);
    expect(await login('alice', PASSWORD, '192.0.2.2')).toBe(429);
    for (let n = 0; n < 3; n++) expect(await login('alice', 'guess', '192.0.2.1')).toBe(403);
    expect(await login('alice', PASSWORD, '192.0.2.1')).toBe(429);
  });

  it('are counted in user-interactive authentication too', async () => {
    const alice = await server.register('alice');
    const wrong = {
      ...alice.passwordAuth,
      auth: { ...(alice.passwordAuth['auth'] as object), password: 'no' },
    };
    for (let n = 0; n < 3; n++) expect((await alice.post('/account/deactivate', wrong)).status).toBe(401);
    (await alice.post('/account/deactivate', alice.passwordAuth)).refused(429, 'M_LIMIT_EXCEEDED');
    clock.advance(10_000);
    (await alice.post('/account/deactivate', alice.passwordAuth)).ok();
  });
});

describe('who asks on and on', () => {
  it('is made to wait for the refusals, which come one after the other', async () => {
    const ask = () => server.app.inject({ url: '/_matrix/client/versions' });
    for (let n = 0; n < 5; n++) await ask();
    for (let n = 0; n < 20; n++) expect((await ask()).statusCode).toBe(429);
    const before = clock.pending;
    let answered = 0;
    const held = [1, 2, 3].map(() =>
      ask().then(({ statusCode }) => {
        expect(statusCode).toBe(429);
        answered++;
      }),
    );
    await until(() => clock.pending === before + 3);
    for (const count of [1, 2, 3]) {
      clock.advance(100);
      await until(() => answered === count);
    }
    await Promise.all(held);
  });

  it('is told at once when the server closes', async () => {
    const limits = configuredLimits(CONFIG, new RateLimits(CONFIG.rate_limits, clock), clock).limits;
    const { response, refusals } = await refusedOften(limits);
    expect(refusals).toBe(20);
    const held = limits.stray('203.0.113.1', response).catch(() => 'told');
    limits.close();
    expect(await held).toBe('told');
  });
});

/** Limits that have refused an address so often that it has to wait for the next refusal. */
async function refusedOften(limits: RequestLimits): Promise<{ response: ServerResponse; refusals: number }> {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  let refusals = 0;
  while (refusals < 20) await limits.stray('203.0.113.1', response).catch(() => refusals++);
  return { response, refusals };
}

describe('the table of limits', () => {
  it('names operations that there are', () => {
    const known = new Set([
      ...operations().map(({ operationId }) => operationId),
      ...clientRoutes(server.api, CONFIG).map(({ name }) => name),
    ]);
    expect(
      Object.values(OPERATIONS)
        .flat()
        .filter((name) => !known.has(name)),
    ).toEqual([]);
  });

  it('has defaults for all others', () => {
    const route = (method: 'GET' | 'PUT', auth: 'none' | 'required') => limitOf({ name: 'x', method, auth });
    expect([route('GET', 'required'), route('PUT', 'required'), route('PUT', 'none')]).toEqual([
      'reads',
      'writes',
      'anonymous',
    ]);
  });
});
