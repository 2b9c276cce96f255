import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ReadStoreUnavailableError } from '../../src/read-models/errors.js';
import { openMongoReadStore } from '../../src/read-models/mongodb.js';
import type { ReadStore } from '../../src/read-models/store.js';
import { all, checkpoint, dump, note, notes, put, write } from '../contracts/read-store-notes.js';
import { gateToMongo, MONGODB_URL, NO_MONGODB, testDatabase, type TestDatabase } from '../support/mongodb.js';
import { startTestServer, type TestServer } from '../support/server.js';
import type { TcpGate } from '../support/tcp-gate.js';
import { until } from '../support/until.js';

/** So that tests need not wait for what is meant for people's networks. */
const SHORT = {
  serverSelectionTimeoutMS: '1500',
  connectTimeoutMS: '400',
  socketTimeoutMS: '400',
  heartbeatFrequencyMS: '500',
};

describe.skipIf(MONGODB_URL === '')(`MongoDB away${NO_MONGODB}`, { timeout: 60_000 }, () => {
  let database: TestDatabase;
  let gate: TcpGate;
  let url: string;

  beforeEach(async () => {
    database = await testDatabase();
    ({ gate, url } = await gateToMongo(database.url, SHORT));
  });

  afterEach(async () => {
    await gate.close();
    await database.remove();
  });

  describe('the read store', () => {
    let store: ReadStore;

    beforeEach(async () => {
      store = await openMongoReadStore({ url });
    });

    afterEach(async () => {
      await store.close();
    });

    const uses = (): Promise<unknown>[] => [
      store.checkpoint('notebook', 1),
      store.checkpoints(),
      store.serving(),
      store.serve('notebook', 1),
      store.drop('notebook', 2),
      store.collection(notes).get(['a']),
      store.version(notes, 1).find({ prefix: [] }),
      store.version(notes, 1).getMany([['a']]),
      store.version(notes, 1).count({ prefix: [] }),
      store.write([put(note(['b']))], [{ next: checkpoint(1), expected: 0 }]),
      store.lease('projections'),
      store.changeLease({ name: 'projections', holder: 'a', beat: 1 }, undefined),
      dump(store, 1),
    ];

    async function expectAway(): Promise<void> {
      for (const outcome of await Promise.allSettled(uses())) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { name: 'ReadStoreUnavailableError' } });
      }
    }

    /** As whoever goes on after an unavailability does. */
    async function expectBack(): Promise<void> {
      await until(() => store.checkpoint('notebook', 1).then(() => true, () => false)); // prettier-ignore
      const position = (await store.checkpoint('notebook', 1))?.position;
      if (position === 0) await store.write([put(note(['b']))], [{ next: checkpoint(1), expected: 0 }]);
      expect(await all(store)).toEqual([note(['a']), note(['b'])]);
      expect(await store.collection(notes).get(['a'])).toEqual(note(['a']));
    }

    test.each([
      ['stopped', () => gate.cut(), () => gate.open()],
      [
        'behind a network that swallows everything',
        async () => {
          gate.hold('there', 'back');
        },
        async () => {
          gate.flow();
        },
      ],
    ])(
      'rejects within its time what is asked of a server that is %s, and goes on by itself',
      async (_, cut, restore) => {
        await write(store, put(note(['a'])));
        await store.serve('notebook', 1);
        await cut();
        const began = performance.now();
        await expectAway();
        expect(performance.now() - began).toBeLessThan(10_000);
        // From now on nobody waits.
        const again = performance.now();
        await expectAway();
        expect(performance.now() - again).toBeLessThan(1000);
        await restore();
        await expectBack();
      },
    );

    test('is opened while nobody is there, and used later', async () => {
      await gate.cut();
      await expectAway();
      await gate.open();
      await until(() => store.checkpoints().then(() => true, () => false)); // prettier-ignore
      await write(store, put(note(['a'])));
      await store.serve('notebook', 1);
      expect(await all(store)).toEqual([note(['a'])]);
    });

    test('is closed while nobody is there', async () => {
      await write(store, put(note(['a'])));
      await gate.cut();
      await expect(store.checkpoints()).rejects.toBeInstanceOf(ReadStoreUnavailableError);
      await store.close();
      await expect(store.checkpoints()).rejects.toThrow(/closed/);
    });

    test('is whole after connections were cut again and again while it was written', async () => {
      let [isOver, position] = [false, -1];
      const cutting = (async () => {
        while (!isOver) {
          await gate.cut();
          await gate.open();
          const at = position;
          await until(() => isOver || position > at + 3);
        }
      })();
      while (position < 60) {
        try {
          position = (await store.checkpoint('notebook', 1))?.position ?? -1;
          // Two documents that always say the same.
          const writes = [put(note(['a'], position + 1)), put(note(['b'], position + 1))];
          await store.write(writes, [{ next: checkpoint(position + 1), expected: position }]);
          position++;
          const seen = (await all(store)).map(({ text }) => text);
          expect(seen).toEqual([position, position]);
        } catch (error) {
          if (!(error instanceof ReadStoreUnavailableError)) throw error;
          await setImmediate();
        }
      }
      isOver = true;
      await cutting;
    });
  });

  describe('the server', () => {
    let server: TestServer;

    afterEach(async () => {
      await server.close();
    });

    const start = () =>
      startTestServer({
        env: {
          ENGRAM_READ_MODELS__ADAPTER: 'mongodb',
          ENGRAM_READ_MODELS__URL: url,
          ENGRAM_LOGGING__LEVEL: 'fatal',
        },
      });

    const canRead = (path: string, token: string) => async () => {
      const headers = { authorization: `Bearer ${token}` };
      const response = await server.app.inject({ url: `/_matrix/client/v3${path}`, headers });
      return response.statusCode === 200;
    };

    test('takes commands, answers reads with 503, and catches up', async () => {
      server = await start();
      const alice = await server.register('alice');
      const room = String((await alice.post('/createRoom')).ok()['room_id']);
      (await alice.get('/sync')).ok();
      await gate.cut();
      const send = (n: number) => alice.put(`/rooms/${room}/send/m.room.message/${n}`, { body: `${n}` });
      const events: string[] = [];
      for (let n = 0; n < 5; n++) events.push(String((await send(n)).ok()['event_id']));
      (await alice.get(`/rooms/${room}/messages?dir=b`)).refused(503, 'M_UNKNOWN');
      // A repeat is found without the read models.
      expect((await send(0)).ok()['event_id']).toBe(events[0]);
      await gate.open();
      await until(canRead(`/rooms/${room}/event/${encodeURIComponent(events[4] ?? '')}`, alice.token));
      const { chunk } = (await alice.get(`/rooms/${room}/messages?dir=b&limit=5`)).ok();
      expect((chunk as { event_id: string }[]).map(({ event_id }) => event_id)).toEqual(events.reverse());
    });

    test('starts without it, and serves when it is there', async () => {
      await gate.cut();
      server = await start();
      expect(server.core.readModels.progress().every(({ serving }) => !serving)).toBe(true);
      const alice = await server.register('alice');
      const room = String((await alice.post('/createRoom')).ok()['room_id']);
      (await alice.get(`/rooms/${room}/state`)).refused(503, 'M_UNKNOWN');
      await gate.open();
      await until(canRead('/joined_rooms', alice.token));
      expect((await alice.get('/joined_rooms')).ok()).toEqual({ joined_rooms: [room] });
      await until(() => server.core.readModels.progress().every(({ serving }) => serving));
    });
  });
});
