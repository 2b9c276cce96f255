import { afterEach, expect, test } from 'vitest';
import type { JsonObject } from '../../src/protocol/json.js';
import { freshPrefix, gateTo, onEventStoreDb } from '../support/eventstoredb.js';
import { temporaryFolder } from '../support/folder.js';
import { matrixPath, type Answer, MatrixClient } from '../support/matrix-client.js';
import { serveFolder, type ServedServer } from '../support/served-server.js';
import type { TcpGate } from '../support/tcp-gate.js';
import { until } from '../support/until.js';

/** A whole server, whose log is in EventStoreDB behind a gate. */
onEventStoreDb('a server whose log is away', (url) => {
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  interface Story {
    readonly gate: TcpGate;
    readonly server: ServedServer;
    readonly alice: MatrixClient;
    readonly roomId: string;
    readonly send: (transaction: string) => Promise<Answer>;
    /** Texts of messages that a client sees, the oldest first. */
    readonly seen: () => Promise<unknown[]>;
  }

  async function served(): Promise<Story> {
    const folder = temporaryFolder();
    closing.push(async () => {
      folder.remove();
    });
    const { gate, url: through } = await gateTo(url);
    closing.push(() => gate.close());
    const server = await serveFolder(folder.path, {
      ENGRAM_LOG__ADAPTER: 'eventstoredb',
      ENGRAM_LOG__URL: through,
      ENGRAM_LOG__PREFIX: freshPrefix(),
    });
    closing.push(() => server.kill());
    const alice = await new MatrixClient(server.url).register('alice', 'a password of no weight');
    closing.push(() => alice.close());
    const { room_id: roomId } = await alice.ok('POST', 'v3/createRoom', { body: { name: 'Pub' } });
    if (typeof roomId !== 'string') throw new Error('A room without an ID.');
    return {
      gate,
      server,
      alice,
      roomId,
      send: (transaction) =>
        alice.request('PUT', matrixPath`v3/rooms/${roomId}/send/m.room.message/${transaction}`, {
          body: { msgtype: 'm.text', body: transaction },
        }),
      seen: async () => {
        const path = matrixPath`v3/rooms/${roomId}/messages`;
        const { chunk } = await alice.ok('GET', path, { query: { dir: 'b', limit: 100 } });
        const events = (chunk as JsonObject[]).filter(({ type }) => type === 'm.room.message');
        return events.map(({ content }) => (content as JsonObject)['body']).reverse();
      },
    };
  }

  test('answers 503 to what would change something, goes on reading, and goes on by itself', async () => {
    const { gate, alice, roomId, send, seen, server } = await served();
    expect((await send('one')).status).toBe(200);
    await gate.cut();
    for (const transaction of ['two', 'three']) {
      const { status, headers, body } = await send(transaction);
      expect([status, headers['retry-after'], body['errcode']]).toStrictEqual([503, '5', 'M_UNKNOWN']);
    }
    const profile = matrixPath`v3/profile/${alice.userId}/displayname`;
    expect((await alice.request('PUT', profile, { body: { displayname: 'Al' } })).status).toBe(503);
    expect(await seen()).toStrictEqual(['one']);
    expect((await alice.request('GET', 'v3/sync')).status).toBe(200);
    await gate.open();
    // As clients do: the same again, until it is answered.
    for (const transaction of ['two', 'three', 'four']) {
      await until(async () => (await send(transaction)).status === 200);
    }
    // Projections have what was acknowledged, and the cursor carries the name on into the room.
    expect(await seen()).toStrictEqual(['one', 'two', 'three', 'four']);
    await alice.ok('PUT', profile, { body: { displayname: 'Alice' } });
    const member = matrixPath`v3/rooms/${roomId}/state/m.room.member/${alice.userId}`;
    await until(async () => (await alice.ok('GET', member))['displayname'] === 'Alice');
    await server.stop();
  }, 60_000);

  test('writes once what was sent while answers were lost', async () => {
    const { gate, send, seen } = await served();
    const texts: string[] = [];
    for (let round = 0; round < 5; round++) {
      const transactions = Array.from({ length: 10 }, (_, i) => `${round}.${i}`);
      texts.push(...transactions);
      gate.hold('back');
      const sent = transactions.map(send);
      const { received } = gate;
      await until(() => gate.received > received);
      gate.drop();
      gate.flow();
      const answers = await Promise.all(sent);
      for (const [i, transaction] of transactions.entries()) {
        if (answers[i]?.status !== 200) await until(async () => (await send(transaction)).status === 200);
      }
    }
    expect((await seen()).toSorted()).toStrictEqual(texts.toSorted());
  }, 60_000);

  test('tells within seconds where nothing answers, and goes on when it does', async () => {
    const { gate, send, seen } = await served();
    expect((await send('one')).status).toBe(200);
    gate.hold('there', 'back');
    const began = performance.now();
    expect((await send('two')).status).toBe(503);
    expect((await send('three')).status).toBe(503);
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(await seen()).toStrictEqual(['one']);
    gate.flow();
    for (const transaction of ['two', 'three']) {
      await until(async () => (await send(transaction)).status === 200);
    }
    expect(await seen()).toStrictEqual(['one', 'two', 'three']);
  }, 60_000);
});
