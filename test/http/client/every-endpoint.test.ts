import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientRoutes } from '../../../src/http/client/routes.js';
import type { Route } from '../../../src/http/route.js';
import { Schemas } from '../../../src/http/schemas.js';
import { PASSWORD, startTestServer, type TestClient, type TestServer } from '../../support/server.js';

/**
 * Every operation is asked for in good order once, and in the ways in which all can be asked wrongly. What the answers
 * say is tested where the operation is; here, as everywhere, they are held against the specification's data by the
 * test client (test/support/spec.ts).
 */

const schemas = new Schemas('client');

let server: TestServer;
let alice: TestClient;
let bob: TestClient;
let routes: readonly Route[];
/** What requests are made of: rooms, events, tokens. */
let the: Readonly<Record<string, string>>;

beforeAll(async () => {
  server = await startTestServer({
    env: {
      ENGRAM_REGISTRATION__SHARED_SECRET: 'secret',
      ENGRAM_TURN__URIS: '["turn:turn.example.org"]',
      ENGRAM_TURN__SHARED_SECRET: 'secret',
    },
  });
  routes = clientRoutes(server.api, server.core.config);
  [alice, bob] = [await server.register('alice'), await server.register('bob')];
  the = await world();
});
afterAll(() => server.close());

const e = encodeURIComponent;

async function world(): Promise<Record<string, string>> {
  const room = async (version: string) => {
    const wish = { preset: 'public_chat', room_version: version };
    const { room_id: id } = (await alice.post('/createRoom', wish)).ok();
    (await bob.post(`/join/${e(String(id))}`)).ok();
    return String(id);
  };
  const [roomId, oldRoom] = [await room('12'), await room('10')];
  const sent = (await alice.put(`/rooms/${e(roomId)}/send/m.room.message/t0`, { body: 'root' })).ok();
  const root = String(sent['event_id']);
  const relation = { rel_type: 'm.thread', event_id: root };
  const reply = { msgtype: 'm.text', body: 'reply', 'm.relates_to': relation };
  (await bob.put(`/rooms/${e(roomId)}/send/m.room.message/t0`, reply)).ok();
  const open = { history_visibility: 'world_readable' };
  (await alice.put(`/rooms/${e(oldRoom)}/state/m.room.history_visibility`, open)).ok();
  const { filter_id: filter } = (await alice.post(`/user/${alice.userId}/filter`)).ok();
  const { refresh_token: refresh } = (
    await server.stranger.post('/login', {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: 'bob' },
      password: PASSWORD,
      refresh_token: true,
    })
  ).ok();
  const { nonce } = (await server.stranger.get('/_synapse/admin/v1/register')).ok();
  return { roomId, oldRoom, root, filter: String(filter), refresh: String(refresh), nonce: String(nonce) };
}

type Ask = () => readonly [by: TestClient, path: string, body?: object];

const at = (rest: string) => `/rooms/${e(the['roomId'] ?? '')}${rest}`;
const root = () => e(the['root'] ?? '');
const own = (rest: string) => `/user/${alice.userId}${rest}`;
const v1 = (rest: string) => `/_matrix/client/v1${rest}`;
const nobody = () => server.stranger;
const RULE = '/pushrules/global/content/mine';

