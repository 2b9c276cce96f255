import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LogUnavailableError } from '../../src/log/errors.js';
import { ReadStoreUnavailableError } from '../../src/read-models/errors.js';
import { startTestServer, type TestClient, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let server: TestServer;
let alice: TestClient;
let roomId: string;
beforeEach(async () => {
  server = await startTestServer({ env: { ENGRAM_LOGGING__LEVEL: 'fatal' } });
  alice = await server.register('alice');
  roomId = String((await alice.post('/createRoom', { preset: 'public_chat' })).ok()['room_id']);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await server.close();
});

const send = (transaction: string) =>
  alice.put(`/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${transaction}`, {
    msgtype: 'm.text',
    body: transaction,
  });
const messages = () => alice.get(`/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=10`);

describe('a log that cannot be reached', () => {
  test('refuses commands with Retry-After, and reads go on; afterwards all goes on by itself', async () => {
    const away = new LogUnavailableError('It is away.', { outcomeUnknown: false });
    expect(await server.core.health()).toMatchObject({ log: true });
    vi.spyOn(server.core.log, 'append').mockRejectedValue(away);
    const asked = vi.spyOn(server.core.log, 'end').mockRejectedValue(away);
    expect(await server.core.health()).toMatchObject({ log: false, read_models: true });
    // One that does not answer at all is as good as away.
    asked.mockReturnValue(new Promise(() => undefined));
    expect(await server.core.health()).toMatchObject({ log: false });
    const answer = await server.app.inject({
      method: 'PUT',
      url: `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/send/m.room.message/1`,
      headers: { authorization: `Bearer ${alice.token}` },
      payload: '{"msgtype":"m.text","body":"1"}',
    });
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '5']);
    expect(answer.json()).toMatchObject({ errcode: 'M_UNKNOWN' });
    for (const path of [
      '/profile/@alice:one.example/displayname',
      '/user/@alice:one.example/account_data/x',
    ]) {
      (await alice.put(path, { displayname: 'Alice' })).refused(503, 'M_UNKNOWN');
    }
    (await messages()).ok();
    (await alice.get('/sync?timeout=0')).ok();
    vi.restoreAllMocks();
    (await send('1')).ok();
    expect(JSON.stringify((await messages()).ok())).toContain('"body":"1"');
  });

  test('whose answers are lost is asked again with the same records: each is there once', async () => {
    const { log } = server.core;
    const append = log.append.bind(log);
    let lost = 0;
    vi.spyOn(log, 'append').mockImplementation(async (...args) => {
      const appended = await append(...args);
      if (lost++ < 3) throw new LogUnavailableError('The answer was lost.', { outcomeUnknown: true });
      return appended;
    });
    (await send('once')).ok();
    expect(lost).toBe(4);
    expect(JSON.stringify((await messages()).ok()).split('"body":"once"')).toHaveLength(2);
  });
});

describe('read models that cannot be reached', () => {
  test('answer 503 to reads, commands go on, and projections catch up afterwards', async () => {
    const { store } = server.core.read;
    const away = () => {
      throw new ReadStoreUnavailableError('They are away.');
    };
    const token = (await alice.get('/sync?timeout=0')).ok()['next_batch'];
    for (const method of ['collection', 'version', 'write', 'checkpoint', 'checkpoints'] as const) {
      vi.spyOn(store, method).mockImplementation(away);
    }
    vi.spyOn(store, 'serving').mockRejectedValue(new ReadStoreUnavailableError('They are away.'));
    expect(await server.core.health()).toMatchObject({ log: true, read_models: false });
    expect((await messages()).status).toBe(503);
    expect((await alice.get('/sync?timeout=0')).status).toBe(503);
    (await send('meanwhile')).ok();
    vi.restoreAllMocks();
    (await send('afterwards')).ok();
    await until(async () => (await messages()).status === 200);
    const sync = JSON.stringify((await alice.get(`/sync?timeout=0&since=${String(token)}`)).ok());
    expect(await server.core.health()).toMatchObject({ read_models: true });
    expect(sync).toContain('"body":"meanwhile"');
    expect(sync).toContain('"body":"afterwards"');
  });

  test('let nobody in by a token that was taken back', async () => {
    const { store } = server.core.read;
    const phone = await server.login('alice');
    (await phone.get('/account/whoami')).ok();
    const spies = (['collection', 'version', 'write'] as const).map((method) =>
      vi.spyOn(store, method).mockImplementation(() => {
        throw new ReadStoreUnavailableError('They are away.');
      }),
    );
    (await phone.post('/logout')).ok();
    const answer = phone.put(`/profile/${alice.userId}/displayname`, { displayname: 'B' });
    for (const spy of spies) spy.mockRestore();
    (await answer).refused(401, 'M_UNKNOWN_TOKEN');
  });
});
