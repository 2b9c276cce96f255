import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { raw } from '../support/raw-request.js';
import { startTestServer, type TestClient, type TestServer } from '../support/server.js';
import { expectSound } from '../support/soundness.js';

let server: TestServer;
let alice: TestClient;
let roomId: string;
let transactions = 0;
beforeAll(async () => {
  server = await startTestServer({ oddContent: true });
  alice = await server.register('alice');
  roomId = await room();
});
afterAll(async () => {
  await expectSound(server.core);
  await server.close();
});

const room = async (wish = {}): Promise<string> =>
  String((await alice.post('/createRoom', wish)).ok()['room_id']);

const send = (payload: string, inRoom = roomId) =>
  raw(server, {
    method: 'PUT',
    path: `/rooms/${inRoom}/send/org.example/${++transactions}`,
    as: alice,
    payload,
  });

/** The content of the room's last event, as text. */
async function last(inRoom = roomId): Promise<string> {
  const answer = await server.app.inject({
    url: `/_matrix/client/v3/rooms/${inRoom}/messages?dir=b&limit=1`,
    headers: { authorization: `Bearer ${alice.token}` },
  });
  return /"content":(\{.*?\}),"event_id"/s.exec(answer.body)?.[1] ?? answer.body;
}

describe('numbers', () => {
  const LOOSE = ['1.5', '1.0', '1e3', '-0', '1E-7', '-0.0'];

  it.each([...LOOSE, '9007199254740992', '-9007199254740992', '1e400', '123456789012345678901234567890'])(
    '%s is refused in an event of a room whose version has integers only',
    async (number) => {
      for (const payload of [`{"n":${number}}`, `{"a":[{"n":[${number}]}]}`]) {
        const answer = await send(payload);
        expect([answer.status, answer.body['errcode']]).toEqual([400, 'M_BAD_JSON']);
      }
      const state = { method: 'PUT', path: `/rooms/${roomId}/state/org.example/`, as: alice } as const;
      expect((await raw(server, { ...state, payload: `{"n":${number}}` })).status).toBe(400);
      const create = { method: 'POST', path: '/createRoom', as: alice } as const;
      expect((await raw(server, { ...create, payload: `{"creation_content":{"n":${number}}}` })).status).toBe(
        400,
      );
    },
  );

  it('that are fractions are taken in rooms of the first versions, and integers that cannot be kept are not', async () => {
    const old = await room({ room_version: '5' });
    expect((await send('{"n":1.5}', old)).status).toBe(200);
    expect(await last(old)).toBe('{"n":1.5}');
    expect((await send('{"n":9007199254740993}', old)).body['errcode']).toBe('M_BAD_JSON');
  });

  it('of the largest that there are come back as they were', async () => {
    expect((await send('{"a":9007199254740991,"b":-9007199254740991}')).status).toBe(200);
    expect(await last()).toBe('{"a":9007199254740991,"b":-9007199254740991}');
  });

  it('in account data may be fractions, and are never rounded in silence', async () => {
    const path = `/user/${alice.userId}/account_data/org.example`;
    const put = (payload: string) => raw(server, { method: 'PUT', path, as: alice, payload });
    expect((await put('{"order":0.25}')).status).toBe(200);
    expect((await put('{"n":9007199254740993}')).body['errcode']).toBe('M_BAD_JSON');
    expect((await alice.get(path)).ok()).toEqual({ order: 0.25 });
  });
});

