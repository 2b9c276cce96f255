import { once } from 'node:events';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { errorResponse } from '../../src/http/errors.js';
import { HttpResponse, JsonText } from '../../src/http/response.js';
import { defineRoute, v3, type Route } from '../../src/http/route.js';
import type { CreateRoom, GetRoomStateWithKey, SetTyping, Sync } from '../../src/http/client/types.js';
import { LogUnavailableError } from '../../src/log/errors.js';
import { MatrixError } from '../../src/protocol/errors.js';
import { ReadModelNotReadyError, ReadStoreUnavailableError } from '../../src/read-models/errors.js';
import { AS_ALICE, anApp } from './support/app.js';

const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, PUT, DELETE, OPTIONS',
  'access-control-allow-headers': 'X-Requested-With, Content-Type, Authorization',
};

let failure: unknown;

const createRoom = defineRoute<CreateRoom>({
  module: 'create_room',
  name: 'createRoom',
  method: 'POST',
  paths: v3('/createRoom'),
  auth: 'required',
  handler: ({ body }) => body,
});

const setTyping = defineRoute<SetTyping>({
  module: 'typing',
  name: 'setTyping',
  method: 'PUT',
  paths: v3('/rooms/{roomId}/typing/{userId}'),
  auth: 'required',
  handler: ({ params, body }) => ({ params, body }),
});

const state = defineRoute<GetRoomStateWithKey>({
  module: 'room_state',
  name: 'getRoomStateWithKey',
  method: 'GET',
  paths: v3(
    '/rooms/{roomId}/state/{eventType}/{stateKey}',
    '/rooms/{roomId}/state/{eventType}',
    '/rooms/{roomId}/state/{eventType}/',
  ),
  auth: 'required',
  handler: ({ params, query }) => ({ params, query }),
});

const sync = defineRoute<Sync>({
  module: 'sync',
  name: 'sync',
  method: 'GET',
  paths: v3('/sync'),
  auth: 'required',
  handler: ({ query }) => ({ query }),
});

const failing = defineRoute<object, 'none'>({
  module: 'versions',
  name: 'getVersions',
  method: 'GET',
  paths: ['/_matrix/client/fails'],
  auth: 'none',
  handler: () => {
    throw failure as Error;
  },
});

const routes: Route[] = [createRoom, setTyping, state, sync, failing];
const app = anApp(routes);

const post = (payload: string | Buffer, headers: Record<string, string> = {}) =>
  app.inject({
    method: 'POST',
    url: '/_matrix/client/v3/createRoom',
    headers: { ...AS_ALICE, ...headers },
    payload,
  });