/** How an operation is asked for in good order, by its name; those that end something come last. */
const ASKED: Readonly<Record<string, Ask>> = {
  getVersions: () => [nobody(), '/_matrix/client/versions'],
  getWellknown: () => [nobody(), '/.well-known/matrix/client'],
  getCapabilities: () => [alice, '/capabilities'],
  getTurnServer: () => [alice, '/voip/turnServer'],
  getLoginFlows: () => [nobody(), '/login'],
  checkUsernameAvailability: () => [nobody(), '/register/available?username=dave'],
  registrationTokenValidity: () => [nobody(), v1('/register/m.login.registration_token/validity?token=a')],
  register: () => [
    nobody(),
    '/register',
    { auth: { type: 'm.login.dummy' }, username: 'dave', password: 'x' },
  ],
  getRegistrationNonce: () => [nobody(), '/_synapse/admin/v1/register'],
  login: () => {
    const identifier = { type: 'm.id.user', user: 'dave' };
    return [nobody(), '/login', { type: 'm.login.password', identifier, password: 'x' }];
  },
  refresh: () => [nobody(), '/refresh', { refresh_token: the['refresh'] }],
  getTokenOwner: () => [alice, '/account/whoami'],
  getAccount3PIDs: () => [alice, '/account/3pid'],
  getUserProfile: () => [nobody(), `/profile/${bob.userId}`],
  setProfileField: () => [alice, `/profile/${alice.userId}/displayname`, { displayname: 'Alice' }],
  getProfileField: () => [nobody(), `/profile/${alice.userId}/displayname`],
  deleteProfileField: () => [alice, `/profile/${alice.userId}/displayname`],
  getDevices: () => [alice, '/devices'],
  getDevice: () => [alice, `/devices/${alice.deviceId}`],
  updateDevice: () => [alice, `/devices/${alice.deviceId}`, { display_name: 'Phone' }],

  createRoom: () => [alice, '/createRoom', { name: 'Pub', topic: 'Beer' }],
  joinRoom: () => [bob, `/join/${e(the['roomId'] ?? '')}`, {}],
  joinRoomById: () => [bob, at('/join'), {}],
  getJoinedRooms: () => [alice, '/joined_rooms'],
  sendMessage: () => [alice, at('/send/m.room.message/t1'), { msgtype: 'm.text', body: 'Hello' }],
  sendMessageOnce: () => [alice, at('/send/m.room.message'), { msgtype: 'm.text', body: 'Hello' }],
  setRoomStateWithKey: () => [alice, at('/state/m.room.topic'), { topic: 'Tea' }],
  getRoomStateWithKey: () => [alice, at('/state/m.room.topic/')],
  getRoomState: () => [alice, at('/state')],
  getMembersByRoom: () => [alice, at('/members')],
  getJoinedMembersByRoom: () => [alice, at('/joined_members')],
  getRoomEvents: () => [alice, at('/messages?dir=b')],
  getOneRoomEvent: () => [alice, at(`/event/${root()}`)],
  getEventByTimestamp: () => [alice, v1(at('/timestamp_to_event?ts=0&dir=f'))],
  getEventContext: () => [alice, at(`/context/${root()}`)],
  getRelatingEvents: () => [alice, v1(at(`/relations/${root()}`))],
  getRelatingEventsWithRelType: () => [alice, v1(at(`/relations/${root()}/m.thread`))],
  getRelatingEventsWithRelTypeAndEventType: () => [
    alice,
    v1(at(`/relations/${root()}/m.thread/m.room.message`)),
  ],
  getThreadRoots: () => [alice, v1(at('/threads'))],
  setTyping: () => [alice, at(`/typing/${alice.userId}`), { typing: true }],
  postReceipt: () => [bob, at(`/receipt/m.read/${root()}`), {}],
  setReadMarker: () => [bob, at('/read_markers'), { 'm.fully_read': the['root'] }],
  setRoomAlias: () => [alice, '/directory/room/%23pub:one.example', { room_id: the['roomId'] }],
  getRoomIdByAlias: () => [nobody(), '/directory/room/%23pub:one.example'],
  getLocalAliases: () => [alice, at('/aliases')],
  deleteRoomAlias: () => [alice, '/directory/room/%23pub:one.example'],
  setRoomVisibilityOnDirectory: () => [
    alice,
    `/directory/list/room/${e(the['roomId'] ?? '')}`,
    { visibility: 'public' },
  ],
  getRoomVisibilityOnDirectory: () => [nobody(), `/directory/list/room/${e(the['roomId'] ?? '')}`],
  getPublicRooms: () => [alice, '/publicRooms'],
  queryPublicRooms: () => [alice, '/publicRooms', { limit: 1 }],
  getRoomSummary: () => [alice, v1(`/room_summary/${e(the['roomId'] ?? '')}`)],
  searchUserDirectory: () => [alice, '/user_directory/search', { search_term: 'bob' }],
  inviteUser: () => [alice, at('/invite'), { user_id: '@dave:one.example' }],
  kick: () => [alice, at('/kick'), { user_id: '@dave:one.example' }],
  ban: () => [alice, at('/ban'), { user_id: '@dave:one.example' }],
  unban: () => [alice, at('/unban'), { user_id: '@dave:one.example' }],
  redactEvent: () => [alice, at(`/redact/${root()}/t2`), { reason: 'noise' }],

  sync: () => [alice, '/sync'],
  getEvents: () => [alice, '/events?timeout=0'],
  getOneEvent: () => [alice, `/events/${root()}`],
  initialSync: () => [alice, '/initialSync'],
  roomInitialSync: () => [alice, at('/initialSync')],
  defineFilter: () => [alice, own('/filter'), {}],
  getFilter: () => [alice, own(`/filter/${the['filter'] ?? ''}`)],
  setAccountData: () => [alice, own('/account_data/org.example'), { n: 1 }],
  getAccountData: () => [alice, own('/account_data/org.example')],
  setAccountDataPerRoom: () => [alice, own(at('/account_data/org.example')), { n: 1 }],
  getAccountDataPerRoom: () => [alice, own(at('/account_data/org.example'))],
  setRoomTag: () => [alice, own(at('/tags/u.work')), { order: 0.5 }],
  getRoomTags: () => [alice, own(at('/tags'))],
  deleteRoomTag: () => [alice, own(at('/tags/u.work'))],
  getPushRules: () => [alice, '/pushrules/'],
  getPushRulesGlobal: () => [alice, '/pushrules/global/'],
  getPushRulesOfKind: () => [alice, '/pushrules/global/override/'],
  setPushRule: () => [alice, RULE, { pattern: 'tea', actions: ['notify'] }],
  getPushRule: () => [alice, RULE],
  setPushRuleActions: () => [alice, `${RULE}/actions`, { actions: [] }],
  getPushRuleActions: () => [alice, `${RULE}/actions`],
  setPushRuleEnabled: () => [alice, `${RULE}/enabled`, { enabled: false }],
  isPushRuleEnabled: () => [alice, `${RULE}/enabled`],
  deletePushRule: () => [alice, RULE],
  postPusher: () => [alice, '/pushers/set', { kind: null, app_id: 'a', pushkey: 'b' }],
  getNotifications: () => [alice, '/notifications'],
  getPushers: () => [alice, '/pushers'],
  setPresence: () => [alice, `/presence/${alice.userId}/status`, { presence: 'online' }],
  getPresence: () => [bob, `/presence/${alice.userId}/status`],
  sendToDevice: () => [alice, '/sendToDevice/m.x/t3', { messages: { [bob.userId]: { '*': {} } } }],
  unpeekRoom: () => [alice, at('/unpeek'), {}],
  peekRoom: () => [alice, `/peek/${e(the['oldRoom'] ?? '')}`, {}],

  leaveRoom: () => [bob, at('/leave'), {}],
  forgetRoom: () => [bob, at('/forget'), {}],
  upgradeRoom: () => [alice, `/rooms/${e(the['oldRoom'] ?? '')}/upgrade`, { new_version: '11' }],
  deleteDevice: () => [alice, '/devices/NONE', alice.passwordAuth],
  deleteDevices: () => [alice, '/delete_devices', { devices: [], ...alice.passwordAuth }],
  changePassword: () => [alice, '/account/password', { new_password: PASSWORD, ...alice.passwordAuth }],
  deactivateAccount: () => [bob, '/account/deactivate', bob.passwordAuth],
  logout: () => [alice, '/logout', {}],
};