describe('keys', () => {
  const CONTENT =
    '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"hasOwnProperty":1}';

  it('named as prototypes are in events come back as they were, and reach nothing', async () => {
    expect((await send(CONTENT)).status).toBe(200);
    expect(JSON.parse(await last())).toEqual(JSON.parse(CONTENT));
    for (const [type, key] of [
      ['__proto__', ''],
      ['constructor', '__proto__'],
      ['m.room.member', '__proto__'],
    ] as const) {
      const answer = await raw(server, {
        method: 'PUT',
        path: `/rooms/${roomId}/state/${type}/${key}`,
        as: alice,
        payload: CONTENT,
      });
      expect(answer.status).toBe(type === 'm.room.member' ? 400 : 200);
    }
    const state = (await alice.get(`/rooms/${roomId}/state/__proto__`)).ok();
    expect(JSON.stringify(state)).toContain('polluted');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('named as prototypes are names like any other of what a client keeps', async () => {
    const own = `/user/${alice.userId}`;
    const inRoom = `${own}/rooms/${roomId}`;
    for (const name of ['__proto__', 'constructor', 'toString']) {
      (await alice.put(`${own}/account_data/${name}`, { of: name })).ok();
      expect((await alice.get(`${own}/account_data/${name}`)).ok()).toEqual({ of: name });
      (await alice.put(`${inRoom}/tags/${name}`, { order: 0.5 })).ok();
      expect(Object.keys((await alice.get(`${inRoom}/tags`)).ok()['tags'] as object)).toEqual([name]);
      (await alice.delete(`${inRoom}/tags/${name}`)).ok();
      (await alice.delete(`${inRoom}/tags/${name}`)).ok();
      (await alice.put(`/pushrules/global/room/${name}`, { actions: [] })).ok();
      (await alice.get(`/pushrules/global/room/${name}`)).ok();
      (await alice.delete(`/pushrules/global/room/${name}`)).ok();
      (await alice.get(`${own}/filter/${name}`)).refused(404, 'M_NOT_FOUND');
      (await alice.get(`/sync?filter=${name}`)).refused(400, 'M_INVALID_PARAM');
      await server.login('alice', { device_id: name });
      (await alice.get(`/devices/${name}`)).ok();
    }
    expect((await alice.get(`${own}/account_data/valueOf`)).status).toBe(404);
    const sync = (await alice.get('/sync')).ok();
    expect(JSON.stringify(sync)).toContain('{"of":"__proto__"}');
  });

  it('named as prototypes are names of users and levels', async () => {
    const odd = await server.register('__proto__');
    const other = await server.register('constructor');
    const made = String((await odd.post('/createRoom', { preset: 'public_chat' })).ok()['room_id']);
    (await other.post(`/join/${made}`)).ok();
    const levels = '{"users":{"__proto__":100},"events":{"__proto__":0,"constructor":0,"m.room.name":100}}';
    const path = `/rooms/${made}/state/m.room.power_levels/`;
    expect((await raw(server, { method: 'PUT', path, as: odd, payload: levels })).status).toBe(403);
    const good = '{"events":{"__proto__":0,"constructor":60,"m.room.name":100}}';
    expect((await raw(server, { method: 'PUT', path, as: odd, payload: good })).status).toBe(200);
    (await other.put(`/rooms/${made}/state/__proto__/`, {})).ok();
    (await other.put(`/rooms/${made}/state/constructor/`, {})).refused(403, 'M_FORBIDDEN');
    (await odd.put(`/profile/${odd.userId}/displayname`, { displayname: 'Odd' })).ok();
  });

  it('that are repeated count once, the last', async () => {
    expect((await send('{"a":1,"b":{"c":1,"c":2},"a":3}')).status).toBe(200);
    expect(JSON.parse(await last())).toEqual({ a: 3, b: { c: 2 } });
  });
});

describe('texts', () => {
  it('with half of a surrogate pair are refused wherever they stand', async () => {
    for (const payload of ['{"a":"\\ud83d"}', '{"\\ud83d":1}', '{"a":["\\ude00\\ud83d"]}']) {
      const answer = await send(payload);
      expect([answer.status, answer.body['errcode']]).toEqual([400, 'M_NOT_JSON']);
    }
    expect((await send('{"a":"\\ud83d\\ude00"}')).status).toBe(200);
    expect(await last()).toBe('{"a":"😀"}');
    const encoded = `/rooms/${roomId}/state/org.example/%ED%A0%80`;
    expect((await raw(server, { method: 'GET', path: encoded, as: alice })).status).toBe(400);
  });
});

describe('sizes', () => {
  /** A content with which the event has about so many bytes. */
  const sized = (bytes: number) => `{"text":"${'x'.repeat(bytes)}"}`;

  it('of an event up to 65,536 bytes are taken, and no more', async () => {
    let [fits, tooLarge] = [60_000, 65_536];
    while (tooLarge - fits > 1) {
      const size = Math.floor((fits + tooLarge) / 2);
      const answer = await send(sized(size));
      if (answer.status === 200) fits = size;
      else tooLarge = size;
      if (answer.status !== 200)
        expect([answer.status, answer.body['errcode']]).toEqual([413, 'M_TOO_LARGE']);
    }
    // What is around a content of one text: identifiers, hashes, signatures.
    expect(65_536 - fits).toBeGreaterThan(400);
    expect(65_536 - fits).toBeLessThan(1000);
    expect((await send(`{"text":"${'\\u0001'.repeat(30_000)}"}`)).body['errcode']).toBe('M_TOO_LARGE');
  });

  it('of identifiers are 255 bytes, of whatever kind', async () => {
    const long = 'é'.repeat(128);
    const fits = 'é'.repeat(127);
    for (const [method, path] of [
      ['PUT', `/rooms/${roomId}/send/${long}/1`],
      ['PUT', `/rooms/${roomId}/send/m.room.message/${long}`],
      ['PUT', `/rooms/${roomId}/state/${long}/`],
      ['PUT', `/rooms/${roomId}/state/org.example/${long}`],
      ['PUT', `/rooms/${roomId}/redact/$${long}/1`],
      ['PUT', `/rooms/${roomId}/redact/$event/${long}`],
      ['PUT', `/rooms/!${long}/send/m.room.message/1`],
      ['PUT', `/user/@${long}/account_data/x`],
      ['PUT', `/user/${alice.userId}/account_data/${long}`],
      ['PUT', `/user/${alice.userId}/rooms/${roomId}/tags/${long}`],
      ['PUT', `/directory/room/%23${long}`],
      ['PUT', `/devices/${long}`],
      ['PUT', `/profile/@${long}/displayname`],
      ['POST', `/rooms/${roomId}/receipt/m.read/$${long}`],
      ['GET', `/user/${alice.userId}/filter/${long}`],
      ['GET', `/rooms/${roomId}/event/$${long}`],
      ['POST', `/join/!${long}`],
    ] as const) {
      const encoded = path.replaceAll('é', '%C3%A9');
      const answer = await raw(server, {
        method,
        path: encoded,
        as: alice,
        ...(method === 'GET' ? {} : { payload: '{}' }),
      });
      expect([path.slice(0, 60), answer.status]).toEqual([path.slice(0, 60), 400]);
      expect(answer.body['errcode']).toMatch(/^M_(INVALID_PARAM|KEY_TOO_LARGE)$/);
    }
    (await alice.put(`/rooms/${roomId}/state/org.example/${encodeURIComponent(fits)}`)).ok();
    (await alice.put(`/rooms/${roomId}/send/org.example/${encodeURIComponent(fits)}`)).ok();
    (await alice.post('/createRoom', { room_alias_name: 'a'.repeat(255) })).refused(400, 'M_INVALID_PARAM');
    (await alice.post('/createRoom', { invite: [`@${long}:one.example`] })).refused(400, 'M_INVALID_PARAM');
    (await alice.post(`/rooms/${roomId}/invite`, { user_id: `@${long}` })).refused(400, 'M_INVALID_PARAM');
  });
});

describe('transaction IDs', () => {
  it('give the first event again, whatever is sent with them later, and are of one device, room and endpoint', async () => {
    const path = `/rooms/${roomId}/send/m.room.message/same`;
    const first = (await alice.put(path, { body: 'first' })).ok();
    expect((await alice.put(path, { body: 'other' })).ok()).toEqual(first);
    expect((await raw(server, { method: 'PUT', path, as: alice, payload: '{"n":1.5}' })).status).toBe(200);
    const redaction = `/rooms/${roomId}/redact/${String(first['event_id'])}/same`;
    const redacted = (await alice.put(redaction)).ok();
    expect(redacted).not.toEqual(first);
    expect((await alice.put(redaction, { reason: 'again' })).ok()).toEqual(redacted);
    expect((await alice.put(path, { body: 'third' })).ok()).toEqual(first);
    const tablet = await server.login('alice');
    expect((await tablet.put(path, { body: 'first' })).ok()).not.toEqual(first);
    const other = await room();
    expect((await alice.put(`/rooms/${other}/send/m.room.message/same`, { body: 'first' })).ok()).not.toEqual(
      first,
    );
    const { content } = (await alice.get(`/rooms/${roomId}/event/${String(first['event_id'])}`)).ok();
    expect(content).toEqual({});
  });
});
