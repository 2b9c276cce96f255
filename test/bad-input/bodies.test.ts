import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { clientRoutes } from '../../src/http/client/routes.js';
import { Schemas } from '../../src/http/schemas.js';
import type { Route } from '../../src/http/route.js';
import { raw } from '../support/raw-request.js';
import { startTestServer, type TestClient, type TestServer } from '../support/server.js';

let server: TestServer;
let alice: TestClient;
let position: number;
let routes: Route[];
beforeAll(async () => {
  server = await startTestServer({ env: { ENGRAM_LIMITS__REQUEST_BYTES: '100000' } });
  alice = await server.register('alice');
  position = server.core.log.head;
  const schemas = new Schemas('client');
  const config = loadConfig({ env: {}, cwd: '/' });
  routes = clientRoutes(server.api, config).filter(
    ({ module, name, method }) => method !== 'GET' && schemas.compile(module, name).hasBody,
  );
});
afterAll(() => server.close());

/** The first path of a route, with something of the right form in each of its parts. */
function pathOf({ paths: [template = ''] }: Route): string {
  const values: Readonly<Record<string, string>> = {
    userId: alice.userId,
    roomId: '!room:one.example',
    roomIdOrAlias: '!room:one.example',
    roomAlias: '#alias:one.example',
    eventId: '$event',
    kind: 'override',
    keyName: 'displayname',
    receiptType: 'm.read',
    auth: 'm.login.dummy',
  };
  return template.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? 'x'));
}

const BODIES: readonly [
  what: string,
  payload: string | Buffer,
  statuses: readonly number[],
  codes: RegExp,
][] = [
  ['nonsense', 'nonsense', [400], /^M_NOT_JSON$/],
  ['half of an object', '{"a": [1, {"b":', [400], /^M_NOT_JSON$/],
  ['two objects', '{}{}', [400], /^M_NOT_JSON$/],
  ['comments', '{/* a */}', [400], /^M_NOT_JSON$/],
  ['a byte order mark', '\u{feff}{}', [400], /^M_NOT_JSON$/],
  ['UTF-16', Buffer.from('{"a":1}', 'utf16le'), [400], /^M_NOT_JSON$/],
  [
    'bytes that are not UTF-8',
    Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d]),
    [400],
    /^M_NOT_JSON$/,
  ],
  ['overlong UTF-8', Buffer.from([0x22, 0xc0, 0xaf, 0x22]), [400], /^M_NOT_JSON$/],
  ['half of a surrogate pair', '{"a":"\\ud800"}', [400], /^M_NOT_JSON$/],
  ['half of a surrogate pair as a key', '{"\\udfff":1}', [400], /^M_NOT_JSON$/],
  ['NaN', '{"a":NaN}', [400], /^M_NOT_JSON$/],
  ['infinity', '{"a":Infinity}', [400], /^M_NOT_JSON$/],
  ['a number beyond all numbers', '{"a":1e400}', [400], /^M_BAD_JSON$/],
  ['an integer that cannot be kept', '{"a":9007199254740993}', [400], /^M_BAD_JSON$/],
  ['a list', '[]', [400], /^M_BAD_JSON$/],
  ['a string', '"{}"', [400], /^M_BAD_JSON$/],
  ['null', 'null', [400], /^M_BAD_JSON$/],
  ['false', 'false', [400], /^M_BAD_JSON$/],
  ['a thousand lists in each other', `{"a":${'['.repeat(1000)}${']'.repeat(1000)}}`, [400], /^M_BAD_JSON$/],
  ['ten thousand braces', '{"a":'.repeat(10_000), [400], /^M_NOT_JSON$/],
  ['more than the server takes', JSON.stringify({ a: 'x'.repeat(110_000) }), [413], /^M_TOO_LARGE$/],
];

describe('every route with a body', () => {
  it.each(BODIES)('refuses %s', async (_what, payload, statuses, codes) => {
    for (const route of routes) {
      const answer = await raw(server, { method: route.method, path: pathOf(route), as: alice, payload });
      const what = `${route.method} ${route.name}`;
      expect([what, statuses.includes(answer.status), answer.status]).toEqual([what, true, answer.status]);
      expect(answer.body['errcode']).toMatch(codes);
      expect(typeof answer.body['error']).toBe('string');
    }
  });

  it('refuses what is packed, before it unpacks a byte of it', async () => {
    const zeros = Buffer.alloc(50_000_000);
    const bombs = {
      gzip: gzipSync(zeros),
      deflate: deflateSync(zeros),
      br: brotliCompressSync(zeros),
      zstd: '{}',
    };
    for (const [encoding, payload] of Object.entries(bombs)) {
      expect(payload.length).toBeLessThan(100_000);
      for (const route of routes) {
        const headers = { 'content-encoding': encoding };
        const request = { method: route.method, path: pathOf(route), as: alice, payload, headers };
        const { status, body } = await raw(server, request);
        expect([route.name, encoding, status]).toEqual([route.name, encoding, 415]);
        expect(body['errcode']).toMatch(/^M_/);
      }
    }
  });

  it('takes a body of whatever type', async () => {
    for (const type of [
      'text/html',
      'multipart/form-data; boundary=x',
      'application/xml',
      '',
      ';;;',
      'a/b/c',
    ]) {
      const path = `/user/${alice.userId}/filter`;
      const request = {
        method: 'POST',
        path,
        as: alice,
        payload: '{}',
        headers: { 'content-type': type },
      } as const;
      expect((await raw(server, request)).status).toBe(200);
    }
  });

  it('asks for a token before it reads the body of a stranger', async () => {
    for (const route of routes.filter(({ auth }) => auth !== 'none' && auth !== 'optional')) {
      const answer = await raw(server, { method: route.method, path: pathOf(route), payload: 'nonsense' });
      expect([route.name, answer.status, answer.body['errcode']]).toEqual([
        route.name,
        401,
        'M_MISSING_TOKEN',
      ]);
    }
  });

  it('has done nothing of all this', async () => {
    const filters = 1;
    expect(server.core.log.head).toBe(position + filters);
    expect((await alice.get('/account/whoami')).ok()['user_id']).toBe(alice.userId);
  });
});
