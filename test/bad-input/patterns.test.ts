import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileGlob } from '../../src/protocol/globs.js';
import { compileServerAcl } from '../../src/protocol/server-acl.js';
import { startTestServer, type Answer, type TestClient, type TestServer } from '../support/server.js';
import { expectSound } from '../support/soundness.js';

let server: TestServer;
let alice: TestClient;
let bob: TestClient;
let roomId: string;
beforeAll(async () => {
  server = await startTestServer({ oddContent: true });
  [alice, bob] = [await server.register('alice'), await server.register('bob')];
  roomId = String((await alice.post('/createRoom', { preset: 'public_chat' })).ok()['room_id']);
  (await bob.post(`/join/${roomId}`)).ok();
});
afterAll(async () => {
  await expectSound(server.core);
  await server.close();
});

/** Patterns over which matchers by backtracking never come to an end. */
const EXPLOSIVE = ['*a'.repeat(200), `${'?*'.repeat(200)}b`, '*'.repeat(400), `${'a?'.repeat(200)}*z`];

describe('globs', () => {
  it('of push rules cost what they are long, however they are made', async () => {
    const put = (rule: string, pattern: string) =>
      bob.put(`/pushrules/global/content/${rule}`, { actions: ['notify'], pattern });
    for (const [n, pattern] of EXPLOSIVE.entries()) (await put(`explosive${n}`, pattern)).ok();
    const before = performance.now();
    for (let n = 0; n < 5; n++) {
      (await alice.put(`/rooms/${roomId}/send/m.room.message/a${n}`, { body: 'a'.repeat(60_000) })).ok();
    }
    const { rooms } = (await bob.get('/sync')).ok() as {
      rooms: { join: Record<string, { unread_notifications: { notification_count: number } }> };
    };
    expect(rooms.join[roomId]?.unread_notifications.notification_count).toBe(5);
    // A backtracking matcher would take years.
    expect(performance.now() - before).toBeLessThan(10_000);
  });

  it('of push rules are bounded in length, in number and together', async () => {
    const put = (rule: string, pattern: string) =>
      alice.put(`/pushrules/global/content/${rule}`, { actions: [], pattern });
    (await put('long', 'x'.repeat(1001))).refused(400, 'M_INVALID_PARAM');
    for (let n = 0; n < 4; n++) (await put(`big${n}`, '*'.repeat(1000))).ok();
    (await put('more', 'x'.repeat(97))).refused(413, 'M_TOO_LARGE');
    (await put('big0', 'small')).ok();
    (await put('more', 'x')).ok();
    let refused: Answer | undefined;
    for (let n = 0; refused === undefined && n < 250; n++) {
      const answer = await put(`many${n}`, 'x');
      if (answer.status !== 200) refused = answer;
    }
    refused?.refused(413, 'M_TOO_LARGE');
    const conditions = Array.from({ length: 51 }, () => ({ kind: 'event_match', key: 'type', pattern: 'x' }));
    (await alice.put('/pushrules/global/override/wide', { actions: [], conditions })).refused(
      400,
      'M_BAD_JSON',
    );
  });

  it('of server ACLs cost what they are long', async () => {
    const acl = { allow: EXPLOSIVE, deny: EXPLOSIVE };
    (await alice.put(`/rooms/${roomId}/state/m.room.server_acl/`, acl)).ok();
    (await bob.put(`/rooms/${roomId}/send/m.room.message/acl`, { body: 'still here' })).ok();
    const began = performance.now();
    const isAllowed = compileServerAcl(acl);
    for (let n = 0; n < 100; n++) isAllowed(`${'a'.repeat(200)}.example`);
    for (const pattern of EXPLOSIVE) compileGlob(pattern)('a'.repeat(60_000));
    expect(performance.now() - began).toBeLessThan(5000);
  });
});

describe('filters', () => {
  const inline = (filter: unknown) =>
    alice.get(
      `/sync?filter=${encodeURIComponent(typeof filter === 'string' ? filter : JSON.stringify(filter))}`,
    );
  const stored = (filter: object) => alice.post(`/user/${alice.userId}/filter`, filter);

  it.each([
    { room: 'all' },
    { room: [] },
    { room: { timeline: { limit: 'many' } } },
    { room: { timeline: { limit: -1 } } },
    { room: { timeline: { limit: 1.5 } } },
    { room: { timeline: { types: 'm.room.message' } } },
    { room: { timeline: { types: [5] } } },
    { room: { timeline: { senders: ['nobody'] } } },
    { room: { rooms: ['nowhere'] } },
    { room: { state: { lazy_load_members: 'yes' } } },
    { presence: 5 },
    { event_format: 'xml' },
    { event_fields: 'content' },
    { event_fields: [5] },
    { account_data: { not_types: {} } },
  ])('that are malformed are refused: %j', async (filter) => {
    expect((await stored(filter)).status).toBe(400);
    expect((await inline(filter)).status).toBe(400);
  });

  it.each([
    '{',
    '{}{}',
    '{"room":',
    'null',
    '[]',
    '{"a":"\\ud800"}',
    `{"a":${'['.repeat(500)}${']'.repeat(500)}}`,
  ])('that are no JSON objects are refused: %s', async (text) => {
    expect((await inline(text)).status).toBe(400);
  });

  it('that are hostile cost little', async () => {
    const began = performance.now();
    const types = EXPLOSIVE.map((pattern) => pattern.slice(0, 200));
    (await stored({ room: { timeline: { types, not_types: types } } })).ok();
    (await stored({ room: { timeline: { types: Array.from({ length: 101 }, (_, n) => `*${n}`) } } })).refused(
      400,
      'M_BAD_JSON',
    );
    (
      await stored({
        event_fields: ['a'.repeat(1000), '\\.'.repeat(1000), '.'.repeat(1000), '__proto__.polluted'],
      })
    ).ok();
    (await stored({ room: { rooms: Array.from({ length: 5000 }, (_, n) => `!${n}:x`) } })).ok();
    const fields = { event_fields: Array.from({ length: 3000 }, (_, n) => `a.${n}`) };
    (await inline(fields)).ok();
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  it('that are huge are refused', async () => {
    const types = Array.from({ length: 9000 }, (_, n) => `org.example.${n}`);
    (await stored({ room: { timeline: { types } } })).refused(413, 'M_TOO_LARGE');
    const answer = await inline({ room: { timeline: { types } } });
    expect([400, 413, 414, 431]).toContain(answer.status);
  });

  it('of somebody else are nobody’s', async () => {
    const { filter_id: filter } = (await stored({ room: { timeline: { limit: 3 } } })).ok();
    (await bob.get(`/sync?filter=${String(filter)}`)).refused(400, 'M_INVALID_PARAM');
    (await bob.get(`/user/${alice.userId}/filter/${String(filter)}`)).refused(403, 'M_FORBIDDEN');
    (await bob.post(`/user/${alice.userId}/filter`, {})).refused(403, 'M_FORBIDDEN');
    for (const id of ['0', '-1', '..', '%2e%2e', 'x'.repeat(255)]) {
      expect((await alice.get(`/user/${alice.userId}/filter/${id}`)).status).toBe(404);
    }
  });
});