describe('a body', () => {
  it('is read whatever its type is said to be', async () => {
    for (const headers of [
      {},
      { 'content-type': 'application/json' },
      { 'content-type': 'text/plain;charset=UTF-8' },
      { 'content-type': 'application/x-www-form-urlencoded' },
      { 'content-type': 'nonsense' },
      { 'content-type': '' },
    ]) {
      const response = await post('{"name":"Kitchen"}', headers);
      expect([response.statusCode, response.json()]).toEqual([200, { name: 'Kitchen' }]);
    }
  });

  it.each(['gzip', 'br', 'deflate', 'gzip, identity', 'nonsense'])(
    'that is packed is refused before it is unpacked: %s',
    async (encoding) => {
      const bomb = gzipSync(`{"name":"${'x'.repeat(10_000_000)}"}`);
      const response = await post(bomb, { 'content-encoding': encoding });
      expect([response.statusCode, response.json()]).toEqual([
        415,
        { errcode: 'M_NOT_JSON', error: 'Bodies are taken as they are: leave Content-Encoding out.' },
      ]);
      expect((await post('{}', { 'content-encoding': 'Identity' })).statusCode).toBe(200);
    },
  );

  it('may be left out where nothing in it is needed', async () => {
    const response = await app.inject({
      method: 'POST',
      url: '/_matrix/client/v3/createRoom',
      headers: AS_ALICE,
    });
    expect([response.statusCode, response.json()]).toEqual([200, {}]);
  });

  it.each([
    ['{"name":', 400, 'M_NOT_JSON'],
    ['nonsense', 400, 'M_NOT_JSON'],
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400, 'M_NOT_JSON'],
    ['[]', 400, 'M_BAD_JSON'],
    ['"text"', 400, 'M_BAD_JSON'],
    ['null', 400, 'M_BAD_JSON'],
    [`{"creation_content":${'{"a":'.repeat(200)}1${'}'.repeat(200)}}`, 400, 'M_BAD_JSON'],
    [JSON.stringify({ name: 'x'.repeat(1_100_000) }), 413, 'M_TOO_LARGE'],
  ])('that is not what it should be is refused: %#', async (payload, status, code) => {
    const response = await post(payload);
    expect([response.statusCode, response.json<{ errcode: string }>().errcode]).toEqual([status, code]);
    expect(response.headers).toMatchObject(CORS);
    expect(response.headers['content-type']).toMatch(/^application\/json/);
  });

  it('cannot reach a prototype', async () => {
    const response = await post(
      '{"__proto__":{"visibility":"nonsense"},"creation_content":{"constructor":1}}',
    );
    expect(response.statusCode).toBe(200);
    expect(response.body).toBe(
      '{"__proto__":{"visibility":"nonsense"},"creation_content":{"constructor":1}}',
    );
    expect(({} as Record<string, unknown>)['visibility']).toBeUndefined();
  });

  it('has no required field by inheritance', async () => {
    const response = await app.inject({
      method: 'PUT',
      url: '/_matrix/client/v3/rooms/!r:x/typing/@alice:x',
      headers: AS_ALICE,
      payload: '{"__proto__":{"typing":true}}',
    });
    expect(response.json()).toMatchObject({ errcode: 'M_MISSING_PARAM', error: 'The body lacks typing.' });
  });

  it.each([
    [{ room_version: 1 }, 'M_BAD_JSON', 'room_version must be a string.'],
    [{ invite: ['@a:x', 5] }, 'M_BAD_JSON', 'invite[1] must be a string.'],
    [{ invite: ['a:x'] }, 'M_INVALID_PARAM', 'invite[0] must be a user ID, which begins with @.'],
    [
      { preset: 'loud' },
      'M_INVALID_PARAM',
      'preset must be one of private_chat, public_chat, trusted_private_chat.',
    ],
    [{ initial_state: [{ type: 'm.x' }] }, 'M_BAD_JSON', 'initial_state[0] lacks content.'],
    [
      { initial_state: [{ type: 'é'.repeat(200), content: {} }] },
      'M_INVALID_PARAM',
      'initial_state[0].type must not be longer than 255 bytes.',
    ],
    [{ is_direct: 'true' }, 'M_BAD_JSON', 'is_direct must be a boolean.'],
  ])('that breaks its schema is refused with a sentence: %j', async (payload, errcode, error) => {
    const response = await post(JSON.stringify(payload));
    expect([response.statusCode, response.json()]).toEqual([400, { errcode, error }]);
  });

  it('may have fields that nobody knows', async () => {
    const response = await post('{"org.example.extra":1}');
    expect([response.statusCode, response.json()]).toEqual([200, { 'org.example.extra': 1 }]);
  });
});

