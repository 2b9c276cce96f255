import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { ReadStoreUnavailableError } from '../../../src/read-models/errors.js';
import { startTestServer, type TestClient, type TestServer } from '../../support/server.js';

let server: TestServer;
let alice: TestClient;
let room: string;

beforeAll(async () => {
  server = await startTestServer();
  alice = await server.register('alice');
  room = String((await alice.post('/createRoom')).ok()['room_id']);
});
afterAll(() => server.close());

/** Whatever is read while this runs finds the store away. */
async function away(during: () => Promise<void>): Promise<void> {
  const spy = vi.spyOn(server.core.read.store, 'collection').mockImplementation(() => {
    throw new ReadStoreUnavailableError('away');
  });
  try {
    await during();
  } finally {
    spy.mockRestore();
  }
}

let transaction = 0;
const says = (client: TestClient, body: string) =>
  client.put(`/rooms/${room}/send/m.room.message/t${++transaction}`, { msgtype: 'm.text', body });

beforeEach(async () => {
  (await alice.get('/joined_rooms')).ok();
});

it('commands go on, and are read afterwards', async () => {
  let event = '';
  await away(async () => {
    event = String((await says(alice, 'anybody there?')).ok()['event_id']);
    (await alice.put(`/profile/${alice.userId}/displayname`, { displayname: 'Alice' })).ok();
  });
  (await alice.get(`/rooms/${room}/event/${event}`)).ok();
});

it('reads answer 503, and say when to come again', async () => {
  await away(async () => {
    for (const path of ['/sync', '/publicRooms', `/rooms/${room}/messages?dir=b`, `/rooms/${room}/state`]) {
      const response = await server.app.inject({
        url: `/_matrix/client/v3${path}`,
        headers: { authorization: `Bearer ${alice.token}` },
      });
      expect([path, response.statusCode, response.headers['retry-after']]).toEqual([path, 503, '5']);
      expect(response.json()).toMatchObject({ errcode: 'M_UNKNOWN' });
    }
  });
  (await alice.get('/joined_rooms')).ok();
});

it('one can sign in, and go on with the new token', async () => {
  await away(async () => {
    const second = await server.login('alice');
    (await says(second, 'from here too')).ok();
    (await second.post('/logout')).ok();
    // The token is not valid any more, and that is not known for certain.
    (await says(second, 'still there?')).refused(503, 'M_UNKNOWN');
    (await says(alice, 'the others are')).ok();
  });
});

it('nobody is told that a token is unknown, and nobody gets in by a false one', async () => {
  await away(async () => {
    const [prefix = '', owner = ''] = alice.token.split('_');
    const forged = `${prefix}_${owner}_${'A'.repeat(43)}`;
    for (const token of [forged, 'ega_made up', `${prefix}_${'A'.repeat(43)}`]) {
      const response = await server.app.inject({
        method: 'PUT',
        url: `/_matrix/client/v3/rooms/${room}/send/m.room.message/forged`,
        headers: { authorization: `Bearer ${token}` },
        payload: '{}',
      });
      expect(response.statusCode).toBe(503);
    }
  });
});

it('guests stay guests', async () => {
  const guest = (await server.stranger.post('/register?kind=guest')).ok();
  const headers = { authorization: `Bearer ${String(guest['access_token'])}` };
  await away(async () => {
    const response = await server.app.inject({
      method: 'POST',
      url: '/_matrix/client/v3/createRoom',
      headers,
    });
    expect(response.statusCode).toBe(403);
  });
});
