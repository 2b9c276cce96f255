import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { takeAlias } from '../../src/commands/directory.js';
import { openLmdbLog } from '../../src/log/lmdb.js';
import { NO_STREAM } from '../../src/log/position.js';
import { SealKeys } from '../../src/log/seal-keys.js';
import { systemRandom } from '../../src/runtime/random.js';
import { aRecord, collect } from '../contracts/log/tools.js';
import { temporaryFolder } from '../support/folder.js';
import { JumpingClock } from '../support/jumping-clock.js';
import { startTestServer, type TestClient, type TestServer } from '../support/server.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const HOUR = 3_600_000;
const JUMPS = [5 * HOUR, -11 * HOUR, 30 * 24 * HOUR, -29 * 24 * HOUR];

let clock: JumpingClock;
let server: TestServer;
let alice: TestClient;
beforeEach(async () => {
  clock = new JumpingClock();
  server = await startTestServer({ clock });
  alice = await server.register('alice');
});
afterEach(async () => {
  await server.close();
});

async function aRoom(): Promise<string> {
  const { room_id: roomId } = (await alice.post('/createRoom', { preset: 'public_chat' })).ok();
  return String(roomId);
}

/** Path of a room. */
const of = (roomId: string) => `/rooms/${encodeURIComponent(roomId)}`;

test('messages keep the order in which they were sent, and none is lost or shown twice, however the clock jumps', async () => {
  const roomId = await aRoom();
  const first = (await alice.get('/sync?timeout=0')).ok();
  const sent: unknown[] = [];
  for (const [i, jump] of JUMPS.entries()) {
    clock.jump(jump);
    const path = `${of(roomId)}/send/m.room.message/${i}`;
    sent.push((await alice.put(path, { msgtype: 'm.text', body: `${i}` })).ok()['event_id']);
    // The same transaction is the same event, hours later or earlier.
    expect((await alice.put(path, { msgtype: 'm.text', body: `${i}` })).ok()['event_id']).toBe(sent.at(-1));
  }
  const next = (await alice.get(`/sync?timeout=0&since=${String(first['next_batch'])}`)).ok();
  expect(eventIds(next, 'rooms', 'join', roomId, 'timeline', 'events')).toEqual(sent);
  const page = (await alice.get(`${of(roomId)}/messages?dir=b&limit=${JUMPS.length}`)).ok();
  expect(eventIds(page, 'chunk').reverse()).toEqual(sent);
});

test('sessions that do not expire stay, those that do expire by the clock and can be refreshed', async () => {
  const phone = (
    await server.stranger.post('/login', {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: 'alice' },
      password: 'correct horse battery staple',
      refresh_token: true,
    })
  ).ok();
  const ask = async (token: unknown) => {
    const answer = await server.app.inject({
      url: '/_matrix/client/v3/account/whoami',
      headers: { authorization: `Bearer ${String(token)}` },
    });
    return [answer.statusCode, answer.json<{ soft_logout?: boolean }>().soft_logout];
  };
  expect(await ask(phone['access_token'])).toEqual([200, undefined]);
  clock.jump(2 * HOUR);
  expect(await ask(phone['access_token'])).toEqual([401, true]);
  const fresh = (await server.stranger.post('/refresh', { refresh_token: phone['refresh_token'] })).ok();
  expect(await ask(fresh['access_token'])).toEqual([200, undefined]);
  clock.jump(-10 * HOUR);
  expect(await ask(fresh['access_token'])).toEqual([200, undefined]);
  (await alice.get('/account/whoami')).ok();
});

test('somebody who types is seen by a client whose token is from before the clock was set back', async () => {
  const roomId = await aRoom();
  const bob = await server.register('bob');
  (await bob.post(`${of(roomId)}/join`)).ok();
  // A run of the server while the clock was ahead gave out this token.
  const { next_batch: token } = (await bob.get('/sync?timeout=0')).ok();
  const ahead = String(token).replace(/_(\d+)_/, (_, counter) => `_${Number(counter) + 11 * HOUR}_`);
  (
    await alice.put(`${of(roomId)}/typing/${encodeURIComponent(alice.userId)}`, {
      typing: true,
      timeout: 30_000,
    })
  ).ok();
  const sync = (await bob.get(`/sync?timeout=0&since=${ahead}`)).ok();
  expect(JSON.stringify(sync)).toContain('"type":"m.typing"');
});

test('nobody was last active in the future, and presence ends by time that passes, not by what the clock says', async () => {
  (await alice.put(`/presence/${encodeURIComponent(alice.userId)}/status`, { presence: 'online' })).ok();
  clock.jump(-3 * HOUR);
  const status = (await alice.get(`/presence/${encodeURIComponent(alice.userId)}/status`)).ok();
  expect(status).toMatchObject({ presence: 'online', last_active_ago: 0 });
  clock.jump(6 * HOUR);
  expect((await alice.get(`/presence/${encodeURIComponent(alice.userId)}/status`)).ok()).toMatchObject({
    presence: 'online',
    currently_active: false,
  });
});

test('a poll waits as long as it asked for, whatever the clock does meanwhile', async () => {
  const { next_batch: since } = (await alice.get('/sync?timeout=0')).ok();
  const began = performance.now();
  const poll = alice.get(`/sync?timeout=400&since=${String(since)}`);
  clock.jump(5 * HOUR);
  (await poll).ok();
  expect(performance.now() - began).toBeGreaterThan(390);
  const again = alice.get(`/sync?timeout=400&since=${String(since)}`);
  clock.jump(-9 * HOUR);
  (await again).ok();
  expect(performance.now() - began).toBeLessThan(20_000);
});

test('an alias whose room never came about is free again after a minute, also where the clock was set back', async () => {
  const { write } = server.core;
  const alias = '#taken:one.example';
  const context = () => ({ correlationId: 'test', now: clock.now() });
  await takeAlias(write, alias, '!never:one.example', alice.userId, context());
  await expect(takeAlias(write, alias, '!other:one.example', alice.userId, context())).rejects.toThrow(
    /taken/,
  );
  clock.jump(-2 * HOUR);
  await takeAlias(write, alias, '!other:one.example', alice.userId, context());
});

test('records with a maximal age are hidden by a clock that jumps ahead, and shown again when it is set right', async () => {
  const folder = temporaryFolder();
  const keys = SealKeys.ephemeral(systemRandom);
  const log = await openLmdbLog({ folder: folder.path + '/log', clock, random: systemRandom, keys });
  await log.setRetention('aged', { maxAge: 3600 });
  await log.append('aged', NO_STREAM, [aRecord('a')]);
  await log.append('kept', NO_STREAM, [aRecord('b')]);
  clock.jump(2 * HOUR);
  expect(await collect(log.read('aged'))).toHaveLength(0);
  expect(await collect(log.read('kept'))).toHaveLength(1);
  clock.jump(-4 * HOUR);
  expect(await collect(log.read('aged'))).toHaveLength(1);
  expect((await log.append('aged', 0, [aRecord('c')])).revision).toBe(1);
  await log.close();
  folder.remove();
});

function eventIds(body: unknown, ...keys: readonly string[]): unknown[] {
  let found = body;
  for (const key of keys) found = (found as Record<string, unknown>)[key];
  return (found as { event_id: string }[]).map(({ event_id }) => event_id);
}
