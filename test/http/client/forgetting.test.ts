import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../../support/manual-clock.js';
import { startTestServer, type TestClient, type TestServer } from '../../support/server.js';
import { until } from '../../support/until.js';

const DAY = 86_400_000;
const UNREDACTED = '?fi.mau.msc2815.include_unredacted_content=true';
const GONE = 'FI.MAU.MSC2815_UNREDACTED_CONTENT_DELETED';

let server: TestServer;
let clock: ManualClock;
let alice: TestClient;
let bob: TestClient;
let carol: TestClient;
let roomId: string;

async function open(env: Record<string, string> = {}): Promise<void> {
  clock = new ManualClock();
  server = await startTestServer({ env, clock });
  [alice, bob, carol] = [
    await server.register('alice'),
    await server.register('bob'),
    await server.register('carol'),
  ];
  roomId = String((await alice.post('/createRoom', { preset: 'public_chat', name: 'Pub' })).ok()['room_id']);
  for (const one of [bob, carol]) (await one.post(`/join/${encodeURIComponent(roomId)}`)).ok();
}

beforeEach(() => open());
afterEach(() => server.close());

const inRoom = (rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`;
let transactions = 0;

async function says(who: TestClient, body: string): Promise<string> {
  const path = inRoom(`/send/m.room.message/t${++transactions}`);
  return String((await who.put(path, { msgtype: 'm.text', body })).ok()['event_id']);
}

async function redacts(who: TestClient, eventId: string): Promise<string> {
  const path = inRoom(`/redact/${encodeURIComponent(eventId)}/t${++transactions}`);
  return String((await who.put(path, { reason: 'Rude' })).ok()['event_id']);
}

const event = (who: TestClient, eventId: string, query = '') =>
  who.get(inRoom(`/event/${encodeURIComponent(eventId)}${query}`));

/** The clock moves on by so much, and what follows from that is done. */
async function later(milliseconds: number): Promise<void> {
  // Servers look at their clock every ten minutes at the latest: whoever waits is given time to.
  for (let passed = 0; passed < milliseconds; passed += DAY / 8) {
    clock.advance(Math.min(DAY / 8, milliseconds - passed));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const forgotten = async (eventId: string) => (await event(alice, eventId, UNREDACTED)).errcode === GONE;

describe('the content of a redacted event', () => {
  test('is for who may redact to see, and nobody else', async () => {
    const said = await says(bob, 'Rude words');
    await redacts(bob, said);
    for (const one of [alice, bob, carol]) expect((await event(one, said)).ok()['content']).toEqual({});
    const seen = (await event(alice, said, UNREDACTED)).ok(
      '/_matrix/client/v3/rooms/{roomId}/event/{eventId}',
    );
    expect(seen).toMatchObject({
      event_id: said,
      content: { msgtype: 'm.text', body: 'Rude words' },
      unsigned: { redacted_because: { content: { reason: 'Rude' } } },
    });
    for (const one of [bob, carol]) (await event(one, said, UNREDACTED)).refused(403, 'M_FORBIDDEN');
    const mallory = await server.register('mallory');
    (await event(mallory, said, UNREDACTED)).refused(404, 'M_NOT_FOUND');
    (await event(alice, said, '?fi.mau.msc2815.include_unredacted_content=perhaps')).refused(
      400,
      'M_INVALID_PARAM',
    );
  });

  test('is for those only who are in the room', async () => {
    const said = await says(bob, 'Rude words');
    await redacts(bob, said);
    const levels = { users: { [alice.userId]: 100, [bob.userId]: 100 } };
    if ((await alice.put(inRoom('/state/m.room.power_levels'), levels)).status !== 200) {
      // Who made a room of the newest versions has more than any number.
      (await alice.put(inRoom('/state/m.room.power_levels'), { users: { [bob.userId]: 100 } })).ok();
    }
    expect((await event(bob, said, UNREDACTED)).ok()['content']).toMatchObject({ body: 'Rude words' });
    (await bob.post(inRoom('/leave'))).ok();
    (await event(bob, said, UNREDACTED)).refused(403, 'M_FORBIDDEN');
  });

  test('is the same as ever where nothing was redacted', async () => {
    const said = await says(bob, 'Kind words');
    expect((await event(alice, said, UNREDACTED)).ok()['content']).toMatchObject({ body: 'Kind words' });
  });

  test('is forgotten after seven days', async () => {
    const said = await says(bob, 'Rude words');
    await redacts(alice, said);
    await later(7 * DAY - 60_000);
    expect(await forgotten(said)).toBe(false);
    await later(120_000);
    await until(() => forgotten(said));
    const answer = (await event(alice, said, UNREDACTED)).refused(404, GONE);
    expect(answer['fi.mau.msc2815.content_keep_ms']).toBe(7 * DAY);
    expect((await event(alice, said)).ok()).toMatchObject({
      content: {},
      unsigned: { redacted_because: { content: { reason: 'Rude' } } },
    });
  });

  test('stays with the redaction, as long as that is not redacted', async () => {
    const redaction = await redacts(alice, await says(bob, 'Rude words'));
    await later(30 * DAY);
    expect((await event(carol, redaction)).ok()['content']).toMatchObject({ reason: 'Rude' });
    await redacts(alice, redaction);
    await later(8 * DAY);
    await until(() => forgotten(redaction));
  });

  test('is told of by the versions that there are', async () => {
    const answer = (await alice.get('/_matrix/client/versions')).ok();
    expect(answer['unstable_features']).toEqual({ 'fi.mau.msc2815': true });
  });
});

describe('configured', () => {
  test('to be kept, it stays', async () => {
    await server.close();
    await open({ ENGRAM_FORGETTING__REDACTED_AFTER: 'null' });
    const said = await says(bob, 'Rude words');
    await redacts(alice, said);
    await later(400 * DAY);
    expect((await event(alice, said, UNREDACTED)).ok()['content']).toMatchObject({ body: 'Rude words' });
  });

  test('to be forgotten at once, it is', async () => {
    await server.close();
    await open({ ENGRAM_FORGETTING__REDACTED_AFTER: '0' });
    const said = await says(bob, 'Rude words');
    await redacts(alice, said);
    await until(() => forgotten(said));
  });
});

describe('an account that is closed', () => {
  const close = async (who: TestClient, erase: boolean) =>
    (await who.post('/account/deactivate', { ...who.passwordAuth, erase })).ok();
  const messages = async (who: TestClient) => {
    const answer = (await who.get(inRoom('/messages?dir=b&limit=100'))).ok();
    return answer['chunk'] as Readonly<Record<string, unknown>>[];
  };

  test('with erasure leaves nothing of what it said', async () => {
    (await bob.put(`/profile/${bob.userId}/displayname`, { displayname: 'Bobby Tables' })).ok();
    const said = await says(bob, 'My secret plan');
    const kind = await says(carol, 'Kind words');
    (await alice.post(inRoom('/kick'), { user_id: bob.userId, reason: 'Come back!' })).ok();
    (await alice.post(inRoom('/invite'), { user_id: bob.userId })).ok();
    (await bob.post(`/join/${encodeURIComponent(roomId)}`)).ok();
    await until(async () => JSON.stringify(await messages(carol)).includes('Bobby'));
    await close(bob, true);
    await until(async () => {
      const text = JSON.stringify(await messages(carol));
      return !text.includes('My secret plan') && !text.includes('Bobby Tables');
    });
    const found = (await event(carol, said)).ok();
    expect(found).toMatchObject({ content: {}, sender: bob.userId });
    expect(found['unsigned']).not.toHaveProperty('redacted_because');
    await until(async () => (await event(alice, said, UNREDACTED)).errcode === GONE);
    expect((await event(carol, kind)).ok()['content']).toMatchObject({ body: 'Kind words' });
    const members = (await carol.get(inRoom('/members'))).ok();
    expect(JSON.stringify(members)).not.toContain('Bobby');
    (await carol.get(`/profile/${bob.userId}`)).refused(404, 'M_NOT_FOUND');
    await until(async () => {
      const state = (await carol.get(inRoom(`/state/m.room.member/${bob.userId}`))).ok();
      return state['membership'] === 'leave' && !('reason' in state);
    });
  });

  test('with erasure leaves the rooms that it made in order', async () => {
    (await alice.put(inRoom('/state/m.room.encryption'), { algorithm: 'm.megolm.v1.aes-sha2' })).ok();
    (await alice.put(inRoom('/state/m.room.server_acl'), { allow: ['*'], deny: ['evil.example'] })).ok();
    await close(alice, true);
    await until(async () => {
      const state = (await carol.get(inRoom('/state'))).ok() as unknown as {
        type: string;
        content: object;
      }[];
      const content = (type: string) => state.find((one) => one.type === type)?.content;
      expect(content('m.room.encryption')).toEqual({ algorithm: 'm.megolm.v1.aes-sha2' });
      expect(content('m.room.server_acl')).toMatchObject({ deny: ['evil.example'] });
      expect(content('m.room.join_rules')).toEqual({ join_rule: 'public' });
      return content('m.room.name') !== undefined && !('name' in (content('m.room.name') ?? {}));
    });
    await says(carol, 'Still here');
  });

  test('without erasure leaves what it said', async () => {
    const said = await says(bob, 'My opinion');
    await close(bob, false);
    await until(async () => {
      const state = (await carol.get(inRoom(`/state/m.room.member/${bob.userId}`))).ok();
      return state['membership'] === 'leave';
    });
    expect((await event(carol, said)).ok()['content']).toMatchObject({ body: 'My opinion' });
    for await (const { records } of server.core.log.read('forgotten')) expect(records).toEqual([]);
  });
});