describe('a query string', () => {
  const get = (query: string) => app.inject({ url: `/_matrix/client/v3/sync${query}`, headers: AS_ALICE });

  it('is converted by its schema, with defaults', async () => {
    expect((await get('?timeout=30000&full_state=true&since=5&since=6&other=1')).json()).toEqual({
      query: { timeout: 30000, full_state: true, since: '5', set_presence: 'online' },
    });
    expect((await get('')).json()).toEqual({
      query: { timeout: 0, full_state: false, set_presence: 'online' },
    });
  });

  it.each([
    ['?timeout=soon', 'timeout in the query string must be an integer.'],
    ['?timeout=1e3', 'timeout in the query string must be an integer.'],
    ['?timeout=0x10', 'timeout in the query string must be an integer.'],
    ['?timeout=', 'timeout in the query string must be an integer.'],
    ['?timeout=-1', 'timeout in the query string must be >= 0.'],
    ['?timeout=9007199254740993', 'timeout in the query string must be <= 9007199254740991.'],
    ['?full_state=yes', 'full_state in the query string must be a boolean.'],
    ['?set_presence=asleep', 'set_presence in the query string must be one of offline, online, unavailable.'],
  ])('that is wrong is refused: %s', async (query, error) => {
    const response = await get(query);
    expect([response.statusCode, response.json()]).toEqual([400, { errcode: 'M_INVALID_PARAM', error }]);
  });
});

describe('a path', () => {
  const get = (url: string) => app.inject({ url, headers: AS_ALICE });

  it('is decoded part by part', async () => {
    const key = encodeURIComponent('@a/b:x y#%é');
    const response = await get(`/_matrix/client/r0/rooms/!r%3Ax/state/m.room.member/${key}`);
    expect(response.json()).toEqual({
      params: { roomId: '!r:x', eventType: 'm.room.member', stateKey: '@a/b:x y#%é' },
      query: { format: 'content' },
    });
  });

  it('may leave an empty state key out, with and without the slash', async () => {
    for (const end of ['', '/', '/?format=content']) {
      const response = await get(`/_matrix/client/v3/rooms/!r:x/state/m.room.name${end}`);
      expect(response.json<{ params: unknown }>().params).toEqual({
        roomId: '!r:x',
        eventType: 'm.room.name',
        stateKey: '',
      });
    }
  });

  it.each(['%', '%zz', '%ff', 'a%c3'])('that is badly encoded is refused: %s', async (part) => {
    const response = await get(`/_matrix/client/v3/rooms/!r:x/state/m.room.name/${part}`);
    expect([response.statusCode, response.json<{ errcode: string }>().errcode]).toEqual([
      400,
      'M_INVALID_PARAM',
    ]);
    expect(response.headers).toMatchObject(CORS);
  });

  it('may hold identifiers of full length, and refuses longer ones', async () => {
    const full = `!${encodeURIComponent('é'.repeat(127))}`;
    expect((await get(`/_matrix/client/v3/rooms/${full}/state/m`)).statusCode).toBe(200);
    const long = await get(`/_matrix/client/v3/rooms/!${'x'.repeat(255)}/state/m`);
    expect(long.json()).toEqual({
      errcode: 'M_INVALID_PARAM',
      error: 'roomId in the path must not be longer than 255 bytes.',
    });
    const huge = await get(`/_matrix/client/v3/rooms/!${'x'.repeat(3000)}/state/m`);
    expect([huge.statusCode, huge.json<{ errcode: string }>().errcode]).toEqual([414, 'M_INVALID_PARAM']);
  });

  it('with an empty or wrong identifier is refused', async () => {
    for (const room of ['', 'r:x', '@a:x']) {
      const response = await get(`/_matrix/client/v3/rooms/${room}/state/m`);
      expect([response.statusCode, response.json()]).toEqual([
        400,
        { errcode: 'M_INVALID_PARAM', error: 'roomId in the path must be a room ID, which begins with !.' },
      ]);
    }
  });

  it.each([
    '/',
    '/_matrix',
    '/_matrix/client/v3/nothing',
    '/_matrix/client/v9/sync',
    '/_matrix/client/v3/Sync',
  ])('that is not there answers 404: %s', async (url) => {
    const response = await get(url);
    expect([response.statusCode, response.json<{ errcode: string }>().errcode]).toEqual([
      404,
      'M_UNRECOGNIZED',
    ]);
    expect(response.headers).toMatchObject(CORS);
  });

  it('with a method that it does not know answers 405 and says which it knows', async () => {
    for (const [method, url, allow] of [
      ['PUT', '/_matrix/client/v3/sync', 'GET, HEAD, OPTIONS'],
      ['DELETE', '/_matrix/client/r0/rooms/!r:x/typing/@a:x', 'PUT, OPTIONS'],
      ['GET', '/_matrix/client/v3/createRoom?access_token=alices', 'POST, OPTIONS'],
    ] as const) {
      const response = await app.inject({ method, url, payload: method === 'GET' ? '' : 'nonsense' });
      expect([
        response.statusCode,
        response.json<{ errcode: string }>().errcode,
        response.headers.allow,
      ]).toEqual([405, 'M_UNRECOGNIZED', allow]);
    }
  });
});

