import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PASSWORD, startTestServer, type TestClient, type TestServer } from '../../support/server.js';

const V3 = '/_matrix/client/v3';
const PUSHER = {
  kind: 'http',
  app_id: 'org.example.app',
  pushkey: 'key',
  app_display_name: 'App',
  device_display_name: 'Phone',
  lang: 'en',
  data: { url: 'https://push.example/_matrix/push/v1/notify', format: 'event_id_only', more: [1] },
};

let server: TestServer;
let alice: TestClient;
beforeAll(async () => {
  server = await startTestServer();
  alice = await server.register('alice');
});
afterAll(() => server.close());

const set = async (by: TestClient, changes: object = {}) =>
  (await by.post('/pushers/set', { ...PUSHER, ...changes })).ok(`${V3}/pushers/set`);
const shown = async (by: TestClient) => (await by.get('/pushers')).ok(`${V3}/pushers`)['pushers'];

describe('pushers', () => {
  it('are shown as they were set up, until they are removed', async () => {
    await set(alice, { profile_tag: 'tag' });
    expect(await shown(alice)).toEqual([{ ...PUSHER, profile_tag: 'tag' }]);
    const { head } = server.core.log;
    await set(alice, { profile_tag: 'tag' });
    expect(server.core.log.head).toBe(head);
    await set(alice, { lang: 'de', append: true });
    expect(await shown(alice)).toEqual([{ ...PUSHER, lang: 'de' }]);
    const gone = { kind: null, app_id: PUSHER.app_id, pushkey: PUSHER.pushkey };
    for (let times = 0; times < 2; times++) (await alice.post('/pushers/set', gone)).ok();
    expect(await shown(alice)).toEqual([]);
  });

  it('belong to whoever set them up last, unless they are to be shared', async () => {
    const bob = await server.register('bob');
    await set(alice);
    await set(bob, { append: true });
    expect([await shown(alice), await shown(bob)]).toEqual([[PUSHER], [PUSHER]]);
    await set(bob, { lang: 'de' });
    expect(await shown(alice)).toEqual([]);
  });

  it('go with their device, and stay with others when the password changes', async () => {
    const carol = await server.register('carol');
    const other = await server.login('carol');
    await set(carol, { pushkey: 'own' });
    await set(other, { pushkey: 'other' });
    const body = { ...carol.passwordAuth, new_password: `${PASSWORD}!` };
    (await carol.post('/account/password', body)).ok(`${V3}/account/password`);
    expect(await shown(carol)).toEqual([{ ...PUSHER, pushkey: 'own' }]);
  });

  it.each([
    [{ kind: 'email' }, 'M_INVALID_PARAM'],
    [{ lang: undefined }, 'M_MISSING_PARAM'],
    [{ data: undefined }, 'M_MISSING_PARAM'],
    [{ data: {} }, 'M_MISSING_PARAM'],
    [{ data: { url: 'not a URL' } }, 'M_MISSING_PARAM'],
    [{ data: { url: 'http://push.example/_matrix/push/v1/notify' } }, 'M_INVALID_PARAM'],
    [{ data: { url: 'https://push.example/other' } }, 'M_INVALID_PARAM'],
    [{ data: { ...PUSHER.data, more: 'x'.repeat(20_000) } }, 'M_INVALID_PARAM'],
    [{ pushkey: 'x'.repeat(513) }, 'M_INVALID_PARAM'],
    [{ app_id: 'x'.repeat(65) }, 'M_INVALID_PARAM'],
    [{ pushkey: undefined }, 'M_MISSING_PARAM'],
    [{ data: 'text' }, 'M_BAD_JSON'],
  ])('that are none are refused: %j', async (changes, errcode) => {
    (await alice.post('/pushers/set', { ...PUSHER, ...changes })).refused(400, errcode);
  });
});
