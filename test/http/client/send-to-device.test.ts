import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestClient, type TestServer } from '../../support/server.js';

const V3 = '/_matrix/client/v3';

let server: TestServer;
let alice: TestClient;
let bob: TestClient;
let transactions = 0;

beforeAll(async () => {
  server = await startTestServer();
  alice = await server.register('alice');
});
afterAll(() => server.close());

async function freshBob(name: string): Promise<TestClient> {
  return (bob = await server.register(name));
}

async function send(messages: object, transactionId = `t${++transactions}`): Promise<void> {
  const path = `/sendToDevice/m.example/${transactionId}`;
  (await alice.put(path, { messages })).ok(`${V3}/sendToDevice/{eventType}/{txnId}`);
}

/** What a sync tells the device, as the numbers in the messages; and the next token. */
async function sync(client: TestClient, since?: string): Promise<{ numbers: unknown[]; next: string }> {
  const query = since === undefined ? '' : `?since=${since}`;
  const body = (await client.get(`/sync${query}`)).ok(`${V3}/sync`);
  const { events } = body['to_device'] as { events: readonly { content: { n?: number } }[] };
  return { numbers: events.map(({ content }) => content.n), next: String(body['next_batch']) };
}

describe('messages to devices', () => {
  it('are told until they are acknowledged, in order, to the device alone', async () => {
    await freshBob('bob1');
    const other = await server.login('bob1');
    const { next: start } = await sync(bob);
    for (let n = 0; n < 3; n++) await send({ [bob.userId]: { [bob.deviceId]: { n } } });
    const first = await sync(bob, start);
    expect(first.numbers).toEqual([0, 1, 2]);
    expect((await sync(bob, start)).numbers).toEqual([0, 1, 2]);
    expect((await sync(bob)).numbers).toEqual([0, 1, 2]);
    expect((await sync(other)).numbers).toEqual([]);
    await send({ [bob.userId]: { '*': { n: 3 } } });
    const second = await sync(bob, first.next);
    expect(second.numbers).toEqual([3]);
    expect((await sync(bob)).numbers).toEqual([3]);
    expect((await sync(bob, second.next)).numbers).toEqual([]);
    expect((await sync(bob)).numbers).toEqual([]);
    expect((await sync(other)).numbers).toEqual([3]);
  });

  it('have sender and type, and wake who waits', async () => {
    await freshBob('bob2');
    const { next } = await sync(bob);
    const waiting = bob.get(`/sync?since=${next}&timeout=30000`);
    await send({ [bob.userId]: { [bob.deviceId]: { n: 1 } } });
    expect((await waiting).ok()['to_device']).toEqual({
      events: [{ sender: alice.userId, type: 'm.example', content: { n: 1 } }],
    });
  });

  it('come in pages, each once', async () => {
    await freshBob('bob3');
    const all = Array.from({ length: 230 }, (_, n) => n);
    for (const n of all) await send({ [bob.userId]: { [bob.deviceId]: { n } } });
    const got: unknown[] = [];
    let since: string | undefined;
    for (let pages = 0; pages < 3; pages++) {
      const page = await sync(bob, since);
      got.push(...page.numbers);
      since = page.next;
    }
    expect(got).toEqual(all);
    expect((await sync(bob, since)).numbers).toEqual([]);
  });

  it('are refused where they are none', async () => {
    const path = '/sendToDevice/m.example/t';
    (await alice.put(path, {})).refused(400, 'M_MISSING_PARAM');
    (await alice.put(path, { messages: { bob: {} } })).refused(400, 'M_INVALID_PARAM');
    (await alice.put(path, { messages: { [bob.userId]: { '*': 'text' } } })).refused(400, 'M_BAD_JSON');
    (await server.stranger.put(path, { messages: {} })).refused(401, 'M_MISSING_TOKEN');
  });
});
