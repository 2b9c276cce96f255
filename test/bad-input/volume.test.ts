import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { userStream } from '../../src/commands/aggregates/user.js';
import { metadataOf } from '../../src/commands/command.js';
import { createRoom } from '../../src/commands/create-room.js';
import type { RecordBody } from '../../src/log/records.js';
import { uuid } from '../../src/runtime/random.js';
import { startTestServer, type TestClient, type TestServer } from '../support/server.js';
import { expectSound } from '../support/soundness.js';

/** Of each kind; `ENGRAM_VOLUME_ROOMS=10000` makes so many rooms, for which a minute or more is needed. */
const MANY = 10_000;
const ROOMS = Number(process.env['ENGRAM_VOLUME_ROOMS'] ?? 300);

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ env: { ENGRAM_LIMITS__ROOMS_PER_USER: String(ROOMS) } });
});
afterAll(async () => {
  await expectSound(server.core);
  await server.close();
}, 600_000);

/** Writes to an account's stream as if its limits had been others, or none, and has the server read it from there. */
async function write(user: TestClient, records: readonly RecordBody[]): Promise<void> {
  const { write: side } = server.core;
  const stream = userStream(user.userId);
  for (let n = 0; n < records.length; n += 500) {
    const context = { correlationId: 'test', now: side.ports.clock.now() };
    const some = records.slice(n, n + 500);
    const { position } = await side.users.handle(stream, context, () => ({
      records: some,
      result: undefined,
    }));
    server.core.read.barrier.acknowledged(position);
  }
  const metadata = metadataOf({ correlationId: 'test', now: side.ports.clock.now() });
  const end: RecordBody = { type: 'profile.changed', version: 1, data: { fields: { end: 'of it' } } };
  const revision = await side.ports.log.revision(stream);
  await side.ports.log.append(stream, revision, [{ ...end, id: uuid(side.ports.random), metadata }]);
}

/** How long the longest of other people's requests took while something was done, in milliseconds. */
async function longestWaitDuring(other: TestClient, work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let isOver = false;
  const done = work().finally(() => {
    isOver = true;
  });
  while (!isOver) {
    const began = performance.now();
    (await other.get('/account/whoami')).ok();
    longest = Math.max(longest, performance.now() - began);
    await new Promise(setImmediate);
  }
  await done;
  return longest;
}

describe('an account with ten thousand of each', () => {
  const hash = (n: number) => `${'x'.repeat(43 - String(n).length)}${n}`;

  it('devices goes on, and gets no more', async () => {
    const alice = await server.register('alice');
    await write(
      alice,
      Array.from({ length: MANY }, (_, n) => ({
        type: 'device.signed_in',
        version: 1,
        data: { device_id: `D${n}`, access_token_hash: hash(n) },
      })),
    );
    const { devices } = (await alice.get('/devices')).ok() as { devices: object[] };
    expect(devices).toHaveLength(MANY + 1);
    (await alice.put(`/devices/${alice.deviceId}`, { display_name: 'Mine' })).ok();
    const identifier = { type: 'm.id.user', user: 'alice' };
    const login = { type: 'm.login.password', identifier, password: 'correct horse battery staple' };
    (await server.stranger.post('/login', login)).refused(403, 'M_RESOURCE_LIMIT_EXCEEDED');
    (await alice.post('/logout/all')).ok();
    (await server.stranger.post('/login', login)).ok();
  });

  it('tags in a room, and account data of megabytes, can be read, and goes on', async () => {
    const bob = await server.register('bob');
    const tags = Object.fromEntries(Array.from({ length: MANY }, (_, n) => [`u.${n}`, { order: 0.5 }]));
    const text = 'x'.repeat(400_000);
    const data = (type: string, room_id: string | null, content: object): RecordBody => ({
      type: 'account_data.changed',
      version: 1,
      data: { type, room_id, content: { ...content } },
    });
    await write(bob, [
      data('m.tag', '!tagged:one.example', { tags }),
      ...Array.from({ length: MANY }, (_, n) =>
        data('m.tag', `!r${n}:one.example`, { tags: { 'u.work': {} } }),
      ),
      ...Array.from({ length: 50 }, (_, n) => data(`org.example.${n}`, null, { text })),
    ]);
    const room = `/user/${bob.userId}/rooms/${encodeURIComponent('!tagged:one.example')}`;
    expect(Object.keys((await bob.get(`${room}/tags`)).ok()['tags'] as object)).toHaveLength(MANY);
    (await bob.put(`${room}/tags/u.more`, {})).refused(413, 'M_TOO_LARGE');
    (await bob.delete(`${room}/tags/u.5`)).ok();
    const own = `/user/${bob.userId}/account_data`;
    (await bob.put(`${own}/org.example.more`, { text })).refused(403, 'M_RESOURCE_LIMIT_EXCEEDED');
    (await bob.put(`${own}/org.example.1`, {})).ok();
    const { account_data: all } = (await bob.get('/sync')).ok() as { account_data: { events: object[] } };
    expect(all.events.length).toBeGreaterThanOrEqual(50);
  });

  it(`rooms (${ROOMS} here) is in no more, syncs, and keeps nobody waiting`, async () => {
    const [carol, dave] = [await server.register('carol'), await server.register('dave')];
    const { write: side } = server.core;
    const now = side.ports.clock.now();
    for (let n = 0; n < ROOMS; n += 50) {
      const some = Array.from({ length: Math.min(50, ROOMS - n) }, (_, nth) =>
        createRoom(side, carol.userId, {}, '12', { correlationId: 'test', now: now + n + nth }),
      );
      for (const { position } of await Promise.all(some)) server.core.read.barrier.acknowledged(position);
    }
    (await carol.post('/createRoom')).refused(403, 'M_RESOURCE_LIMIT_EXCEEDED');
    (await carol.get('/joined_rooms')).ok();
    let next = '';
    const wait = await longestWaitDuring(dave, async () => {
      const { rooms, next_batch: token } = (await carol.get('/sync')).ok() as {
        rooms: { join: object };
        next_batch: string;
      };
      expect(Object.keys(rooms.join)).toHaveLength(ROOMS);
      next = token;
    });
    expect(wait).toBeLessThan(1000);
    (await carol.get(`/sync?since=${next}`)).ok();
    (await carol.put(`/profile/${carol.userId}/displayname`, { displayname: 'Carol' })).ok();
  }, 600_000);
});
