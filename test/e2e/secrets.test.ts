import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/protocol/json.js';
import { temporaryFolder } from '../support/folder.js';
import { MatrixClient, matrixPath } from '../support/matrix-client.js';
import { serveFolder, type ServedServer } from '../support/served-server.js';

/** What must stand nowhere that people look at to see how the server is. */
const PASSWORD = 'password-that-nobody-may-read';
const NEW_PASSWORD = 'password-that-comes-after-it';
const GUESS = 'password-that-was-mistyped';
const SHARED_SECRET = 'secret-of-the-operator';
const REGISTRATION_TOKEN = 'token-that-was-handed-out';
const WORDS = 'words-between-two-people';
const KEPT = 'words-that-a-client-keeps';
const FIELD = 'field-of-a-profile';

const folder = temporaryFolder();
const logFile = join(folder.path, 'server.log');
let server: ServedServer;
const tokens: string[] = [];
const refusals: string[] = [];
let metrics = '';
let wrote = '';

/** Asks for something, and remembers what a refusal said. */
async function ask(
  client: MatrixClient,
  method: string,
  path: string,
  body?: JsonObject,
): Promise<JsonObject> {
  const answer = await client.request(method, path, body === undefined ? {} : { body });
  if (answer.status >= 400) refusals.push(JSON.stringify(answer.body));
  for (const field of ['access_token', 'refresh_token']) {
    const token = answer.body[field];
    if (typeof token === 'string') tokens.push(token);
  }
  return answer.body;
}

/** The same with bytes that are no request of a client. */
async function raw(path: string, init: RequestInit): Promise<void> {
  const answer = await fetch(`${server.url}${path}`, init);
  const text = await answer.text();
  if (answer.status >= 400) refusals.push(text);
}

async function accounts(visitor: MatrixClient): Promise<MatrixClient[]> {
  const auth = { type: 'm.login.registration_token', token: REGISTRATION_TOKEN };
  const people = [];
  for (const username of ['alice', 'bob']) {
    const body = await ask(visitor, 'POST', 'v3/register', { username, password: PASSWORD, auth });
    people.push(
      new MatrixClient(server.url, {
        userId: `@${username}:localhost`,
        ...(typeof body['access_token'] === 'string' ? { token: body['access_token'] } : {}),
      }),
    );
  }
  await ask(visitor, 'POST', 'v3/register', {
    username: 'carol',
    password: PASSWORD,
    auth: { ...auth, token: GUESS },
  });
  const identifier = { type: 'm.id.user', user: 'alice' };
  const login = { type: 'm.login.password', identifier, refresh_token: true };
  await ask(visitor, 'POST', 'v3/login', { ...login, password: GUESS });
  const session = await ask(visitor, 'POST', 'v3/login', { ...login, password: PASSWORD });
  const refresh = { refresh_token: session['refresh_token'] ?? '' };
  await ask(visitor, 'POST', 'v3/refresh', refresh);
  await ask(visitor, 'POST', 'v3/refresh', { refresh_token: GUESS });
  const nonce = (
    (await (await fetch(`${server.url}/_synapse/admin/v1/register`)).json()) as { nonce: string }
  ).nonce;
  const mac = createHmac('sha1', SHARED_SECRET)
    .update([nonce, 'operator', PASSWORD, 'notadmin'].join('\0'))
    .digest('hex');
  const wish = { nonce, username: 'operator', password: PASSWORD, mac };
  await raw('/_synapse/admin/v1/register', { method: 'POST', body: JSON.stringify(wish) });
  await raw('/_synapse/admin/v1/register', { method: 'POST', body: JSON.stringify(wish) });
  return people;
}

async function words(alice: MatrixClient, bob: MatrixClient): Promise<void> {
  const created = await ask(alice, 'POST', 'v3/createRoom', { invite: [bob.userId], topic: WORDS });
  const roomId = created['room_id'] as string;
  const room = matrixPath`v3/rooms/${roomId}`;
  await ask(bob, 'POST', `${room}/join`, { reason: WORDS });
  const message = { msgtype: 'm.text', body: WORDS, formatted_body: WORDS };
  const sent = await ask(alice, 'PUT', `${room}/send/m.room.message/1`, message);
  await ask(alice, 'PUT', `${room}/send/m.room.message/2`, { ...message, n: 1.5 });
  await ask(alice, 'PUT', `${room}/send/m.room.message/3`, { ...message, body: WORDS.repeat(4000) });
  await ask(bob, 'PUT', `${room}/state/m.room.name`, { name: WORDS });
  await ask(
    bob,
    'GET',
    `${room}/messages?dir=b&filter=${encodeURIComponent(`{"types":["${WORDS}"],"limit":"x"}`)}`,
  );
  await ask(bob, 'GET', `${room}/messages?dir=b`);
  await ask(bob, 'GET', 'v3/sync');
  const event = sent['event_id'] as string;
  await ask(bob, 'PUT', `${room}/redact/${encodeURIComponent(event)}/4`, { reason: WORDS });
  await ask(alice, 'PUT', `${room}/redact/${encodeURIComponent(event)}/5`, { reason: WORDS });
  await ask(bob, 'PUT', matrixPath`v3/user/${bob.userId}/account_data/org.example`, { text: KEPT });
  await ask(bob, 'PUT', matrixPath`v3/user/${bob.userId}/account_data/m.push_rules`, { text: KEPT });
  await ask(bob, 'PUT', matrixPath`v3/profile/${bob.userId}/org.example.field`, {
    'org.example.field': FIELD,
  });
  await ask(bob, 'PUT', matrixPath`v3/profile/${bob.userId}/displayname`, { displayname: { name: FIELD } });
  await ask(bob, 'PUT', 'v3/pushrules/global/content/words', { actions: ['notify'], pattern: WORDS });
  await ask(bob, 'POST', 'v3/user_directory/search', { search_term: WORDS });
}