/** Those that are not asked in this way, each with the reason. */
const OTHERWISE: Readonly<Record<string, string>> = {
  getAuthFallback: 'answers with a page (user-interactive.test.ts)',
  postAuthFallback: 'needs a session that waits (user-interactive.test.ts)',
  getWellknownSupport: 'needs contacts in the configuration (server-information.test.ts)',
  getWellknownServer: 'needs a server in the configuration (server-information.test.ts)',
  knockRoom: 'needs a room that can be knocked on (rooms.test.ts)',
  registerWithSharedSecret: 'needs a proof (accounts.test.ts)',
  unknownPushRules: 'answers with errors alone (client-data.test.ts)',
  logout_all: 'needs another session (sessions.test.ts)',
};

const routeOf = (name: string): Route => {
  const route = routes.find((one) => one.name === name);
  if (route === undefined) throw new Error(`There is no operation ${name}.`);
  return route;
};

describe('every operation', () => {
  it('is asked here, or elsewhere for a reason', () => {
    const registered = routes.map(({ name }) => name);
    const known = [...Object.keys(ASKED), ...Object.keys(OTHERWISE)];
    expect([...new Set(registered)].sort()).toEqual(known.sort());
  });

  it('refuses strangers where it needs to know who asks', async () => {
    for (const route of routes.filter(({ auth }) => auth === 'required' || auth === 'required-or-guest')) {
      const path = filled(route);
      const { status, errcode } = await server.stranger.request(route.method, path);
      expect([route.name, status, errcode]).toEqual([route.name, 401, 'M_MISSING_TOKEN']);
    }
  });

  it('refuses what is no JSON, and what is no identifier', async () => {
    for (const route of routes) {
      if (!schemas.compile(route.module, route.name).hasBody) continue;
      const { status, errcode } = await alice.request(route.method, filled(route), 'not JSON');
      expect([route.name, status, errcode]).toEqual([route.name, 400, 'M_NOT_JSON']);
    }
    for (const route of routes.filter(({ paths: [path = ''] }) => path.includes('{roomId}'))) {
      const path = (route.paths[0] ?? '').replace('{roomId}', 'no-room').replaceAll(/\{\w+\}/g, 'x');
      const { status } = await alice.request(route.method, path);
      expect([route.name, status]).toEqual([route.name, 400]);
    }
  });

  it.each(Object.entries(ASKED))('answers as the specification says: %s', async (name, ask) => {
    const [by, path, body] = ask();
    (await by.request(routeOf(name).method, path, body)).ok();
  });
});

/** A path of the operation, with something at each of its places. */
function filled(route: Route): string {
  const values: Readonly<Record<string, string>> = {
    roomId: the['roomId'] ?? '',
    roomIdOrAlias: the['roomId'] ?? '',
    roomAlias: '#none:one.example',
    userId: alice.userId,
    eventId: '$none',
    kind: 'override',
  };
  return (route.paths[0] ?? '')
    .replaceAll(/\{(\w+)\}/g, (_, name: string) => e(values[name] ?? 'm.login.dummy'))
    .replace('*', 'x');
}
