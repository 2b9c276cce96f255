import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestClient, type TestServer } from '../../support/server.js';

const V3 = '/_matrix/client/v3';
const SOUND = { set_tweak: 'sound', value: 'default' };
const HIGHLIGHT = { set_tweak: 'highlight' };

interface Notification {
  readonly actions: readonly unknown[];
  readonly event: {
    readonly event_id: string;
    readonly type: string;
    readonly content: { readonly body?: string };
  };
  readonly read: boolean;
  readonly room_id: string;
  readonly ts: number;
}

let server: TestServer;
let alice: TestClient;
let bob: TestClient;
beforeAll(async () => {
  server = await startTestServer();
  [alice, bob] = [await server.register('alice'), await server.register('bob')];
});
afterAll(() => server.close());

async function page(
  of: TestClient,
  query: Readonly<Record<string, string>> = {},
): Promise<{ notifications: readonly Notification[]; next: string | undefined }> {
  const text = new URLSearchParams(query).toString();
  const answer = (await of.get(`/notifications?${text}`)).ok(`${V3}/notifications`);
  const next = answer['next_token'] as string | undefined;
  return { notifications: answer['notifications'] as Notification[], next };
}

const bodies = ({ notifications }: { readonly notifications: readonly Notification[] }) =>
  notifications.map(({ event }) => event.content.body);

/** A room of Alice's with others in it, of which nobody is told that they were invited. */
async function room(others: readonly TestClient[], more: object = {}): Promise<string> {
  const made = (await alice.post('/createRoom', { preset: 'public_chat', ...more })).ok();
  const roomId = String(made['room_id']);
  for (const other of others) (await other.post(`/join/${encodeURIComponent(roomId)}`)).ok();
  return roomId;
}

