import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { JsonObject, JsonValue } from '../../src/protocol/json.js';
import { temporaryFolder } from '../support/folder.js';
import { matrixPath, MatrixClient } from '../support/matrix-client.js';
import { runProgram } from '../support/program.js';
import { filesWith } from '../support/search-files.js';
import { serverFor, type ServedServer } from '../support/served-server.js';
import { namedStores } from '../support/stores-named.js';
import { until } from '../support/until.js';

const PASSWORD = 'correct horse battery staple';
const TIMEOUT = 120_000;

const folder = temporaryFolder();
let server: ServedServer | undefined;
const clients: MatrixClient[] = [];
let sends = 0;

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await server?.kill();
  folder.remove();
});

function textOf(value: JsonValue | undefined): string {
  if (typeof value !== 'string') throw new Error('It is no text.');
  return value;
}

/** The built program, run to its end: what it wrote, once it has ended well. */
async function run(data: string, ...args: string[]): Promise<string> {
  const program = runProgram(args, { ...server?.environment, ENGRAM_DATA_DIR: data });
  expect([await program.ended, program.written]).toEqual([0, expect.anything()]);
  return program.written.stdout;
}

async function send(client: MatrixClient, room: string, type: string, content: JsonObject): Promise<string> {
  const path = matrixPath`v3/rooms/${room}/send/${type}/t${String(++sends)}`;
  return textOf((await client.ok('PUT', path, { body: content }))['event_id']);
}

async function setState(
  client: MatrixClient,
  room: string,
  type: string,
  content: JsonObject,
): Promise<string> {
  const path = matrixPath`v3/rooms/${room}/state/${type}/`;
  return textOf((await client.ok('PUT', path, { body: content }))['event_id']);
}

async function redact(client: MatrixClient, room: string, event: string): Promise<void> {
  const path = matrixPath`v3/rooms/${room}/redact/${event}/t${String(++sends)}`;
  await client.ok('PUT', path, { body: { reason: 'Regrettable' } });
}

