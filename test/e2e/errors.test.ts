import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.js';
import { MatrixClient, matrixPath } from '../support/matrix-client.js';
import { serveFolder, type ServedServer } from '../support/served-server.js';

const PASSWORD = 'a password that is long enough';

/** What somebody meets who does something wrong: the status and code by which a client tells what to say. */
describe('errors that a user meets', () => {
  const folder = temporaryFolder();
  let server: ServedServer;
  let visitor: MatrixClient;
  let alice: MatrixClient;
  let bob: MatrixClient;
  let roomId: string;

  beforeAll(async () => {
    server = await serveFolder(folder.path);
    visitor = new MatrixClient(server.url);
    [alice, bob] = [await visitor.register('alice', PASSWORD), await visitor.register('bob', PASSWORD)];
    const created = await alice.ok('POST', 'v3/createRoom', { body: { preset: 'private_chat' } });
    if (typeof created['room_id'] === 'string') roomId = created['room_id'];
  });
  afterAll(async () => {
    await visitor.close();
    await server.stop();
    folder.remove();
  });

  async function refusal(
    client: MatrixClient,
    method: string,
    path: string,
    body?: object,
  ): Promise<[number, unknown]> {
    const options = body === undefined ? {} : { body: { ...body } };
    const answer = await client.request(method, path, options);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    expect(typeof answer.body['error']).toBe('string');
    return [answer.status, answer.body['errcode']];
  }

  it('a wrong password, and a user that there is not, are told apart by nobody', async () => {
    const wrong = async (user: string) => {
      const identifier = { type: 'm.id.user', user };
      const body = { type: 'm.login.password', identifier, password: 'not it' };
      const answer = await visitor.request('POST', 'v3/login', { body });
      return [answer.status, answer.body];
    };
    const answer = await wrong('alice');
    expect(answer).toMatchObject([403, { errcode: 'M_FORBIDDEN' }]);
    expect(await wrong('nobody')).toEqual(answer);
  });

  it('no token, a wrong one, and one that was logged out', async () => {
    expect(await refusal(visitor, 'GET', 'v3/sync')).toEqual([401, 'M_MISSING_TOKEN']);
    const stranger = new MatrixClient(server.url, { token: 'not-a-token' });
    expect(await refusal(stranger, 'GET', 'v3/sync')).toEqual([401, 'M_UNKNOWN_TOKEN']);
    await stranger.close();
    const phone = await visitor.login('bob', PASSWORD);
    await phone.ok('POST', 'v3/logout', { body: {} });
    expect(await refusal(phone, 'GET', 'v3/account/whoami')).toEqual([401, 'M_UNKNOWN_TOKEN']);
  });

  it('names that are taken or cannot be', async () => {
    const register = (username: string) =>
      refusal(visitor, 'POST', 'v3/register', {
        username,
        password: PASSWORD,
        auth: { type: 'm.login.dummy' },
      });
    expect(await register('alice')).toEqual([400, 'M_USER_IN_USE']);
    expect(await register('Al ice')).toEqual([400, 'M_INVALID_USERNAME']);
  });

  it('a room that one is not in: no joining, sending, or reading without an invite', async () => {
    const refused = [403, 'M_FORBIDDEN'];
    expect(await refusal(bob, 'POST', matrixPath`v3/rooms/${roomId}/join`, {})).toEqual(refused);
    const message = { msgtype: 'm.text', body: 'Let me in' };
    expect(await refusal(bob, 'PUT', matrixPath`v3/rooms/${roomId}/send/m.room.message/1`, message)).toEqual(
      refused,
    );
    expect(await refusal(bob, 'GET', matrixPath`v3/rooms/${roomId}/messages` + '?dir=b')).toEqual(refused);
    expect(await refusal(bob, 'GET', matrixPath`v3/rooms/${roomId}/state`)).toEqual(refused);
    expect(await refusal(bob, 'GET', matrixPath`v3/rooms/${roomId}/members`)).toEqual(refused);
    expect(
      await refusal(bob, 'POST', matrixPath`v3/rooms/${roomId}/invite`, { user_id: '@bob:localhost' }),
    ).toEqual(refused);
  });

  it('what is done to a room needs the power for it', async () => {
    await alice.ok('POST', matrixPath`v3/rooms/${roomId}/invite`, { body: { user_id: bob.userId } });
    await bob.ok('POST', matrixPath`v3/rooms/${roomId}/join`, { body: {} });
    const refused = [403, 'M_FORBIDDEN'];
    expect(
      await refusal(bob, 'POST', matrixPath`v3/rooms/${roomId}/kick`, { user_id: alice.userId }),
    ).toEqual(refused);
    const state = matrixPath`v3/rooms/${roomId}/state/m.room.name`;
    expect(await refusal(bob, 'PUT', state, { name: "Bob's" })).toEqual(refused);
    expect(await refusal(bob, 'GET', matrixPath`v3/rooms/${roomId}/state/m.room.topic`)).toEqual([
      404,
      'M_NOT_FOUND',
    ]);
    const event = matrixPath`v3/rooms/${roomId}/event/${'$nothing'}`;
    expect(await refusal(bob, 'GET', event)).toEqual([404, 'M_NOT_FOUND']);
    await bob.ok('POST', matrixPath`v3/rooms/${roomId}/leave`, { body: {} });
  });

  it('rooms, aliases and profiles that there are not', async () => {
    expect(await refusal(alice, 'POST', matrixPath`v3/join/${'#nowhere:localhost'}`, {})).toEqual([
      404,
      'M_NOT_FOUND',
    ]);
    expect(await refusal(alice, 'GET', matrixPath`v3/directory/room/${'#nowhere:localhost'}`)).toEqual([
      404,
      'M_NOT_FOUND',
    ]);
    expect(await refusal(visitor, 'GET', matrixPath`v3/profile/${'@nobody:localhost'}`)).toEqual([
      404,
      'M_NOT_FOUND',
    ]);
    const [status, code] = await refusal(
      alice,
      'POST',
      matrixPath`v3/rooms/${'!nowhere:localhost'}/join`,
      {},
    );
    expect([
      [404, 'M_NOT_FOUND'],
      [403, 'M_FORBIDDEN'],
    ]).toContainEqual([status, code]);
  });

  it('bodies that cannot be read, and are not what is asked for', async () => {
    const raw = async (body: string) => {
      const answer = await fetch(`${server.url}/_matrix/client/v3/createRoom`, {
        method: 'POST',
        headers: { authorization: `Bearer ${alice.token ?? ''}` },
        body,
      });
      return [answer.status, ((await answer.json()) as { errcode: string }).errcode];
    };
    expect(await raw('{"name":')).toEqual([400, 'M_NOT_JSON']);
    expect(await raw('[]')).toEqual([400, 'M_BAD_JSON']);
    expect(await raw('{"name": 1}')).toEqual([400, 'M_BAD_JSON']);
    expect(await raw(JSON.stringify({ topic: 'x'.repeat(2_000_000) }))).toEqual([413, 'M_TOO_LARGE']);
    const large = { msgtype: 'm.text', body: 'x'.repeat(70_000) };
    expect(await refusal(alice, 'PUT', matrixPath`v3/rooms/${roomId}/send/m.room.message/2`, large)).toEqual([
      413,
      'M_TOO_LARGE',
    ]);
  });

  it('what there is not, and a method that there is not', async () => {
    expect(await refusal(alice, 'GET', 'v3/nothing/of/this/name')).toEqual([404, 'M_UNRECOGNIZED']);
    expect(await refusal(alice, 'DELETE', 'v3/createRoom')).toEqual([405, 'M_UNRECOGNIZED']);
    expect(await refusal(alice, 'GET', 'v9/sync')).toEqual([404, 'M_UNRECOGNIZED']);
  });
});