describe('OPTIONS', () => {
  it.each(['/_matrix/client/v3/sync', '/_matrix/client/v3/nothing', '/', '/_matrix/client/fails'])(
    'is answered with the CORS headers and nothing else: %s',
    async (url) => {
      failure = new Error('never run');
      const response = await app.inject({ method: 'OPTIONS', url });
      expect([response.statusCode, response.body]).toEqual([204, '']);
      expect(response.headers).toMatchObject(CORS);
    },
  );
});

describe('an error', () => {
  const fail = async (error: unknown) => {
    failure = error;
    return app.inject({ url: '/_matrix/client/fails' });
  };

  it('that is a refusal goes out as it stands', async () => {
    const response = await fail(new MatrixError('M_FORBIDDEN', 'No.', { fields: { rule: '4.2' } }));
    expect([response.statusCode, response.json()]).toEqual([
      403,
      { errcode: 'M_FORBIDDEN', error: 'No.', rule: '4.2' },
    ]);
  });

  it('that is a limit says when to come back', async () => {
    const response = await fail(
      new MatrixError('M_LIMIT_EXCEEDED', 'Slowly.', { fields: { retry_after_ms: 1200 } }),
    );
    expect([response.statusCode, response.headers['retry-after']]).toEqual([429, '2']);
  });

  it('that is a fault is told without details, and logged whole', async () => {
    const logged: string[] = [];
    const faulty = anApp(routes, { logged });
    failure = new Error('secret detail');
    const response = await faulty.inject({ url: '/_matrix/client/fails' });
    expect([response.statusCode, response.json()]).toEqual([
      500,
      { errcode: 'M_UNKNOWN', error: 'Internal server error.' },
    ]);
    const line = logged.find((text) => text.includes('secret detail')) ?? '{}';
    expect(JSON.parse(line)).toMatchObject({
      correlationId: 'request-1',
      err: { stack: expect.any(String) as string },
    });
  });

  it('of a store that cannot be reached is 503', async () => {
    for (const error of [
      new LogUnavailableError('down', { outcomeUnknown: false }),
      new ReadStoreUnavailableError('down'),
      new ReadModelNotReadyError('timelines'),
    ]) {
      const response = await fail(error);
      expect([response.statusCode, response.json<{ errcode: string }>().errcode]).toEqual([503, 'M_UNKNOWN']);
      expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
    }
  });

  it('of a read model that is being built tells the progress', () => {
    const response = errorResponse(new ReadModelNotReadyError('timelines'), () => 0.4251);
    expect(response.body).toMatchObject({ projection: 'timelines', progress: 0.4251 });
    expect((response.body as { error: string }).error).toContain('42 %');
  });

  it('that was thrown as something odd is a fault too', async () => {
    expect((await fail(undefined)).statusCode).toBe(500);
    expect((await fail({ statusCode: 200, message: 'odd' })).statusCode).toBe(500);
  });
});

