import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/protocol/json.js';
import { temporaryFolder } from '../support/folder.js';
import { MatrixClient, matrixPath } from '../support/matrix-client.js';
import { runProgram } from '../support/program.js';
import { serveRoles, type RoleProcess } from '../support/role-process.js';
import { until } from '../support/until.js';

const URL = process.env['ENGRAM_TEST_EVENTSTOREDB_URL'] ?? '';
const PASSWORD = 'a password of no weight';
const TIMEOUT = 120_000;

/**
 * Five processes on one log and one set of read models: two that answer clients and decide, two that can keep the
 * read models, one that follows up what happens.
 */
describe.skipIf(URL === '')(
  URL === ''
    ? 'processes by role (skipped, because ENGRAM_TEST_EVENTSTOREDB_URL names no server)'
    : 'processes by role',
  { timeout: TIMEOUT },
  () => {
    const folder = temporaryFolder();
    const environment = {
      ENGRAM_DATA_DIR: folder.path,
      ENGRAM_LOG__ADAPTER: 'eventstoredb',
      ENGRAM_LOG__URL: URL,
      ENGRAM_LOG__PREFIX: `test-${randomUUID()}`,
      ENGRAM_REGISTRATION__ENABLED: 'true',
      ENGRAM_RATE_LIMITS__ENABLED: 'false',
      ENGRAM_LOGGING__LEVEL: 'info',
    };
    let one: RoleProcess;
    let two: RoleProcess;
    let keepers: RoleProcess[] = [];
    let followUp: RoleProcess;
    let alice: MatrixClient;
    let bob: MatrixClient;
    let roomId: string;
    const acknowledged: string[] = [];

    beforeAll(async () => {
      // All at once, on nothing: one of them makes each thing that they share.
      const started = ['http', 'http', 'commands', 'projections', 'projections'].map((role) =>
        serveRoles([role], environment),
      );
      [one, two, followUp, ...keepers] = (await Promise.all(started)) as [
        RoleProcess,
        RoleProcess,
        RoleProcess,
        ...RoleProcess[],
      ];
      await until(() => keepers.some(keeps));
      alice = await new MatrixClient(one.url).register('alice', PASSWORD);
      bob = await new MatrixClient(two.url).register('bob', PASSWORD);
      const body = { preset: 'public_chat' };
      roomId = text((await alice.ok('POST', 'v3/createRoom', { body }))['room_id']);
    }, TIMEOUT);

    afterAll(async () => {
      await Promise.all([one, two, followUp, ...keepers].map((each) => each.kill()));
      await Promise.all([alice.close(), bob.close()]);
      folder.remove();
    });

    function keeps(keeper: RoleProcess): boolean {
      return keeper.wrote().split('keeps the read models').at(-1)?.startsWith('.') === true;
    }

    /** Sends so many messages, one after the other; a request that is lost is repeated until it is answered. */
    async function talk(client: MatrixClient, name: string, count: number): Promise<void> {
      for (let i = 0; i < count; i++) {
        const path = matrixPath`v3/rooms/${roomId}/send/m.room.message/${`${name}${i}`}`;
        const body = { msgtype: 'm.text', body: `${name}${i}` };
        await until(async () => {
          const answer = await client.request('PUT', path, { body }).catch(() => undefined);
          if (answer?.status !== 200) return false;
          acknowledged.push(`${name}${i}`);
          return true;
        });
      }
    }

    /** Polls until what is told of rooms says so. */
    async function told(client: MatrixClient, since: string, what: string): Promise<void> {
      const query = { since, timeout: 20_000 };
      const answer = await client.ok('GET', 'v3/sync', { query });
      if (JSON.stringify(answer['rooms']).includes(what)) return;
      await told(client, text(answer['next_batch']), what);
    }

    async function bodies(client: MatrixClient): Promise<string[]> {
      const found: string[] = [];
      let from: string | undefined;
      do {
        const query = { dir: 'f', limit: 500, ...(from === undefined ? {} : { from }) };
        const page = await client.ok('GET', matrixPath`v3/rooms/${roomId}/messages`, { query });
        for (const event of page['chunk'] as JsonObject[]) {
          const { body } = event['content'] as { body?: string };
          if (event['type'] === 'm.room.message' && body !== undefined) found.push(body);
        }
        from = page['end'] as string | undefined;
      } while (from !== undefined);
      return found;
    }

    async function everythingIsThere(): Promise<void> {
      const [hers, his] = await Promise.all([bodies(alice), bodies(bob)]);
      expect(hers).toEqual(his);
      expect([...hers].sort()).toEqual([...acknowledged].sort());
    }

    test('read what another one has acknowledged, at once', async () => {
      await bob.ok('POST', matrixPath`v3/join/${roomId}`, { body: {} });
      for (let i = 0; i < 30; i++) {
        const [from, to] = i % 2 === 0 ? [alice, bob] : [bob, alice];
        const path = matrixPath`v3/rooms/${roomId}/send/m.room.message/${`r${i}`}`;
        const sent = await from.ok('PUT', path, { body: { msgtype: 'm.text', body: `r${i}` } });
        acknowledged.push(`r${i}`);
        const event = await to.ok('GET', matrixPath`v3/rooms/${roomId}/event/${text(sent['event_id'])}`);
        expect(event['content']).toMatchObject({ body: `r${i}` });
      }
    });

    test('decide on one room at once, and nothing is lost or doubled', async () => {
      await Promise.all([0, 1, 2].flatMap((n) => [talk(alice, `a${n}.`, 20), talk(bob, `b${n}.`, 20)]));
      await everythingIsThere();
    });

    test('give one answer to a request that is repeated to another one', async () => {
      const path = matrixPath`v3/rooms/${roomId}/send/m.room.message/once`;
      const body = { msgtype: 'm.text', body: 'once' };
      const first = await alice.ok('PUT', path, { body });
      acknowledged.push('once');
      const { token = '', userId, deviceId } = alice;
      const elsewhere = new MatrixClient(two.url, { token, userId, deviceId });
      expect(await elsewhere.ok('PUT', path, { body })).toEqual(first);
      await elsewhere.close();
    });

    test('wake a poll of one by what happens in another, typing too', async () => {
      const { next_batch: since } = await bob.ok('GET', 'v3/sync');
      const poll = told(bob, text(since), 'wake0');
      await talk(alice, 'wake', 1);
      await poll;
      const path = matrixPath`v3/rooms/${roomId}/typing/${alice.userId}`;
      const typing = told(bob, text(since), `"user_ids":["${alice.userId}"]`);
      await alice.ok('PUT', path, { body: { typing: true, timeout: 20_000 } });
      await typing;
    });

    test('let a token be taken back for all of them at once', async () => {
      const phone = await new MatrixClient(one.url).login('alice', PASSWORD);
      const { token = '' } = phone;
      const elsewhere = new MatrixClient(two.url, { token });
      await elsewhere.ok('GET', 'v3/account/whoami');
      await phone.ok('POST', 'v3/logout', { body: {} });
      expect((await elsewhere.request('GET', 'v3/account/whoami')).status).toBe(401);
      await Promise.all([phone.close(), elsewhere.close()]);
    });

    test('follow up in the one whose role it is', async () => {
      const path = matrixPath`v3/profile/${alice.userId}/displayname`;
      await alice.ok('PUT', path, { body: { displayname: 'Alice in chains' } });
      const member = matrixPath`v3/rooms/${roomId}/state/m.room.member/${alice.userId}`;
      await until(async () => (await bob.ok('GET', member))['displayname'] === 'Alice in chains');
    });

    test('go on keeping the read models when the one that did is killed under load', async () => {
      const keeper = keepers.find(keeps);
      const talking = Promise.all([talk(alice, 'ka', 40), talk(bob, 'kb', 40)]);
      await until(() => acknowledged.includes('ka5'));
      await keeper?.kill();
      await talking;
      await until(() => keepers.some((each) => each !== keeper && keeps(each)));
      await everythingIsThere();
      await keeper?.start();
    });

    test('lose nothing when one that decides is killed under load', async () => {
      for (let kill = 0; kill < 3; kill++) {
        const talking = Promise.all([talk(alice, `da${kill}.`, 25), talk(bob, `db${kill}.`, 25)]);
        await until(() => acknowledged.includes(`da${kill}.5`));
        await one.kill();
        await one.start();
        await talking;
        await everythingIsThere();
      }
    });

    test('leave a log and read models that are sound', async () => {
      await Promise.all([one, two, followUp, ...keepers].map((each) => each.stop()));
      for (const args of [['rebuild', '--check'], ['verify']]) {
        const { ended, written } = runProgram(args, environment);
        expect(await ended, `engram ${args.join(' ')}: ${written.stdout}\n${written.stderr}`).toBe(0);
      }
    });
  },
);

function text(value: unknown): string {
  if (typeof value !== 'string') throw new Error('It is no text.');
  return value;
}
