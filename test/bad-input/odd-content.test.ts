import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestClient, type TestServer } from '../support/server.js';
import { expectSound } from '../support/soundness.js';

/** `ENGRAM_ODD_VALUES=all npm test -- test/bad-input/odd-content` puts every value into every field. */
const ALL = process.env['ENGRAM_ODD_VALUES'] === 'all';

interface Fields {
  readonly [name: string]: Fields;
}

const TYPES = JSON.parse(
  readFileSync(new URL('../fixtures/spec/event-fields.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, { readonly state: boolean; readonly fields: Fields }>>;

/** What every event may have, whatever its type. */
const COMMON: Fields = {
  'm.relates_to': {
    rel_type: {},
    event_id: {},
    key: {},
    is_falling_back: {},
    'm.in_reply_to': { event_id: {} },
  },
  'm.mentions': { room: {}, user_ids: { '[]': {} } },
  'm.new_content': { body: {} },
  body: {},
  formatted_body: {},
};

const VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  9007199254740991,
  -9007199254740991,
  '',
  'text',
  '\u0000\u0007\u202e',
  '@nobody:nowhere',
  '!room:nowhere',
  '$event',
  'x'.repeat(20_000),
  [],
  {},
  [[]],
  [null, 1, 'a', {}],
  { a: null },
  JSON.parse('{"__proto__":{"a":1},"constructor":"x","toString":[],"hasOwnProperty":0}'),
  Array.from({ length: 40 }).reduce<unknown>((inner) => ({ deep: inner }), 1),
];

/** Paths to every field, from the top of a content. */
function paths(fields: Fields, above: readonly string[] = []): string[][] {
  return Object.entries(fields).flatMap(([name, inner]) => [
    [...above, name],
    ...paths(inner, [...above, name]),
  ]);
}

/** A content with the value at a path. */
function contentWith([name, ...rest]: readonly string[], value: unknown): unknown {
  if (name === undefined) return value;
  const inner = contentWith(rest, value);
  return name === '[]' ? [inner] : { [name === '*' ? 'org.example' : name]: inner };
}

/** Every value into some fields, every field with some values; the first `nth` says which. */
function contents(fields: Fields, nth: number): object[] {
  const all = paths({ ...COMMON, ...fields });
  const some = all.flatMap((path, at) =>
    (ALL ? VALUES : [0, 7].map((n) => VALUES[(nth + at * 3 + n) % VALUES.length])).map((value) =>
      contentWith(path, value),
    ),
  );
  return some.filter((content) => typeof content === 'object' && !Array.isArray(content)) as object[];
}

let server: TestServer;
let alice: TestClient;
let bob: TestClient;
let since: string;
beforeAll(async () => {
  server = await startTestServer({ oddContent: true });
  alice = await server.register('alice');
  bob = await server.register('bob');
  since = String((await bob.get('/sync')).ok()['next_batch']);
});
afterAll(() => server.close());

async function room(): Promise<string> {
  const wish = { preset: 'public_chat', visibility: 'public', invite: [bob.userId] };
  const roomId = String((await alice.post('/createRoom', wish)).ok()['room_id']);
  (await bob.post(`/rooms/${roomId}/join`)).ok();
  return roomId;
}

/** Taken, or refused as something that the client has done wrong. */
function expectAnswered(answer: { status: number; body: unknown }, what: string): void {
  const isAnswer = answer.status === 200 || (answer.status >= 400 && answer.status < 500);
  expect(isAnswer ? '' : `${what}: ${answer.status} ${JSON.stringify(answer.body)}`).toBe('');
}

/** Whatever a client may look at a room by. */
async function lookAt(roomId: string): Promise<void> {
  const of = `/rooms/${roomId}`;
  const page = (await bob.get(`${of}/messages?dir=b&limit=1000`)).ok();
  const chunk = page['chunk'] as { event_id: string; type: string }[];
  const [event] = chunk;
  for (const path of [
    '/sync',
    `/sync?since=${since}`,
    `/sync?filter=${encodeURIComponent('{"room":{"state":{"lazy_load_members":true}}}')}`,
    `${of}/state`,
    `${of}/members`,
    `${of}/joined_members`,
    `${of}/context/${event?.event_id ?? ''}`,
    `${of}/aliases`,
    `/publicRooms`,
    `/_matrix/client/v1/room_summary/${roomId}`,
    `/_matrix/client/v1/rooms/${roomId}/relations/${event?.event_id ?? ''}`,
    `/_matrix/client/v1/rooms/${roomId}/threads`,
    `/_matrix/client/v1/rooms/${roomId}/hierarchy`,
    `/profile/${alice.userId}`,
    `/pushrules/`,
  ]) {
    expectAnswered(await bob.get(path), path);
    expectAnswered(await alice.get(path), path);
  }
  for (const [path, body] of [
    ['/user_directory/search', { search_term: 'a' }],
    ['/search', { search_categories: { room_events: { search_term: 'text' } } }],
    ['/publicRooms', { filter: { generic_search_term: 'text' } }],
  ] as const) {
    expectAnswered(await bob.post(path, body), path);
  }
}

describe('content that no client expects', () => {
  it.each(Object.keys(TYPES))('%s, as state and as a message', async (type) => {
    const nth = Object.keys(TYPES).indexOf(type);
    const roomId = await room();
    let transaction = 0;
    for (const content of contents(TYPES[type]?.fields ?? {}, nth)) {
      const what = `${type} ${JSON.stringify(content)}`;
      const sent = `/rooms/${roomId}/send/${type}/${transaction++}`;
      expectAnswered(await alice.put(sent, content), what);
      const keys = type === 'm.room.member' ? [alice.userId, '@new:one.example'] : ['', 'key', alice.userId];
      const key = encodeURIComponent(keys[transaction % keys.length] ?? '');
      expectAnswered(await alice.put(`/rooms/${roomId}/state/${type}/${key}`, content), what);
    }
    await lookAt(roomId);
    // The room goes on, whatever its state has become, or can at least be left.
    expectAnswered(await alice.put(`/rooms/${roomId}/send/m.room.message/last`, { body: 'on' }), type);
    expectAnswered(await bob.post(`/rooms/${roomId}/leave`), type);
    expectAnswered(await alice.post(`/rooms/${roomId}/leave`), type);
  });

  it.each(Object.keys(TYPES))('%s, as account data', async (type) => {
    const nth = Object.keys(TYPES).indexOf(type);
    const roomId = encodeURIComponent('!room:one.example');
    for (const content of contents(TYPES[type]?.fields ?? {}, nth)) {
      const what = `${type} ${JSON.stringify(content)}`;
      for (const of of [`/user/${bob.userId}`, `/user/${bob.userId}/rooms/${roomId}`]) {
        expectAnswered(await bob.put(`${of}/account_data/${type}`, content), what);
        expectAnswered(await bob.get(`${of}/account_data/${type}`), what);
      }
    }
    expectAnswered(await bob.get(`/user/${bob.userId}/rooms/${roomId}/tags`), type);
    expectAnswered(await bob.get('/sync'), type);
  });

  it('is seen through account data as odd as it is', async () => {
    const roomId = await room();
    await alice.put(`/rooms/${roomId}/send/m.room.message/1`, { body: 'hello' });
    await lookAt(roomId);
  });

  it.each(Object.keys(TYPES).filter((type) => TYPES[type]?.state))(
    '%s, as what a room is made with',
    async (type) => {
      const nth = Object.keys(TYPES).indexOf(type);
      const some = contents(TYPES[type]?.fields ?? {}, nth + 5);
      for (const content of ALL ? some : some.slice(-4)) {
        const what = `${type} ${JSON.stringify(content)}`;
        const wish =
          type === 'm.room.create'
            ? { creation_content: content }
            : type === 'm.room.power_levels'
              ? { power_level_content_override: content }
              : { initial_state: [{ type, content }] };
        const made = await alice.post('/createRoom', {
          preset: 'public_chat',
          visibility: 'public',
          ...wish,
        });
        expectAnswered(made, what);
        if (made.status !== 200) continue;
        const roomId = String(made.body['room_id']);
        expectAnswered(await bob.post(`/rooms/${roomId}/join`), what);
        expectAnswered(await alice.put(`/rooms/${roomId}/state/${type}/`, content), what);
        expectAnswered(await alice.put(`/rooms/${roomId}/state/${type}/`, {}), what);
        expectAnswered(await alice.put(`/directory/room/%23a${nth}:one.example`, { room_id: roomId }), what);
        expectAnswered(await alice.delete(`/directory/room/%23a${nth}:one.example`), what);
        expectAnswered(await alice.get(`/rooms/${roomId}/messages?dir=b`), what);
        expectAnswered(await bob.get(`/sync?since=${since}`), what);
        expectAnswered(await alice.post(`/rooms/${roomId}/upgrade`, { new_version: '11' }), what);
        for (const user of [alice, bob]) expectAnswered(await user.post(`/rooms/${roomId}/leave`), what);
      }
    },
  );

  it('leaves every record folded, and every decision as it was', async () => {
    await expectSound(server.core);
  });
});
