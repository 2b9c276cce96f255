import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { register } from '../../src/commands/registration.js';
import { raw } from '../support/raw-request.js';
import { PASSWORD, startTestServer, type TestClient, type TestServer } from '../support/server.js';
import { expectSound } from '../support/soundness.js';

/** Characters that draw nothing, or over what stands beside them. */
const CONTROLS = '\u0000\u0001\u0007\u001b[31m\u007f\u0085\u200b\u202e\u2028\ufeff\ufffe';

let server: TestServer;
let alice: TestClient;
beforeAll(async () => {
  server = await startTestServer({ oddContent: true });
  alice = await server.register('alice');
});
afterAll(async () => {
  await expectSound(server.core);
  await server.close();
});

const room = async (wish = {}): Promise<string> =>
  String((await alice.post('/createRoom', wish)).ok()['room_id']);
const signUp = (username: string) =>
  server.stranger.post('/register', { username, password: PASSWORD, auth: { type: 'm.login.dummy' } });

describe('NUL and control characters', () => {
  it('in names that people give are kept as they are', async () => {
    const roomId = await room({ name: CONTROLS, topic: CONTROLS });
    expect((await alice.get(`/rooms/${roomId}/state/m.room.name`)).ok()).toEqual({ name: CONTROLS });
    (await alice.put(`/profile/${alice.userId}/displayname`, { displayname: CONTROLS })).ok();
    expect((await alice.get(`/profile/${alice.userId}/displayname`)).ok()).toEqual({ displayname: CONTROLS });
    (await alice.put(`/devices/${alice.deviceId}`, { display_name: CONTROLS })).ok();
    expect((await alice.get(`/devices/${alice.deviceId}`)).ok()['display_name']).toBe(CONTROLS);
    (await alice.post('/user_directory/search', { search_term: CONTROLS })).ok();
    (await alice.post('/publicRooms', { filter: { generic_search_term: CONTROLS } })).ok();
  });

  it('in keys tell one from another, as every character does', async () => {
    const roomId = await room();
    const keys = ['', 'a', 'a\u0000', 'a\u0000b', '\u0000a', 'a\u0001', 'ab'];
    const own = `/user/${alice.userId}`;
    for (const key of keys) {
      const encoded = encodeURIComponent(key);
      (await alice.put(`/rooms/${roomId}/state/org.example/${encoded}`, { key })).ok();
      (await alice.put(`/rooms/${roomId}/state/t${encoded}/`, { type: key })).ok();
      (await alice.put(`${own}/account_data/t${encoded}`, { type: key })).ok();
      (await alice.put(`${own}/rooms/${roomId}/tags/t${encoded}`, { order: 0.5 })).ok();
      (await alice.put(`/rooms/${roomId}/send/org.example/t${encoded}`, { key })).ok();
    }
    for (const key of keys) {
      const encoded = encodeURIComponent(key);
      expect((await alice.get(`/rooms/${roomId}/state/org.example/${encoded}`)).ok()).toEqual({ key });
      expect((await alice.get(`/rooms/${roomId}/state/t${encoded}/`)).ok()).toEqual({ type: key });
      expect((await alice.get(`${own}/account_data/t${encoded}`)).ok()).toEqual({ type: key });
    }
    const tags = (await alice.get(`${own}/rooms/${roomId}/tags`)).ok()['tags'];
    expect(Object.keys(tags as object).sort()).toEqual(keys.map((key) => `t${key}`).sort());
    const filter = encodeURIComponent(JSON.stringify({ types: ['org.example'] }));
    const page = (await alice.get(`/rooms/${roomId}/messages?dir=f&limit=100&filter=${filter}`)).ok();
    const chunk = page['chunk'] as { state_key?: string; content: { key: string } }[];
    const sent = chunk.filter(({ state_key: key }) => key === undefined).map(({ content }) => content.key);
    expect(sent).toEqual(keys);
  });

  it('in identifiers are refused', async () => {
    for (const name of ['a\u0000b', 'a\u001bb', 'a\nb', ' a', 'a\u202eb']) {
      (await signUp(name)).refused(400, 'M_INVALID_USERNAME');
      (await server.stranger.get(`/register/available?username=${encodeURIComponent(name)}`)).refused(
        400,
        'M_INVALID_USERNAME',
      );
    }
    const identifier = { type: 'm.id.user', user: 'alice' };
    const login = (device: string) =>
      server.stranger.post('/login', {
        type: 'm.login.password',
        identifier,
        password: PASSWORD,
        device_id: device,
      });
    (await login('a\u0000b')).refused(400, 'M_INVALID_PARAM');
    (await alice.post('/createRoom', { room_alias_name: 'a\u0000b' })).refused(400, 'M_INVALID_PARAM');
    const roomId = await room();
    const alias = encodeURIComponent('#a\u0000b:one.example');
    (await alice.put(`/directory/room/${alias}`, { room_id: roomId })).refused(400, 'M_INVALID_PARAM');
    (await alice.post(`/rooms/${roomId}/invite`, { user_id: '@a\u0000b:one.example' })).refused(
      400,
      'M_INVALID_PARAM',
    );
    (await alice.get(`/profile/${encodeURIComponent('@a\u0000b:one.example')}`)).refused(404, 'M_NOT_FOUND');
    for (const path of ['/rooms/!a%00b/state', '/rooms/!a%0Ab/messages?dir=b', '/rooms/!room/event/$a%00b']) {
      const answer = await raw(server, { method: 'GET', path, as: alice });
      expect([path, [403, 404].includes(answer.status)]).toEqual([path, true]);
    }
  });
});

