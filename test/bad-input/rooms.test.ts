import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestClient, type TestServer } from '../support/server.js';
import { expectSound } from '../support/soundness.js';

const VERSIONS = ['1', '5', '9', '10', '11', '12'];

let server: TestServer;
let alice: TestClient;
let bob: TestClient;
let carol: TestClient;
beforeAll(async () => {
  server = await startTestServer({ oddContent: true });
  [alice, bob, carol] = [
    await server.register('alice'),
    await server.register('bob'),
    await server.register('carol'),
  ];
});
afterAll(async () => {
  await expectSound(server.core);
  await server.close();
});

async function room(wish: object = {}, members: readonly TestClient[] = []): Promise<string> {
  const roomId = String(
    (await alice.post('/createRoom', { preset: 'public_chat', ...wish })).ok()['room_id'],
  );
  for (const member of members) (await member.post(`/join/${roomId}`)).ok();
  return roomId;
}

const state = (user: TestClient, roomId: string, type: string, content: object, key = '') =>
  user.put(`/rooms/${roomId}/state/${type}/${encodeURIComponent(key)}`, content);
let transactions = 0;
const send = (user: TestClient, roomId: string, type = 'm.room.message') =>
  user.put(`/rooms/${roomId}/send/${type}/${++transactions}`, { body: 'x' });
const levels = (roomId: string, content: object) => state(alice, roomId, 'm.room.power_levels', content);

describe.each(VERSIONS)('power levels in version %s', (version) => {
  const own = version === '12' ? {} : { [`@alice:one.example`]: 100 };

  it('that are no numbers are refused, or taken for numbers where they once were', async () => {
    const roomId = await room({ room_version: version }, [bob]);
    const stringsAllowed = Number(version) < 10;
    for (const content of [
      { users: { ...own, [bob.userId]: '50' } },
      { users: own, ban: '50' },
      { users: own, events: { 'm.room.name': '50' } },
      { users: own, events_default: ' +5 ' },
    ]) {
      expect((await levels(roomId, content)).status).toBe(stringsAllowed ? 200 : 403);
    }
    for (const content of [
      { users: { ...own, [bob.userId]: 'high' } },
      { users: { ...own, [bob.userId]: [] } },
      { users: [] },
      { users: 'all' },
      { users: own, events: 'none' },
      { users: own, ban: null },
      { users: own, ban: {} },
      { users: own, ban: true },
      { users: { ...own, 'not a user': 5 } },
    ]) {
      const answer = await levels(roomId, content);
      const isOld = Number(version) < 10;
      // The first versions have no rule against some of these; none of them is a fault, and nobody gets power by it.
      expect([
        JSON.stringify(content),
        isOld ? [200, 403].includes(answer.status) : answer.status === 403,
      ]).toEqual([JSON.stringify(content), true]);
    }
    (await state(bob, roomId, 'm.room.topic', { topic: 'mine' })).refused(403, 'M_FORBIDDEN');
  });

  it('that are huge or negative mean what they say', async () => {
    const roomId = await room({ room_version: version }, [bob]);
    const most = Number.MAX_SAFE_INTEGER;
    (await levels(roomId, { users: { ...own, [bob.userId]: -most }, events_default: -5 })).ok();
    (await send(bob, roomId)).refused(403, 'M_FORBIDDEN');
    (await levels(roomId, { users: { ...own, [bob.userId]: -5 }, events_default: -5 })).ok();
    (await send(bob, roomId)).ok();
    // Nobody can ask for more than they have themselves; creators of version 12 have more than anything.
    const above = await levels(roomId, { users: own, events: { 'org.example': most } });
    expect(above.status).toBe(version === '12' ? 200 : 403);
    (await levels(roomId, { users: own, invite: 9_007_199_254_740_993 })).refused(400, 'M_BAD_JSON');
  });

  it('of the last admin can be given away, and then nobody has them', async () => {
    const roomId = await room({ room_version: version }, [bob]);
    if (version === '12') {
      (await levels(roomId, { users: { [alice.userId]: 0 } })).refused(403, 'M_FORBIDDEN');
      return;
    }
    (await levels(roomId, { users: { [alice.userId]: 0 } })).ok();
    (await levels(roomId, { users: { [alice.userId]: 100 } })).refused(403, 'M_FORBIDDEN');
    (await state(alice, roomId, 'm.room.name', { name: 'x' })).refused(403, 'M_FORBIDDEN');
    (await send(alice, roomId)).ok();
    (await bob.post(`/rooms/${roomId}/leave`)).ok();
    (await alice.post(`/rooms/${roomId}/leave`)).ok();
  });

  it('are the defaults where a room has none', async () => {
    const roomId = await room({ room_version: version, power_level_content_override: { users: own } }, [bob]);
    (await levels(roomId, {})).ok();
    (await send(bob, roomId)).ok();
    const topic = await state(bob, roomId, 'm.room.topic', { topic: 'mine' });
    topic.refused(403, 'M_FORBIDDEN');
    (await bob.post(`/rooms/${roomId}/kick`, { user_id: alice.userId })).refused(403, 'M_FORBIDDEN');
    (await alice.get(`/rooms/${roomId}/state`)).ok();
    (await alice.get(`/sync`)).ok();
  });
});