test(
  'what was redacted, and what an erased account said, is in no file of a server, nor of a backup made later',
  { timeout: TIMEOUT },
  async () => {
    const data = join(folder.path, 'data');
    // Of the read models' files only LMDB's are ours to search.
    const log = Object.entries(namedStores()).filter(([name]) => name.startsWith('ENGRAM_LOG__'));
    server = await serverFor(data, {
      ...Object.fromEntries(log),
      ENGRAM_FORGETTING__REDACTED_AFTER: '0',
      ENGRAM_LOGGING__FILE: join(data, 'engram.log'),
      ENGRAM_LOGGING__LEVEL: 'trace',
    });
    await server.start();
    const nobody = new MatrixClient(server.url);
    clients.push(nobody);
    const [alice, bob] = [await nobody.register('alice', PASSWORD), await nobody.register('bob', PASSWORD)];
    const made = await alice.ok('POST', 'v3/createRoom', { body: { preset: 'public_chat', name: 'Pub' } });
    const room = textOf(made['room_id']);
    await bob.ok('POST', matrixPath`v3/join/${room}`, { body: {} });

    // Much around it, so that it comes to lie in many pages.
    const chat = async () => {
      for (let i = 0; i < 25; i++) {
        await send(i % 2 === 0 ? alice : bob, room, 'm.room.message', {
          body: 'Weather. '.repeat((i * 37) % 90),
        });
      }
    };
    await chat();
    const redacted = [
      await send(bob, room, 'm.room.message', { msgtype: 'm.text', body: 'SecretOfBody "quoted" \u00fc' }),
      await send(bob, room, 'm.room.message', { body: `SecretOfLength${' very long'.repeat(2000)}` }),
      await setState(alice, room, 'm.room.topic', { topic: 'SecretOfTopic' }),
    ];
    await alice.ok('GET', 'v3/sync');
    await bob.ok('GET', matrixPath`v3/rooms/${room}/messages`, { query: { dir: 'b', limit: 50 } });
    await setState(alice, room, 'm.room.topic', { topic: 'Weather' });
    await chat();
    const kept = ['Regrettable', 'Weather'];
    const secrets = ['SecretOfBody', 'SecretOfLength', 'SecretOfTopic'];
    expect(filesWith(data, secrets).length).toBeGreaterThan(0);
    for (const event of redacted) await redact(alice, room, event);
    const unredacted = { query: { 'fi.mau.msc2815.include_unredacted_content': true } };
    const gone = async (event: string) => {
      const answer = await alice.request('GET', matrixPath`v3/rooms/${room}/event/${event}`, unredacted);
      return answer.body['errcode'] === 'FI.MAU.MSC2815_UNREDACTED_CONTENT_DELETED';
    };
    for (const event of redacted) await until(() => gone(event));
    await chat();
    // While it runs, and without waiting for its end.
    await until(() => filesWith(data, secrets).length === 0);
    expect(filesWith(data, kept).length).toBeGreaterThan(0);

    const own = matrixPath`v3/user/${bob.userId}`;
    await bob.ok('PUT', matrixPath`v3/profile/${bob.userId}/displayname`, {
      body: { displayname: 'SecretOfName' },
    });
    await bob.ok('PUT', `${own}/account_data/example.notes`, { body: { note: 'SecretOfNotes' } });
    await bob.ok('PUT', `${own}${matrixPath`/rooms/${room}/tags/u.SecretOfTag`}`, { body: { order: 0.5 } });
    await bob.ok('PUT', matrixPath`v3/devices/${bob.deviceId}`, { body: { display_name: 'SecretOfDevice' } });
    await bob.ok('PUT', matrixPath`v3/pushrules/global/content/word`, {
      body: { pattern: 'SecretOfRule', actions: ['notify'] },
    });
    await bob.ok('PUT', matrixPath`v3/presence/${bob.userId}/status`, {
      body: { presence: 'online', status_msg: 'SecretOfStatus' },
    });
    await send(bob, room, 'm.room.message', { msgtype: 'm.text', body: 'SecretOfBob' });
    await send(alice, room, 'm.room.message', { msgtype: 'm.text', body: 'Dear SecretOfAlice' });
    await until(async () => {
      const members = await alice.ok('GET', matrixPath`v3/rooms/${room}/joined_members`);
      return JSON.stringify(members).includes('SecretOfName');
    });
    await bob.ok('GET', 'v3/sync');
    await chat();
    const erased = ['Name', 'Notes', 'Tag', 'Device', 'Rule', 'Status', 'Bob'].map(
      (what) => `SecretOf${what}`,
    );
    const identifier = { type: 'm.id.user', user: bob.userId };
    const auth = { type: 'm.login.password', identifier, password: PASSWORD };
    await bob.ok('POST', 'v3/account/deactivate', { body: { auth, erase: true } });
    // Stopped before it is done, or not: the next start, and its end, are enough.
    await server.stop();
    await server.start();
    await until(async () => !JSON.stringify(await alice.ok('GET', 'v3/sync')).includes('SecretOfBob'));
    await until(() => filesWith(data, erased).length === 0);
    expect(filesWith(data, ['SecretOfAlice']).length).toBeGreaterThan(0);
    await server.stop();
    expect(filesWith(data, [...secrets, ...erased])).toEqual([]);

    const backup = join(folder.path, 'backup');
    cpSync(data, backup, { recursive: true });
    // A copied folder is of another epoch: its read models are built before they can be compared.
    expect(await run(backup, 'rebuild')).toContain('rebuilt');
    for (const one of [data, backup]) {
      expect(await run(one, 'rebuild', '--check')).toContain('Equal to the byte');
      const verified = await run(one, 'verify');
      expect(verified).toMatch(/Forgotten: the content of \d+ events\./);
      expect(verified).toContain('Every record is whole, and every decision would be taken again.');
      const records = await run(one, 'log', 'cat');
      for (const word of [...secrets, ...erased]) expect(records).not.toContain(word);
      expect(await run(one, 'rebuild')).toContain('rebuilt');
    }
    expect(filesWith(folder.path, [...secrets, ...erased])).toEqual([]);
  },
);