describe('user names', () => {
  it.each([
    '',
    ':',
    'a:one.example',
    '@',
    '@@alice',
    'ünïcödé',
    'alice@one.example',
    'alice!',
    'a b',
    '%00',
    'x'.repeat(245),
    '\ud83d\ude00',
    'аlice',
  ])('that are malformed are refused: "%s"', async (name) => {
    (await signUp(name)).refused(400, 'M_INVALID_USERNAME');
  });

  it('are alike in every case', async () => {
    (await signUp('ALICE')).refused(400, 'M_USER_IN_USE');
    expect((await signUp('Bob')).ok()['user_id']).toBe('@bob:one.example');
    (await signUp('bOB')).refused(400, 'M_USER_IN_USE');
  });

  it('that a guest or the server makes up are not taken twice', async () => {
    const { user_id: guest } = (await server.stranger.post('/register?kind=guest')).ok();
    const name = String(guest).slice(1).split(':')[0] ?? '';
    (await signUp(name)).refused(400, 'M_USER_IN_USE');
  });

  it('of closed accounts stay taken', async () => {
    const gone = await server.register('gone');
    (await gone.post('/account/deactivate', gone.passwordAuth)).ok();
    (await signUp('gone')).refused(400, 'M_USER_IN_USE');
    const { write, ports } = server.core;
    const context = { correlationId: 'test', now: ports.clock.now() };
    const wish = { username: 'gone', kind: 'user', method: 'operator' } as const;
    await expect(register(write, wish, context)).rejects.toThrow(/taken/);
  });

  it('of other servers may be historical: any characters that are no controls', async () => {
    const roomId = await room();
    for (const name of ['Üser Name', 'UPPER', 'a#b', 'a!b', '', 'x'.repeat(230)]) {
      const userId = `@${name}:elsewhere.example`;
      (await alice.post(`/rooms/${roomId}/invite`, { user_id: userId })).ok();
      expect(
        (await alice.get(`/rooms/${roomId}/state/m.room.member/${encodeURIComponent(userId)}`)).ok(),
      ).toEqual({
        membership: 'invite',
      });
    }
    for (const userId of [
      '@a',
      '@:',
      'a:elsewhere.example',
      '@a:',
      '@a:not a server',
      '@a:[::1',
      '@a:x:99999999',
    ]) {
      const answer = await alice.post(`/rooms/${roomId}/invite`, { user_id: userId });
      expect([userId, answer.status]).toEqual([userId, 400]);
    }
  });
});