describe('membership', () => {
  it('comes to nobody who was not invited, or is banned, and comes once', async () => {
    const roomId = await room({ preset: 'private_chat' });
    (await bob.post(`/join/${roomId}`)).refused(403, 'M_FORBIDDEN');
    (await bob.post(`/rooms/${roomId}/join`)).refused(403, 'M_FORBIDDEN');
    (await state(bob, roomId, 'm.room.member', { membership: 'join' }, bob.userId)).refused(
      403,
      'M_FORBIDDEN',
    );
    (await alice.post(`/rooms/${roomId}/ban`, { user_id: bob.userId })).ok();
    (await alice.post(`/rooms/${roomId}/invite`, { user_id: bob.userId })).refused(403, 'M_FORBIDDEN');
    (await bob.post(`/join/${roomId}`)).refused(403, 'M_FORBIDDEN');
    (await bob.post(`/knock/${roomId}`)).refused(403, 'M_FORBIDDEN');
    (await alice.post(`/rooms/${roomId}/unban`, { user_id: bob.userId })).ok();
    (await alice.post(`/rooms/${roomId}/unban`, { user_id: bob.userId })).refused(403, 'M_FORBIDDEN');
    (await alice.post(`/rooms/${roomId}/invite`, { user_id: bob.userId })).ok();
    const joined = (await bob.post(`/join/${roomId}`)).ok();
    const position = server.core.log.head;
    expect((await bob.post(`/join/${roomId}`)).ok()).toEqual(joined);
    expect((await bob.post(`/rooms/${roomId}/join`)).ok()).toEqual(joined);
    expect(server.core.log.head).toBe(position);
    (await alice.post(`/rooms/${roomId}/invite`, { user_id: bob.userId })).refused(403, 'M_FORBIDDEN');
  });

  it('is nobody’s to give to themselves or to take from others without power', async () => {
    const roomId = await room({}, [bob, carol]);
    for (const user of [alice, bob]) {
      (await user.post(`/rooms/${roomId}/invite`, { user_id: user.userId })).refused(403, 'M_FORBIDDEN');
    }
    (await bob.post(`/rooms/${roomId}/kick`, { user_id: carol.userId })).refused(403, 'M_FORBIDDEN');
    (await bob.post(`/rooms/${roomId}/ban`, { user_id: alice.userId })).refused(403, 'M_FORBIDDEN');
    for (const membership of ['join', 'leave', 'ban', 'invite', 'knock', 'nonsense', '', 5, null, {}]) {
      const answer = await state(bob, roomId, 'm.room.member', { membership }, carol.userId);
      expect([membership, [400, 403].includes(answer.status)]).toEqual([membership, true]);
    }
    for (const membership of ['nonsense', '', 5, null, {}, 'invite', 'knock']) {
      const answer = await state(bob, roomId, 'm.room.member', { membership }, bob.userId);
      expect([membership, [400, 403].includes(answer.status)]).toEqual([membership, true]);
    }
    (await state(bob, roomId, 'm.room.member', { membership: 'join' }, 'not a user')).refused(
      400,
      'M_BAD_JSON',
    );
    (await state(bob, roomId, 'm.room.member', { membership: 'join' })).refused(400, 'M_BAD_JSON');
    (await alice.post(`/rooms/${roomId}/kick`, { user_id: 'nobody' })).refused(400, 'M_INVALID_PARAM');
    (await alice.post(`/rooms/${roomId}/kick`, { user_id: '@nobody:one.example' })).refused(
      403,
      'M_FORBIDDEN',
    );
    (await alice.post(`/rooms/${roomId}/unban`, { user_id: bob.userId })).refused(403, 'M_FORBIDDEN');
  });

  it('of rooms that there are not is nobody’s', async () => {
    for (const roomId of ['!nothing:one.example', '!nothing', '!:', '!nothing:elsewhere.example']) {
      const encoded = encodeURIComponent(roomId);
      for (const [path, body] of [
        [`/rooms/${encoded}/join`, {}],
        [`/rooms/${encoded}/leave`, {}],
        [`/rooms/${encoded}/invite`, { user_id: bob.userId }],
        [`/rooms/${encoded}/kick`, { user_id: bob.userId }],
        [`/knock/${encoded}`, {}],
        [`/rooms/${encoded}/forget`, {}],
        [`/rooms/${encoded}/upgrade`, { new_version: '11' }],
      ] as const) {
        const answer = await alice.post(path, body);
        expect([path, answer.status >= 400 && answer.status < 500]).toEqual([path, true]);
      }
    }
  });
});

