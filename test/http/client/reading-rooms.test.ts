import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contextRoutes } from '../../../src/http/client/context.js';
import { createRoomRoutes } from '../../../src/http/client/create-room.js';
import { eventsRoutes } from '../../../src/http/client/events.js';
import { membersRoutes } from '../../../src/http/client/members.js';
import { membershipRoutes } from '../../../src/http/client/membership.js';
import { messagesRoutes } from '../../../src/http/client/messages.js';
import { redactionRoutes } from '../../../src/http/client/redaction.js';
import { relationsRoutes } from '../../../src/http/client/relations.js';
import { roomSendRoutes } from '../../../src/http/client/room-send.js';
import { roomStateRoutes } from '../../../src/http/client/room-state.js';
import { syncRoutes } from '../../../src/http/client/sync.js';
import { bodies, RoomServer, userId, type ClientEvent, type Json } from '../support/room-server.js';

let server: RoomServer;

beforeAll(async () => {
  server = await RoomServer.open((api) => [
    ...createRoomRoutes(api),
    ...membershipRoutes(api),
    ...roomSendRoutes(api),
    ...redactionRoutes(api),
    ...roomStateRoutes(api),
    ...messagesRoutes(api),
    ...eventsRoutes(api),
    ...contextRoutes(api),
    ...membersRoutes(api),
    ...relationsRoutes(api),
    ...syncRoutes(api),
  ]);
  await server.users('alice', 'bob', 'carol');
});

afterAll(() => server.close());