let transactions = 0;
async function says(who: TestClient, roomId: string, body: string, more: object = {}): Promise<string> {
  const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${transactions++}`;
  return String((await who.put(path, { msgtype: 'm.text', body, ...more })).ok()['event_id']);
}
const reads = async (who: TestClient, roomId: string, eventId: string, body: object = {}) =>
  (
    await who.post(`/rooms/${encodeURIComponent(roomId)}/receipt/m.read/${encodeURIComponent(eventId)}`, body)
  ).ok();
const mention = (who: TestClient) => ({ 'm.mentions': { user_ids: [who.userId] } });

describe('notifications', () => {
  it('are events that notify a user, newest first, of all rooms, with the actions of their rules', async () => {
    const [carol, dave] = [await server.register('carol'), await server.register('dave')];
    const [pair, group] = [await room([carol]), await room([carol, dave])];
    const first = await says(alice, pair, 'to two');
    await says(alice, group, 'to three');
    await says(alice, group, 'Carol!', mention(carol));
    await says(alice, group, 'a notice', { msgtype: 'm.notice' });
    await says(alice, pair, 'to two again');
    const whole = await page(carol);
    expect(bodies(whole)).toEqual(['to two again', 'Carol!', 'to three', 'to two']);
    expect(whole.next).toBeUndefined();
    expect(whole.notifications.map(({ actions }) => actions)).toEqual([
      ['notify', SOUND],
      ['notify', SOUND, HIGHLIGHT],
      ['notify'],
      ['notify', SOUND],
    ]);
    const last = whole.notifications[3];
    const event = (
      await carol.get(`/rooms/${encodeURIComponent(pair)}/event/${encodeURIComponent(first)}`)
    ).ok();
    expect(last).toMatchObject({ read: false, room_id: pair, ts: event['origin_server_ts'] });
    expect(last?.event).toMatchObject({ event_id: first, type: 'm.room.message', sender: alice.userId });
    expect(bodies(await page(carol, { only: 'highlight' }))).toEqual(['Carol!']);
    expect(bodies(await page(carol, { only: 'whatever' }))).toHaveLength(4);
  });

  it('are shown when they were read, and say so', async () => {
    const erin = await server.register('erin');
    const roomId = await room([erin]);
    await says(alice, roomId, '1');
    const second = await says(alice, roomId, '2', mention(erin));
    await says(alice, roomId, '3');
    await reads(erin, roomId, second);
    const states = async () =>
      (await page(erin)).notifications.map(({ event, read }) => [event.content.body, read]);
    expect(await states()).toEqual([
      ['3', false],
      ['2', true],
      ['1', true],
    ]);
    await says(erin, roomId, 'mine');
    expect((await states()).every(([, read]) => read)).toBe(true);
    expect(bodies(await page(erin, { only: 'highlight' }))).toEqual(['2']);
  });

  it('come in pages, of which none is missed or shown twice, whatever happens meanwhile', async () => {
    const frank = await server.register('frank');
    const rooms = [await room([frank, bob]), await room([frank, bob]), await room([frank, bob])];
    const said: string[] = [];
    for (let n = 0; n < 150; n++) {
      // More than a block in the first room, and one that goes on all the time.
      const roomId = rooms[n % 10 === 0 ? 1 : n % 35 === 0 ? 2 : 0] ?? '';
      said.unshift(await says(n % 2 === 0 ? alice : bob, roomId, `${n}`, n % 50 === 0 ? mention(frank) : {}));
    }
    expect((await page(frank)).notifications).toHaveLength(20);
    expect((await page(frank, { limit: '5000' })).notifications).toHaveLength(100);
    for (const limit of ['1', '7', '60', '150']) {
      if (limit === '7') await reads(frank, rooms[0] ?? '', said[60] ?? '');
      if (limit === '60') for (const roomId of rooms) await says(frank, roomId, 'all read');
      const got: string[] = [];
      let from: string | undefined;
      do {
        const found: Awaited<ReturnType<typeof page>> = await page(frank, {
          limit,
          ...(from === undefined ? {} : { from }),
        });
        got.push(...found.notifications.map(({ event }) => event.event_id));
        from = found.next;
        if (limit === '60') await says(alice, rooms[1] ?? '', 'news').then((id) => said.unshift(id));
      } while (from !== undefined);
      const seen = new Set(got);
      expect(got).toHaveLength(seen.size);
      // What came while the pages were read is newer than where they began.
      expect(got).toEqual(said.filter((id) => seen.has(id)));
      expect(got.length).toBeGreaterThanOrEqual(150);
    }
    expect(bodies(await page(frank, { only: 'highlight', limit: '2' }))).toEqual(['100', '50']);
  });

  it('of one commit have places of their own', async () => {
    const grace = await server.register('grace');
    const roomId = await room([grace, bob]);
    const ids = await Promise.all(Array.from({ length: 12 }, (_, n) => says(alice, roomId, `${n}`)));
    const got: string[] = [];
    let from: string | undefined;
    do {
      const found: Awaited<ReturnType<typeof page>> = await page(grace, {
        limit: '1',
        ...(from === undefined ? {} : { from }),
      });
      got.push(...found.notifications.map(({ event }) => event.event_id));
      from = found.next;
    } while (from !== undefined);
    expect(got.toSorted()).toEqual(ids.toSorted());
  });

  it('keep the actions of rules of one’s own, and the rules as they were', async () => {
    const heidi = await server.register('heidi');
    const roomId = await room([heidi, bob]);
    const rule = { actions: ['notify', { set_tweak: 'sound', value: 'bell' }], pattern: 'cake' };
    (await heidi.put('/pushrules/global/content/cake', rule)).ok();
    await says(alice, roomId, 'cake');
    (await heidi.delete('/pushrules/global/content/cake')).ok();
    await says(alice, roomId, 'cake again');
    expect((await page(heidi)).notifications.map(({ actions }) => actions)).toEqual([
      ['notify'],
      rule.actions,
    ]);
    // Longer ones would be in every event: what is left of them is whether they sound and highlight.
    const long = {
      actions: ['notify', HIGHLIGHT, { set_tweak: 'x', value: 'x'.repeat(500) }],
      pattern: 'long',
    };
    (await heidi.put('/pushrules/global/content/long', long)).ok();
    await says(alice, roomId, 'long');
    expect((await page(heidi, { limit: '1' })).notifications[0]?.actions).toEqual(['notify', HIGHLIGHT]);
  });

  it('are invitations too, until they are declined, and read once they are accepted', async () => {
    const ivan = await server.register('ivan');
    const made = { preset: 'private_chat', invite: [ivan.userId], name: 'Kept secret' };
    const [one, two] = [await room([], made), await room([], made)];
    const joined = {
      initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility: 'joined' } }],
    };
    const three = await room([], { ...made, ...joined });
    const shown = async () =>
      (await page(ivan)).notifications.map(({ event, room_id, read, actions }) => [
        event.type,
        room_id,
        read,
        actions,
      ]);
    const invited = (roomId: string, read = false) => ['m.room.member', roomId, read, ['notify', SOUND]];
    expect(await shown()).toEqual([invited(three), invited(two), invited(one)]);
    (await ivan.post(`/rooms/${encodeURIComponent(one)}/leave`)).ok();
    (await ivan.post(`/join/${encodeURIComponent(two)}`)).ok();
    expect(await shown()).toEqual([invited(three), invited(two, true)]);
    (
      await ivan.put(`/user/${ivan.userId}/account_data/m.ignored_user_list`, {
        ignored_users: { [alice.userId]: {} },
      })
    ).ok();
    await room([], made);
    expect(await shown()).toEqual([invited(three), invited(two, true)]);
  });

  it('go with what was redacted, with who is ignored, and with a room that one leaves', async () => {
    const judy = await server.register('judy');
    const roomId = await room([judy, bob]);
    const gone = await says(alice, roomId, 'redacted');
    const read = await says(alice, roomId, 'read, and redacted');
    await says(bob, roomId, 'of Bob');
    await says(alice, roomId, 'stays');
    await reads(judy, roomId, read);
    for (const id of [gone, read]) {
      (
        await alice.put(
          `/rooms/${encodeURIComponent(roomId)}/redact/${encodeURIComponent(id)}/${transactions++}`,
        )
      ).ok();
    }
    expect(bodies(await page(judy))).toEqual(['stays', 'of Bob']);
    const ignored = { ignored_users: { [bob.userId]: {} } };
    (await judy.put(`/user/${judy.userId}/account_data/m.ignored_user_list`, ignored)).ok();
    expect(bodies(await page(judy))).toEqual(['stays']);
    (await judy.post(`/rooms/${encodeURIComponent(roomId)}/leave`)).ok();
    expect((await page(judy)).notifications).toEqual([]);
  });

  it('are refused to tokens that are none, and begin with the newest for one of another epoch', async () => {
    const mallory = await server.register('mallory');
    const roomId = await room([mallory, bob]);
    for (const body of ['1', '2', '3']) await says(alice, roomId, body);
    const { next = '' } = await page(mallory, { limit: '1' });
    for (const from of [
      '',
      'x',
      `${next}x!`,
      `-${next}`,
      'n1',
      's1_0_x',
      next.replace('n', 's'),
      `n${'9'.repeat(16)}_1_x`,
      next.replace(/\d+/, '-1'),
    ]) {
      (await mallory.get(`/notifications?from=${encodeURIComponent(from)}`)).refused(400, 'M_INVALID_PARAM');
    }
    for (const query of ['limit=0', 'limit=-1', 'limit=x', `only=${'x'.repeat(300)}`]) {
      (await mallory.get(`/notifications?${query}`)).refused(400, 'M_INVALID_PARAM');
    }
    expect(bodies(await page(mallory, { from: next.replace(/[^_]+$/, 'elsewhere') }))).toEqual([
      '3',
      '2',
      '1',
    ]);
    expect(bodies(await page(mallory, { from: next.replace(/\d+/, '9007199254740991') }))).toEqual([
      '3',
      '2',
      '1',
    ]);
    // Of somebody else: a place in the log, and nothing of theirs.
    expect((await page(await server.register('nobody'), { from: next })).notifications).toEqual([]);
    (await server.stranger.get('/notifications')).refused(401, 'M_MISSING_TOKEN');
  });
});