describe('events', () => {
  it('with which rooms begin can be redacted, and stay what they are', async () => {
    for (const version of VERSIONS) {
      const roomId = await room({ room_version: version, creation_content: { 'm.federate': false } }, [bob]);
      const create = (
        (await alice.get(`/rooms/${roomId}/state`)).ok() as unknown as { type: string; event_id: string }[]
      ).find(({ type }) => type === 'm.room.create');
      const redact = (user: TestClient) =>
        user.put(`/rooms/${roomId}/redact/${encodeURIComponent(create?.event_id ?? '')}/${++transactions}`);
      (await redact(bob)).refused(403, 'M_FORBIDDEN');
      (await redact(alice)).ok();
      (await send(bob, roomId)).ok();
      (await state(alice, roomId, 'm.room.name', { name: 'Still here' })).ok();
      (await bob.get(`/rooms/${roomId}/messages?dir=b`)).ok();
      (await carol.post(`/join/${roomId}`)).ok();
      (await state(alice, roomId, 'm.room.create', { creator: alice.userId })).refused(403, 'M_FORBIDDEN');
    }
  });

  it('that are not there, or of other rooms, cannot be redacted', async () => {
    const [one, two] = [await room(), await room()];
    const there = (await send(alice, two)).ok()['event_id'];
    for (const target of ['$nothing', '$', String(there), '$../..', '$%00']) {
      const answer = await alice.put(`/rooms/${one}/redact/${encodeURIComponent(target)}/${++transactions}`);
      expect([target, [400, 404].includes(answer.status)]).toEqual([target, true]);
    }
  });

  it('that name a predecessor in any form make a room like another', async () => {
    for (const predecessor of [
      '!old:one.example',
      5,
      null,
      [],
      {},
      { room_id: 5 },
      { room_id: '!x', event_id: {} },
    ]) {
      for (const type of ['m.space', 5, null, {}]) {
        const made = await alice.post('/createRoom', {
          preset: 'public_chat',
          visibility: 'public',
          creation_content: { predecessor, type },
        });
        const roomId = String(made.ok()['room_id']);
        (await bob.post(`/join/${roomId}`)).ok();
        (await bob.get(`/_matrix/client/v1/room_summary/${roomId}`)).ok();
        (await alice.post('/publicRooms', { filter: { room_types: ['m.space', null] } })).ok();
        (await bob.get('/sync')).ok();
        (await alice.post(`/rooms/${roomId}/upgrade`, { new_version: '12' })).ok();
      }
    }
    for (const tombstone of ['!new', 5, { replacement_room: 5 }, { replacement_room: {} }]) {
      const roomId = await room({}, [bob]);
      const content =
        typeof tombstone === 'object' ? tombstone : { body: tombstone, replacement_room: tombstone };
      (await state(alice, roomId, 'm.room.tombstone', content)).ok();
      (await bob.get('/sync')).ok();
      (await alice.get('/publicRooms')).ok();
    }
  });
});