const PUBLIC = { preset: 'public_chat' };
const HIDDEN = {
  ...PUBLIC,
  initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility: 'joined' } }],
};
const at = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`;
const event = (name: string, roomId: string, eventId: string) =>
  server.get<ClientEvent>(name, '/rooms/{roomId}/event/{eventId}', { roomId, eventId });
const relatesTo = (eventId: string, relType: string) => ({
  'm.relates_to': { event_id: eventId, rel_type: relType },
});
const edit = (eventId: string, body: string) => ({
  'm.new_content': { msgtype: 'm.text', body },
  ...relatesTo(eventId, 'm.replace'),
});
const relationsOf = ({ unsigned }: ClientEvent) => unsigned?.['m.relations'] as Json | undefined;

describe('one event', () => {
  it('is there for who may see it, and not there for others', async () => {
    const roomId = await server.room('alice', HIDDEN);
    const eventId = await server.says('alice', roomId, 'secret');
    expect(await event('alice', roomId, eventId)).toMatchObject({ content: { body: 'secret' } });
    await server.does('bob', 'POST', at(roomId, '/join'));
    const path = `/event/${encodeURIComponent(eventId)}`;
    for (const name of ['bob', 'carol']) {
      await server.refuses(name, 'GET', at(roomId, path), 404, 'M_NOT_FOUND');
    }
    await server.refuses('bob', 'GET', at(roomId, path.replace('event', 'context')), 404, 'M_NOT_FOUND');
    const other = await server.room('alice');
    await server.refuses('alice', 'GET', at(other, path), 404, 'M_NOT_FOUND');
    await server.does('alice', 'POST', at(roomId, '/leave'));
    expect(await event('alice', roomId, eventId)).toMatchObject({ content: { body: 'secret' } });
    await server.does('alice', 'POST', at(roomId, '/forget'));
    await server.refuses('alice', 'GET', at(roomId, path), 403, 'M_FORBIDDEN');
  });

  it('is found by time, in either direction, past what one may not see', async () => {
    const roomId = await server.room('alice', HIDDEN);
    const hidden = await server.says('alice', roomId, 'hidden');
    const { origin_server_ts: then } = await event('alice', roomId, hidden);
    await server.does('bob', 'POST', at(roomId, '/join'));
    const seen = await server.says('alice', roomId, 'seen');
    const find = (name: string, ts: number, dir: string) =>
      server.get(
        name,
        '/_matrix/client/v1/rooms/{roomId}/timestamp_to_event',
        { roomId },
        { ts: String(ts), dir },
      );
    expect(await find('alice', then, 'f')).toEqual({ event_id: hidden, origin_server_ts: then });
    expect(await find('alice', then + 1000, 'b')).toMatchObject({ event_id: seen });
    const joined = await find('bob', then, 'f');
    expect(joined['event_id']).not.toBe(hidden);
    const nothing = `/_matrix/client/v1${at(roomId, `/timestamp_to_event?dir=f&ts=${then + 10_000}`)}`;
    await server.refuses('alice', 'GET', nothing, 404, 'M_NOT_FOUND');
  });
});

describe('the context of an event', () => {
  it('is what is around it, and the state at the end', async () => {
    const roomId = await server.room('alice', PUBLIC, ['bob']);
    const sent = [];
    for (let n = 0; n < 7; n++) sent.push(await server.says('alice', roomId, String(n)));
    await server.sets('alice', roomId, 'm.room.topic', { topic: 'later' });
    const eventId = sent[3] ?? '';
    const context = await server.get<{
      start: string;
      end: string;
      event: ClientEvent;
      events_before: ClientEvent[];
      events_after: ClientEvent[];
      state: ClientEvent[];
    }>('bob', '/rooms/{roomId}/context/{eventId}', { roomId, eventId }, { limit: '4' });
    expect(context.event.event_id).toBe(eventId);
    expect(bodies(context.events_before)).toEqual(['2', '1']);
    expect(bodies(context.events_after)).toEqual(['4', '5']);
    expect(context.state.some(({ type }) => type === 'm.room.topic')).toBe(false);
    const earlier = await server.messages('bob', roomId, { dir: 'b', from: context.start, limit: '1' });
    expect(bodies(earlier.chunk)).toEqual(['0']);
    const later = await server.messages('bob', roomId, { dir: 'f', from: context.end, limit: '1' });
    expect(bodies(later.chunk)).toEqual(['6']);
    const lazy = await server.get<{ state: ClientEvent[]; events_before: unknown[] }>(
      'bob',
      '/rooms/{roomId}/context/{eventId}',
      { roomId, eventId },
      { limit: '0', filter: JSON.stringify({ lazy_load_members: true }) },
    );
    expect(lazy.events_before).toEqual([]);
    const members = lazy.state.filter(({ type }) => type === 'm.room.member');
    expect(members.map(({ state_key }) => state_key)).toEqual([userId('alice')]);
    expect(lazy.state.length).toBeGreaterThan(3);
  });

  it('is refused to who may not read the room, whether the event is there or not', async () => {
    const roomId = await server.room('alice');
    const eventId = await server.says('alice', roomId, 'among us');
    for (const id of [eventId, '$nothing']) {
      await server.refuses(
        'bob',
        'GET',
        at(roomId, `/context/${encodeURIComponent(id)}`),
        403,
        'M_FORBIDDEN',
      );
    }
    await server.refuses('alice', 'GET', at(roomId, '/context/$nothing'), 404, 'M_NOT_FOUND');
  });
});

describe('members', () => {
  it('are told piece by piece where there are many, each once', async () => {
    const roomId = await server.room('alice');
    const invited = Array.from({ length: 1203 }, (_, n) => userId(`guest${n}`));
    await Promise.all(
      invited.map((user) => server.does('alice', 'POST', at(roomId, '/invite'), { user_id: user })),
    );
    for (const [query, expected] of [
      [{}, [userId('alice'), ...invited]],
      [{ membership: 'invite' }, invited],
      [{ membership: 'join' }, [userId('alice')]],
      [{ membership: 'ban' }, []],
    ] as const) {
      const path = '/rooms/{roomId}/members';
      const found = await server.get<{ chunk: ClientEvent[] }>('alice', path, { roomId }, query);
      expect(found.chunk.map(({ state_key }) => state_key).sort()).toEqual([...expected].sort());
    }
    await server.refuses('bob', 'GET', at(roomId, '/members'), 403, 'M_FORBIDDEN');
  });

  it('are told as of now, as of a token, and by membership', async () => {
    const roomId = await server.room('alice', PUBLIC, ['bob']);
    const { end = '' } = await server.messages('alice', roomId, { dir: 'f', limit: '100' });
    await server.does('bob', 'POST', at(roomId, '/leave'));
    await server.does('carol', 'POST', at(roomId, '/join'));
    const members = async (query: Record<string, string>) => {
      const found = await server.get<{ chunk: ClientEvent[] }>(
        'alice',
        '/rooms/{roomId}/members',
        { roomId },
        query,
      );
      return found.chunk.map(({ state_key }) => state_key).sort();
    };
    const [alice, bob, carol] = ['alice', 'bob', 'carol'].map(userId);
    expect(await members({})).toEqual([alice, bob, carol]);
    expect(await members({ at: end })).toEqual([alice, bob]);
    expect(await members({ membership: 'join' })).toEqual([alice, carol]);
    expect(await members({ not_membership: 'join' })).toEqual([bob]);
    expect(await members({ membership: 'leave', not_membership: 'leave' })).toEqual([alice, bob, carol]);
    // The specification knows no null here, and clients know it from Synapse.
    await server.sets('alice', roomId, 'm.room.member', { membership: 'join', displayname: 'Alice' }, alice);
    const { body: joined } = await server.ask('alice', 'GET', at(roomId, '/joined_members'));
    expect(joined['joined']).toEqual({
      [alice ?? '']: { display_name: 'Alice', avatar_url: null },
      [carol ?? '']: { display_name: null, avatar_url: null },
    });
    await server.refuses('bob', 'GET', at(roomId, '/joined_members'), 403, 'M_FORBIDDEN');
    const left = await server.get<{ chunk: ClientEvent[] }>('bob', '/rooms/{roomId}/members', { roomId });
    expect(left.chunk.map(({ state_key }) => state_key).sort()).toEqual([alice, bob]);
  });
});

describe('bundled aggregations', () => {
  it('have the latest valid edit, until the event is redacted', async () => {
    const roomId = await server.room('alice', PUBLIC, ['bob']);
    const eventId = await server.says('alice', roomId, 'one');
    expect(relationsOf(await event('bob', roomId, eventId))).toBeUndefined();
    await server.says('alice', roomId, '* two', edit(eventId, 'two'));
    const latest = await server.says('alice', roomId, '* three', edit(eventId, 'three'));
    await server.says('bob', roomId, '* mine', edit(eventId, 'mine'));
    await server.says('alice', roomId, 'no new content', relatesTo(eventId, 'm.replace'));
    await server.sends('alice', roomId, 'x.y', edit(eventId, 'another type'));
    const shown = relationsOf(await event('bob', roomId, eventId));
    expect(shown).toMatchObject({ 'm.replace': { event_id: latest, sender: userId('alice') } });
    const { chunk } = await server.messages('bob', roomId, { dir: 'b' });
    expect(relationsOf(chunk.find(({ event_id }) => event_id === eventId) as ClientEvent)).toMatchObject({
      'm.replace': { event_id: latest },
    });
    await server.redacts('alice', roomId, latest);
    const older = relationsOf(await event('bob', roomId, eventId));
    expect(older).toMatchObject({ 'm.replace': { content: { body: '* two' } } });
    await server.redacts('alice', roomId, eventId);
    expect(relationsOf(await event('bob', roomId, eventId))).toBeUndefined();
  });

  it('sum up threads for each reader', async () => {
    const roomId = await server.room('alice', PUBLIC, ['bob', 'carol']);
    const root = await server.says('alice', roomId, 'root');
    const first = await server.says('bob', roomId, 'first', relatesTo(root, 'm.thread'));
    const last = await server.says('bob', roomId, 'last', relatesTo(root, 'm.thread'));
    await server.says('bob', roomId, '* edited', edit(last, 'edited'));
    const thread = async (name: string) =>
      relationsOf(await event(name, roomId, root))?.['m.thread'] as {
        count: number;
        current_user_participated: boolean;
        latest_event: ClientEvent;
      };
    const seen = await thread('carol');
    expect([seen.count, seen.current_user_participated, seen.latest_event.event_id]).toEqual([
      2,
      false,
      last,
    ]);
    expect(relationsOf(seen.latest_event)).toMatchObject({ 'm.replace': { content: { body: '* edited' } } });
    expect((await thread('alice')).current_user_participated).toBe(true);
    expect((await thread('bob')).current_user_participated).toBe(true);
    await server.redacts('bob', roomId, last);
    const after = await thread('carol');
    expect([after.count, after.latest_event.event_id]).toEqual([1, first]);
  });

  it('come with a sync that leaves a gap', async () => {
    const roomId = await server.room('alice', PUBLIC, ['bob']);
    const eventId = await server.says('alice', roomId, 'one');
    await server.sends('alice', roomId, 'm.edit', edit('$other', 'of something else'));
    const latest = await server.says('alice', roomId, '* two', edit(eventId, 'two'));
    const filter = JSON.stringify({ room: { timeline: { limit: 3 } } });
    const answer = await server.get<{
      rooms: { join: Record<string, { timeline: { limited: boolean; events: ClientEvent[] } }> };
    }>('bob', '/sync', {}, { filter });
    const timeline = answer.rooms.join[roomId]?.timeline;
    expect([timeline?.limited, timeline?.events[0]?.event_id]).toEqual([true, eventId]);
    expect(timeline?.events[0]?.unsigned).toMatchObject({
      'm.relations': { 'm.replace': { event_id: latest } },
    });
  });

  it('list references', async () => {
    const roomId = await server.room('alice');
    const eventId = await server.says('alice', roomId, 'poll');
    const votes = [];
    for (let n = 0; n < 2; n++)
      votes.push(await server.sends('alice', roomId, 'x.vote', relatesTo(eventId, 'm.reference')));
    expect(relationsOf(await event('alice', roomId, eventId))).toEqual({
      'm.reference': { chunk: votes.map((event_id) => ({ event_id })) },
    });
  });
});

describe('ignored users', () => {
  it('are in no page, no aggregation and no relations', async () => {
    const roomId = await server.room('alice', PUBLIC, ['bob', 'carol']);
    const root = await server.says('alice', roomId, 'root');
    await server.says('bob', roomId, 'one', relatesTo(root, 'm.thread'));
    const kept = await server.says('alice', roomId, 'two', relatesTo(root, 'm.thread'));
    await server.says('bob', roomId, 'three', relatesTo(root, 'm.thread'));
    await server.ignores('carol', 'bob');
    const page = await server.messages('carol', roomId, { dir: 'b', limit: '3' });
    expect(bodies(page.chunk)).toEqual(['two', 'root']);
    expect(page.chunk).toContainEqual(expect.objectContaining({ sender: userId('carol') }));
    const thread = relationsOf(await event('carol', roomId, root))?.['m.thread'];
    expect(thread).toMatchObject({ count: 1, latest_event: { event_id: kept } });
    const path = '/_matrix/client/v1/rooms/{roomId}/relations/{eventId}';
    const related = await server.get<{ chunk: ClientEvent[] }>('carol', path, { roomId, eventId: root });
    expect(related.chunk.map(({ event_id }) => event_id)).toEqual([kept]);
  });
});

describe('filters by relation', () => {
  it('find the events that somebody relates to', async () => {
    const roomId = await server.room('alice', PUBLIC, ['bob']);
    const root = await server.says('alice', roomId, 'root');
    await server.says('alice', roomId, 'alone');
    await server.says('bob', roomId, 'reply', relatesTo(root, 'm.thread'));
    const found = async (filter: object) =>
      bodies((await server.messages('alice', roomId, { dir: 'b', filter: JSON.stringify(filter) })).chunk);
    expect(await found({ related_by_rel_types: ['m.thread'] })).toEqual(['root']);
    expect(await found({ related_by_senders: [userId('bob')] })).toEqual(['root']);
    expect(await found({ related_by_senders: [userId('alice')] })).toEqual([]);
  });
});

describe('sending relations', () => {
  it('refuses the same annotation twice, but not its repeated request', async () => {
    const roomId = await server.room('alice', PUBLIC, ['bob']);
    const eventId = await server.says('alice', roomId, 'tea?');
    const path = at(roomId, '/send/m.reaction');
    const like = { 'm.relates_to': { event_id: eventId, rel_type: 'm.annotation', key: 'yes' } };
    const first = await server.does<{ event_id: string }>('bob', 'PUT', `${path}/a`, like);
    expect(await server.does('bob', 'PUT', `${path}/a`, like)).toEqual(first);
    await server.refuses('bob', 'PUT', `${path}/b`, 400, 'M_DUPLICATE_ANNOTATION', like);
    await server.does('alice', 'PUT', `${path}/c`, like);
    const other = { 'm.relates_to': { ...like['m.relates_to'], key: 'no' } };
    await server.does('bob', 'PUT', `${path}/d`, other);
    await server.redacts('bob', roomId, first.event_id);
    await server.does('bob', 'PUT', `${path}/e`, like);
  });

  it('refuses a thread that begins within another', async () => {
    const roomId = await server.room('alice');
    const root = await server.says('alice', roomId, 'root');
    const reply = await server.says('alice', roomId, 'reply', relatesTo(root, 'm.thread'));
    const path = at(roomId, '/send/m.room.message/nested');
    await server.refuses('alice', 'PUT', path, 400, 'M_UNKNOWN', relatesTo(reply, 'm.thread'));
    const plain = { 'm.relates_to': { 'm.in_reply_to': { event_id: root } } };
    const replied = await server.says('alice', roomId, 'plain reply', plain);
    await server.says('alice', roomId, 'thread', relatesTo(replied, 'm.thread'));
  });
});

describe('relations', () => {
  interface Page {
    readonly chunk: readonly ClientEvent[];
    readonly next_batch?: string;
  }
  const V1 = '/_matrix/client/v1/rooms/{roomId}/relations/{eventId}';
  const ids = ({ chunk }: Page) => chunk.map(({ event_id }) => event_id);

  it('are paged by type, in both directions', async () => {
    const roomId = await server.room('alice');
    const root = await server.says('alice', roomId, 'root');
    const replies: string[] = [];
    for (let n = 0; n < 5; n++)
      replies.push(await server.says('alice', roomId, String(n), relatesTo(root, 'm.thread')));
    const reaction = await server.sends('alice', roomId, 'm.reaction', {
      'm.relates_to': { event_id: root, rel_type: 'm.annotation', key: '1' },
    });
    const all = await server.get<Page>('alice', V1, { roomId, eventId: root });
    expect(ids(all)).toEqual([reaction, ...replies.toReversed()]);
    for (const dir of ['b', 'f']) {
      const read: string[] = [];
      let from: string | undefined;
      do {
        const page: Page = await server.get<Page>(
          'alice',
          `${V1}/{relType}`,
          { roomId, eventId: root, relType: 'm.thread' },
          { dir, limit: '2', ...(from === undefined ? {} : { from }) },
        );
        read.push(...ids(page));
        from = page.next_batch;
      } while (from !== undefined);
      expect(read).toEqual(dir === 'f' ? replies : replies.toReversed());
    }
    const typed = { roomId, eventId: root, relType: 'm.annotation', eventType: 'm.reaction' };
    expect(ids(await server.get<Page>('alice', `${V1}/{relType}/{eventType}`, typed))).toEqual([reaction]);
    const path = `/_matrix/client/v1${at(roomId, `/relations/${encodeURIComponent(root)}`)}`;
    await server.refuses('bob', 'GET', path, 404, 'M_NOT_FOUND');
  });

  it('of relations are found where that is asked for', async () => {
    const roomId = await server.room('alice');
    const root = await server.says('alice', roomId, 'root');
    const reply = await server.says('alice', roomId, 'reply', relatesTo(root, 'm.thread'));
    const edited = await server.says('alice', roomId, '* reply', edit(reply, 'edited'));
    const find = (recurse: string) => server.get<Page>('alice', V1, { roomId, eventId: root }, { recurse });
    expect(ids(await find('false'))).toEqual([reply]);
    expect(ids(await find('true'))).toEqual([edited, reply]);
  });
});