describe('an answer', () => {
  const answering = (answer: object) =>
    anApp([{ ...failing, handler: () => answer }]).inject({ url: '/_matrix/client/fails' });

  it('may be JSON that is ready', async () => {
    const response = await answering(new JsonText('{"a":1.0}'));
    expect([response.statusCode, response.body]).toEqual([200, '{"a":1.0}']);
    expect(response.headers['content-type']).toBe('application/json');
  });

  it('may have its own status, headers and type', async () => {
    const page = await answering(
      new HttpResponse({ status: 201, headers: { 'content-type': 'text/html; charset=utf-8' }, body: '<p>' }),
    );
    expect([page.statusCode, page.headers['content-type'], page.body]).toEqual([
      201,
      'text/html; charset=utf-8',
      '<p>',
    ]);
    const json = await answering(new HttpResponse({ status: 202, body: { a: 1 } }));
    expect([json.statusCode, json.json()]).toEqual([202, { a: 1 }]);
  });
});

describe('what is kept of a request', () => {
  it('warns once of a proxy that nobody has told of', async () => {
    const warnings = async (proxies: number) => {
      const logged: string[] = [];
      const behind = anApp(routes, { logged, proxies });
      for (let n = 0; n < 2; n++) {
        await behind.inject({ url: '/', headers: { 'x-forwarded-for': '203.0.113.7' } });
      }
      await behind.inject({ url: '/', remoteAddress: '203.0.113.8', headers: { 'x-forwarded-for': 'x' } });
      return logged.filter((line) => line.includes('trust_proxy')).length;
    };
    expect([await warnings(0), await warnings(1)]).toEqual([1, 0]);
  });

  it('is measured by route, and logged without tokens or paths', async () => {
    const logged: string[] = [];
    const observed: unknown[][] = [];
    const watched = anApp(routes, {
      logged,
      observer: { requestObserved: (...args) => observed.push(args) },
    });
    await watched.inject({ url: '/_matrix/client/v3/sync?access_token=alices' });
    await watched.inject({ url: '/secret/path?access_token=alices', headers: AS_ALICE });
    expect(observed).toEqual([
      ['/_matrix/client/v3/sync', 'GET', 200, expect.any(Number)],
      ['unknown', 'GET', 404, expect.any(Number)],
    ]);
    expect(logged.join('')).not.toMatch(/alices|secret/);
    expect(logged.map((line) => JSON.parse(line) as object)).toMatchObject([
      { correlationId: 'request-1', status: 200 },
      { correlationId: 'request-2', status: 404 },
    ]);
  });
});

describe('closing', () => {
  const open: { close(): Promise<unknown> }[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.close()));
  });

  /** A poll that waits until its signal fires. */
  const poll = (started: () => void): Route => ({
    ...sync,
    handler: async ({ signal }) => {
      started();
      if (!signal.aborted) await once(signal, 'abort');
      return { ended: true };
    },
  });

  it('answers waiting polls, and refuses new requests', async () => {
    let started: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => {
      started = resolve;
    });
    const server = anApp([poll(started), createRoom]);
    open.push(server);
    const address = await server.listen({ port: 0, host: '127.0.0.1' });
    const waiting = fetch(`${address}/_matrix/client/v3/sync`, { headers: AS_ALICE });
    await begun;
    await server.close();
    expect(await (await waiting).json()).toEqual({ ended: true });
    await expect(fetch(`${address}/_matrix/client/v3/sync`)).rejects.toThrow();
  });

  it('fires the signal when the client goes away', async () => {
    let started: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => {
      started = resolve;
    });
    let ended: () => void = () => undefined;
    const end = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const server = anApp([
      {
        ...sync,
        handler: async ({ signal }) => {
          started();
          await once(signal, 'abort');
          ended();
          return {};
        },
      },
    ]);
    open.push(server);
    const address = new URL(await server.listen({ port: 0, host: '127.0.0.1' }));
    const socket = connect(Number(address.port), address.hostname);
    socket.write('GET /_matrix/client/v3/sync HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alices\r\n\r\n');
    await begun;
    socket.destroy();
    await end;
  });
});