describe('aliases', () => {
  const set = (alias: string, roomId: string, user = alice) =>
    user.put(`/directory/room/${encodeURIComponent(alias)}`, { room_id: roomId });

  it('of other servers are not ours to give, read or take', async () => {
    const roomId = await room();
    (await set('#a:elsewhere.example', roomId)).refused(400, 'M_INVALID_PARAM');
    const elsewhere = `/directory/room/${encodeURIComponent('#a:elsewhere.example')}`;
    (await alice.get(elsewhere)).refused(404, 'M_NOT_FOUND');
    (await alice.delete(elsewhere)).refused(400, 'M_INVALID_PARAM');
    (await alice.post(`/join/${encodeURIComponent('#a:elsewhere.example')}`)).refused(404, 'M_NOT_FOUND');
  });

  it('are taken once, whatever is in them', async () => {
    const [one, two] = [await room(), await room()];
    for (const local of [
      'a',
      'A',
      'with/slash',
      '../..',
      'ünïcödé',
      '%2F',
      '#',
      '@x',
      'x'.repeat(200),
      '__proto__',
    ]) {
      const alias = `#${local}:one.example`;
      (await set(alias, one)).ok();
      (await set(alias, two)).refused(409, 'M_UNKNOWN');
      expect((await alice.get(`/directory/room/${encodeURIComponent(alias)}`)).ok()['room_id']).toBe(one);
      (await alice.post('/createRoom', { room_alias_name: local })).refused(409, 'M_ROOM_IN_USE');
      (await bob.delete(`/directory/room/${encodeURIComponent(alias)}`)).refused(403, 'M_FORBIDDEN');
      (await alice.delete(`/directory/room/${encodeURIComponent(alias)}`)).ok();
      (await alice.delete(`/directory/room/${encodeURIComponent(alias)}`)).refused(404, 'M_NOT_FOUND');
    }
  });

  it('that are malformed are refused', async () => {
    const roomId = await room();
    for (const alias of [
      '#',
      '#a',
      '#:one.example',
      '#a:',
      '#a b:one.example',
      '#a\n:one.example',
      '#a:one.example:',
      `#${'x'.repeat(250)}:one.example`,
    ]) {
      const answer = await set(alias, roomId);
      expect([alias, answer.status, answer.errcode]).toEqual([alias, 400, 'M_INVALID_PARAM']);
    }
    for (const name of ['a:b', '', 'a b', 'a\tb', 'x'.repeat(250)]) {
      const answer = await alice.post('/createRoom', { room_alias_name: name });
      expect([name, answer.status]).toEqual([name, 400]);
    }
    for (const roomId of ['', 'x', '#a:one.example', '!nothing:one.example']) {
      const answer = await set('#free:one.example', roomId);
      expect([roomId, answer.status >= 400 && answer.status < 500]).toEqual([roomId, true]);
    }
    (await alice.get(`/directory/room/${encodeURIComponent('#free:one.example')}`)).refused(
      404,
      'M_NOT_FOUND',
    );
  });

  it('are given by members only, and named by rooms that they name', async () => {
    const [one, two] = [await room(), await room()];
    (await set('#bobs:one.example', one, bob)).refused(403, 'M_FORBIDDEN');
    (await set('#one:one.example', one)).ok();
    for (const content of [
      { alias: '#one:one.example' },
      { alias: '#nothing:one.example' },
      { alt_aliases: ['#one:one.example'] },
      { alias: 'one' },
      { alt_aliases: 'one' },
      { alt_aliases: [5] },
    ]) {
      const answer = await state(alice, two, 'm.room.canonical_alias', content);
      expect([JSON.stringify(content), answer.status]).toEqual([JSON.stringify(content), 400]);
    }
    (await state(alice, one, 'm.room.canonical_alias', { alias: '#one:one.example' })).ok();
  });
});