async function mistakes(alice: MatrixClient): Promise<void> {
  const authorization = `Bearer ${alice.token ?? ''}`;
  for (const body of [`{"text":"${KEPT}`, `["${KEPT}"]`, `{"text":${KEPT}}`, `{"${KEPT}":1e999}`]) {
    await raw('/_matrix/client/v3/createRoom', { method: 'POST', headers: { authorization }, body });
    await raw('/_matrix/client/v3/login', { method: 'POST', body: body.replaceAll(KEPT, GUESS) });
  }
  for (const path of [
    `/_matrix/client/v3/sync?access_token=${GUESS}`,
    `/_matrix/client/v3/nothing?access_token=${alice.token ?? ''}`,
    `/_matrix/client/v3/sync?since=${KEPT}&access_token=${alice.token ?? ''}`,
    `/_matrix/client/v3/sync?filter=${KEPT}&access_token=${alice.token ?? ''}`,
    `/%zz?access_token=${alice.token ?? ''}`,
  ]) {
    await raw(path, { method: 'GET' });
  }
  await raw('/_matrix/client/v3/sync', { method: 'DELETE', headers: { authorization } });
  await raw('/_matrix/client/v3/account/whoami', { headers: { authorization: `Bearer ${GUESS}` } });
}

async function endings(alice: MatrixClient, bob: MatrixClient): Promise<void> {
  const auth = (user: MatrixClient, password: string) => ({
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: user.userId },
    password,
  });
  await ask(alice, 'POST', 'v3/account/password', { auth: auth(alice, GUESS), new_password: NEW_PASSWORD });
  await ask(alice, 'POST', 'v3/account/password', {
    auth: auth(alice, PASSWORD),
    new_password: NEW_PASSWORD,
  });
  await ask(bob, 'POST', 'v3/account/deactivate', { auth: auth(bob, PASSWORD), erase: true });
  await ask(bob, 'GET', 'v3/account/whoami');
}

/** The contents of all files below a folder. */
function contents(path: string): Buffer[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)));
}

beforeAll(async () => {
  server = await serveFolder(join(folder.path, 'data'), {
    ENGRAM_LOGGING__LEVEL: 'trace',
    ENGRAM_LOGGING__FILE: logFile,
    ENGRAM_LISTENERS__0__RESOURCES: '[client, metrics]',
    ENGRAM_REGISTRATION__SHARED_SECRET: SHARED_SECRET,
    ENGRAM_REGISTRATION__TOKENS__0: REGISTRATION_TOKEN,
  });
  const visitor = new MatrixClient(server.url);
  const [alice, bob] = await accounts(visitor);
  if (alice === undefined || bob === undefined) throw new Error('There is nobody.');
  await words(alice, bob);
  await mistakes(alice);
  await endings(alice, bob);
  metrics = await (await fetch(`${server.url}/metrics`)).text();
  await Promise.all([visitor, alice, bob].map((client) => client.close()));
  wrote = server.wrote();
  await server.stop();
});
afterAll(() => {
  folder.remove();
});

describe('after a story with everything that is secret in it', () => {
  const secrets = () => [
    PASSWORD,
    NEW_PASSWORD,
    GUESS,
    SHARED_SECRET,
    REGISTRATION_TOKEN,
    WORDS,
    KEPT,
    FIELD,
    ...tokens,
  ];
  const found = (text: string | Buffer) => secrets().filter((secret) => text.includes(secret));

  it('there was a story', () => {
    expect(tokens.length).toBeGreaterThanOrEqual(6);
    expect(refusals.length).toBeGreaterThan(20);
    expect(readFileSync(logFile, 'utf8').split('\n').length).toBeGreaterThan(50);
  });

  it('none of it is in the server’s log, on its output, or in its metrics', () => {
    expect(found(readFileSync(logFile))).toEqual([]);
    expect(found(wrote)).toEqual([]);
    expect(found(metrics)).toEqual([]);
  });

  it('none of it is in what was refused', () => {
    expect(refusals.filter((text) => found(text).length > 0)).toEqual([]);
  });

  it('no password, token or secret is anywhere in the data folder', () => {
    const hidden = [PASSWORD, NEW_PASSWORD, GUESS, SHARED_SECRET, REGISTRATION_TOKEN, ...tokens];
    for (const bytes of contents(join(folder.path, 'data'))) {
      expect(hidden.filter((secret) => bytes.includes(secret))).toEqual([]);
    }
  });

  it('what was looked for would be found', () => {
    const readable = Buffer.concat(contents(join(folder.path, 'data', 'read-models')));
    expect(found(readable)).toContain(WORDS);
  });

  it('what people said is sealed in the log of events', () => {
    for (const bytes of contents(join(folder.path, 'data', 'log'))) {
      expect([WORDS, KEPT, FIELD].filter((secret) => bytes.includes(secret))).toEqual([]);
    }
  });

  it.skipIf(process.platform === 'win32')('the folder, its keys and the log are of its owner alone', () => {
    const mode = (...path: string[]) => statSync(join(folder.path, 'data', ...path)).mode & 0o777;
    expect(mode()).toBe(0o700);
    expect(mode('keys')).toBe(0o700);
    for (const name of readdirSync(join(folder.path, 'data', 'keys'))) {
      expect([name, mode('keys', name)]).toEqual([name, 0o600]);
    }
    for (const name of readdirSync(join(folder.path, 'data'), { recursive: true, encoding: 'utf8' })) {
      expect([name, mode(name) & 0o077 & ~0o044]).toEqual([name, 0]);
    }
    expect(statSync(logFile).mode & 0o007).toBe(0);
  });
});
