import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRoomRoutes } from '../../../src/http/client/create-room.js';
import { membershipRoutes } from '../../../src/http/client/membership.js';
import { messagesRoutes } from '../../../src/http/client/messages.js';
import { redactionRoutes } from '../../../src/http/client/redaction.js';
import { roomSendRoutes } from '../../../src/http/client/room-send.js';
import { roomStateRoutes } from '../../../src/http/client/room-state.js';
import { bodies, RoomServer, userId, type ClientEvent } from '../support/room-server.js';

let server: RoomServer;

beforeAll(async () => {
  server = await RoomServer.open((api) => [
    ...createRoomRoutes(api),
    ...membershipRoutes(api),
    ...roomSendRoutes(api),
    ...redactionRoutes(api),
    ...roomStateRoutes(api),
    ...messagesRoutes(api),
  ]);
  await server.users('alice', 'bob', 'carol');
});

afterAll(() => server.close());

const PUBLIC = { preset: 'public_chat' };
const at = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`;

describe('rooms', () => {
  it('are made, joined, spoken in and left', async () => {
    const roomId = await server.room('alice', { ...PUBLIC, name: 'Tea' }, ['bob']);
    const eventId = await server.says('bob', roomId, 'Hello');
    const { chunk } = await server.messages('alice', roomId, { dir: 'b', limit: '1' });
    expect(chunk).toMatchObject([{ event_id: eventId, sender: userId('bob'), room_id: roomId }]);
    expect(await server.get('bob', '/joined_rooms')).toEqual({ joined_rooms: [roomId] });
    await server.does('bob', 'POST', at(roomId, '/leave'));
    expect(await server.get('bob', '/joined_rooms')).toEqual({ joined_rooms: [] });
    await server.refuses('bob', 'PUT', at(roomId, '/send/m.room.message/x'), 403, 'M_FORBIDDEN', {});
  });

  it('are joined by an alias of this server, and by no other', async () => {
    const roomId = await server.room('alice', { ...PUBLIC, room_alias_name: 'tea' });
    const joined = await server.does('bob', 'POST', `/join/${encodeURIComponent('#tea:one.example')}`);
    expect(joined).toEqual({ room_id: roomId });
    for (const alias of ['#coffee:one.example', '#tea:two.example']) {
      await server.refuses('bob', 'POST', `/join/${encodeURIComponent(alias)}`, 404, 'M_NOT_FOUND');
    }
  });

  it('are joined with what a client adds to it, but for what is not its to say', async () => {
    const roomId = await server.room('alice', PUBLIC);
    const wish = { 'x.y': ['tea'], membership: 'ban', displayname: 'Queen', is_direct: true, reason: null };
    await server.does('bob', 'POST', at(roomId, '/join'), wish);
    const path = at(roomId, `/state/m.room.member/${encodeURIComponent(userId('bob'))}`);
    expect((await server.ask('alice', 'GET', path)).body).toEqual({ membership: 'join', 'x.y': ['tea'] });
    await server.refuses('carol', 'POST', at(roomId, '/join'), 400, 'M_BAD_JSON', '{"x.y":1.5}');
  });

  it('let people in, out and back by those with the power', async () => {
    const roomId = await server.room('alice');
    const bob = { user_id: userId('bob') };
    await server.refuses('bob', 'POST', at(roomId, '/join'), 403, 'M_FORBIDDEN');
    await server.does('alice', 'POST', at(roomId, '/invite'), { ...bob, reason: 'tea' });
    await server.does('bob', 'POST', at(roomId, '/join'));
    await server.refuses('bob', 'POST', at(roomId, '/kick'), 403, 'M_FORBIDDEN', {
      user_id: userId('alice'),
    });
    await server.does('alice', 'POST', at(roomId, '/kick'), bob);
    await server.does('alice', 'POST', at(roomId, '/ban'), bob);
    await server.refuses('alice', 'POST', at(roomId, '/invite'), 403, 'M_FORBIDDEN', bob);
    await server.does('alice', 'POST', at(roomId, '/unban'), bob);
    const member = await server.ask('alice', 'GET', at(roomId, `/state/m.room.member/${userId('bob')}`));
    expect(member.body).toEqual({ membership: 'leave' });
    await server.does('bob', 'POST', at(roomId, '/forget'));
    await server.refuses('bob', 'GET', at(roomId, '/state'), 403, 'M_FORBIDDEN');
  });

  it('refuse numbers that canonical JSON does not have, from version 6 on', async () => {
    const roomId = await server.room('alice');
    const old = await server.room('alice', { room_version: '5' });
    for (const number of ['1.0', '1e3', '9007199254740992', '-9007199254740992', '1.5', '-0']) {
      const body = `{"msgtype":"m.text","body":"x","n":[${number}]}`;
      await server.refuses('alice', 'PUT', at(roomId, '/send/m.room.message/n'), 400, 'M_BAD_JSON', body);
      await server.refuses('alice', 'PUT', at(roomId, '/state/x.y/'), 400, 'M_BAD_JSON', body);
      const request = `{"creation_content":{"n":${number}}}`;
      await server.refuses('alice', 'POST', '/createRoom', 400, 'M_BAD_JSON', request);
    }
    expect((await server.ask('alice', 'PUT', at(old, '/send/m.room.message/n'), '{"n":1.5}')).status).toBe(
      200,
    );
    const { chunk } = await server.messages('alice', old, { dir: 'b', limit: '1' });
    expect(chunk[0]?.content).toEqual({ n: 1.5 });
  });
});

describe('sending', () => {
  it('without a transaction ID makes an event every time', async () => {
    const roomId = await server.room('alice', PUBLIC);
    const path = at(roomId, '/send/m.room.message');
    const send = () => server.does('alice', 'POST', path, { msgtype: 'm.text', body: 'again' });
    const sent = [await send(), await send()].map(({ event_id: id }) => id);
    const { chunk } = await server.messages('alice', roomId, { dir: 'b', limit: '2' });
    expect(chunk.map(({ event_id: id }) => id)).toEqual(sent.reverse());
    await server.refuses('alice', 'POST', path, 400, 'M_BAD_JSON', '{"n":1.5}');
    await server.refuses('bob', 'POST', path, 403, 'M_FORBIDDEN', {});
  });

  it('gives the same event for the same transaction', async () => {
    const roomId = await server.room('alice');
    const path = at(roomId, '/send/m.room.message/once');
    const first = await server.does('alice', 'PUT', path, { body: 'a' });
    expect(await server.does('alice', 'PUT', path, { body: 'b' })).toEqual(first);
    const { chunk } = await server.messages('alice', roomId, { dir: 'b', limit: '1' });
    expect(chunk[0]?.unsigned?.['transaction_id']).toBe('once');
    await server.refuses(
      'alice',
      'PUT',
      at(roomId, `/send/x/${'t'.repeat(256)}`),
      400,
      'M_INVALID_PARAM',
      {},
    );
  });

  it('is taken back by a redaction', async () => {
    const roomId = await server.room('alice', PUBLIC, ['bob']);
    const eventId = await server.says('alice', roomId, 'Oh');
    const redact = at(roomId, `/redact/${encodeURIComponent(eventId)}`);
    await server.refuses('bob', 'PUT', `${redact}/r1`, 403, 'M_FORBIDDEN', {});
    const by = await server.does('alice', 'PUT', `${redact}/r2`, { reason: 'wrong room' });
    const { chunk } = await server.messages('bob', roomId, { dir: 'b', limit: '2' });
    expect(chunk[1]).toMatchObject({ event_id: eventId, content: {} });
    expect(chunk[1]?.unsigned?.['redacted_because']).toMatchObject({ event_id: by['event_id'] });
    const none = at(roomId, '/redact/%24nothing/r3');
    await server.refuses('alice', 'PUT', none, 400, 'M_INVALID_PARAM', {});
  });
});

describe('state', () => {
  it('is set and read, with an empty key in every way of writing it', async () => {
    const roomId = await server.room('alice', { topic: 'tea' });
    for (const path of ['/state/m.room.topic', '/state/m.room.topic/']) {
      await server.does('alice', 'PUT', at(roomId, path), { topic: path });
      expect((await server.ask('alice', 'GET', at(roomId, '/state/m.room.topic'))).body).toEqual({
        topic: path,
      });
    }
    await server.sets('alice', roomId, 'x.y', { a: 1 }, 'a/b');
    const event = await server.ask<ClientEvent>('alice', 'GET', at(roomId, '/state/x.y/a%2Fb?format=event'));
    expect(event.body).toMatchObject({ type: 'x.y', state_key: 'a/b', content: { a: 1 }, room_id: roomId });
    await server.refuses('alice', 'GET', at(roomId, '/state/x.y/none'), 404, 'M_NOT_FOUND');
    await server.refuses('bob', 'GET', at(roomId, '/state/m.room.topic'), 403, 'M_FORBIDDEN');
  });

  it('is, for who left, what it was when they left', async () => {
    const roomId = await server.room('alice', { ...PUBLIC, topic: 'before' }, ['bob']);
    await server.does('bob', 'POST', at(roomId, '/leave'));
    await server.sets('alice', roomId, 'm.room.topic', { topic: 'after' });
    const topic = async (name: string) => {
      const events = await server.get<ClientEvent[]>(name, '/rooms/{roomId}/state', { roomId });
      return events.find(({ type }) => type === 'm.room.topic')?.content['topic'];
    };
    expect(await topic('alice')).toBe('after');
    expect(await topic('bob')).toBe('before');
    await server.refuses('carol', 'GET', at(roomId, '/state'), 403, 'M_FORBIDDEN');
  });
});

describe('guests', () => {
  it('come in where guests may, and not elsewhere', async () => {
    const open = await server.room('alice', {
      ...PUBLIC,
      initial_state: [{ type: 'm.room.guest_access', content: { guest_access: 'can_join' } }],
    });
    const closed = await server.room('alice', PUBLIC);
    await server.does('1', 'POST', at(open, '/join'));
    await server.says('1', open, 'Hello');
    await server.refuses('1', 'POST', at(closed, '/join'), 403, 'M_GUEST_ACCESS_FORBIDDEN');
    await server.refuses('1', 'POST', '/createRoom', 403, 'M_GUEST_ACCESS_FORBIDDEN');
  });
});

describe('messages', () => {
  it('are paged through in both directions, each event once', async () => {
    const roomId = await server.room('alice', PUBLIC);
    const sent = [];
    for (let n = 0; n < 7; n++) sent.push(await server.says('alice', roomId, String(n)));
    const all = (await server.messages('alice', roomId, { dir: 'f', limit: '100' })).chunk;
    expect(all.slice(-7).map(({ event_id }) => event_id)).toEqual(sent);
    for (const dir of ['f', 'b']) {
      const read: string[] = [];
      let from: string | undefined;
      for (;;) {
        const page = await server.messages('alice', roomId, {
          dir,
          limit: '3',
          ...(from === undefined ? {} : { from }),
        });
        if (from !== undefined) expect(page.start).toBe(from);
        read.push(...page.chunk.map(({ event_id }) => event_id));
        if (page.end === undefined) break;
        from = page.end;
      }
      const expected = all.map(({ event_id }) => event_id);
      expect(read).toEqual(dir === 'f' ? expected : expected.reverse());
    }
  });

  it('stop at a token, go on from it, and refuse what is none', async () => {
    const roomId = await server.room('alice');
    await server.says('alice', roomId, 'one');
    const { end = '' } = await server.messages('alice', roomId, { dir: 'f', limit: '100' });
    await server.says('alice', roomId, 'two');
    await server.says('alice', roomId, 'three');
    const newer = await server.messages('alice', roomId, { dir: 'b', to: end });
    expect(bodies(newer.chunk)).toEqual(['three', 'two']);
    const onwards = await server.messages('alice', roomId, { dir: 'f', from: end });
    expect(bodies(onwards.chunk)).toEqual(['two', 'three']);
    const none = {
      ...onwards,
      ...(await server.messages('alice', roomId, { dir: 'f', from: onwards.end ?? '' })),
    };
    expect(none.chunk).toEqual([]);
    await server.refuses('alice', 'GET', at(roomId, '/messages?dir=f&from=nonsense'), 400, 'M_INVALID_PARAM');
    await server.refuses('alice', 'GET', at(roomId, '/messages'), 400, 'M_MISSING_PARAM');
  });

  it('are filtered, with the members who speak', async () => {
    const roomId = await server.room('alice', PUBLIC, ['bob', 'carol']);
    await server.says('alice', roomId, 'a');
    await server.says('bob', roomId, 'b');
    await server.sends('bob', roomId, 'x.y', {});
    const filter = JSON.stringify({ types: ['m.room.message'], lazy_load_members: true });
    const page = await server.messages('carol', roomId, { dir: 'b', filter });
    expect(bodies(page.chunk)).toEqual(['b', 'a']);
    expect(page.chunk).toHaveLength(2);
    expect(page.state?.map(({ state_key }) => state_key).sort()).toEqual([userId('alice'), userId('bob')]);
    await server.refuses('carol', 'GET', at(roomId, '/messages?dir=b&filter=%7B'), 400, 'M_INVALID_PARAM');
    const wrong = encodeURIComponent('{"types":1}');
    await server.refuses('carol', 'GET', at(roomId, `/messages?dir=b&filter=${wrong}`), 400, 'M_BAD_JSON');
  });

  it('show what the history visibility lets one see', async () => {
    const roomId = await server.room('alice', {
      ...PUBLIC,
      initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility: 'joined' } }],
    });
    await server.says('alice', roomId, 'before');
    await server.does('bob', 'POST', at(roomId, '/join'));
    await server.says('alice', roomId, 'between');
    await server.does('bob', 'POST', at(roomId, '/leave'));
    await server.says('alice', roomId, 'after');
    const page = await server.messages('bob', roomId, { dir: 'b', limit: '100' });
    expect(bodies(page.chunk)).toEqual(['between']);
    expect(bodies((await server.messages('bob', roomId, { dir: 'f', limit: '100' })).chunk)).toEqual([
      'between',
    ]);
    await server.refuses('carol', 'GET', at(roomId, '/messages?dir=b'), 403, 'M_FORBIDDEN');
  });
});
