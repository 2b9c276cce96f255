import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonValue } from '../../src/protocol/json.js';
import { temporaryFolder } from '../support/folder.js';
import { MatrixClient, matrixPath } from '../support/matrix-client.js';
import { runProgram } from '../support/program.js';
import { serveRoles, type RoleProcess } from '../support/role-process.js';
import { filesWith } from '../support/search-files.js';
import { until } from '../support/until.js';

const URL = process.env['ENGRAM_TEST_EVENTSTOREDB_URL'] ?? '';
const PASSWORD = 'a password of no weight';
const TIMEOUT = 120_000;
const UNREDACTED = { query: { 'fi.mau.msc2815.include_unredacted_content': true } };

/** Processes of one machine share a key file and read models in LMDB; each destroys keys for itself. */
describe.skipIf(URL === '')(
  URL === ''
    ? 'forgetting by role (skipped, because ENGRAM_TEST_EVENTSTOREDB_URL names no server)'
    : 'forgetting by role',
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
      ENGRAM_LOGGING__LEVEL: 'warn',
      ENGRAM_FORGETTING__REDACTED_AFTER: '0',
    };
    let processes: RoleProcess[] = [];
    let alice: MatrixClient;
    let bob: MatrixClient;
    let roomId: string;
    let sends = 0;

    beforeAll(async () => {
      const roles = ['http', 'http', 'commands', 'commands', 'projections', 'projections'];
      processes = await Promise.all(roles.map((role) => serveRoles([role], environment)));
      alice = await new MatrixClient(processes[0]?.url ?? '').register('alice', PASSWORD);
      bob = await new MatrixClient(processes[1]?.url ?? '').register('bob', PASSWORD);
      const body = { preset: 'public_chat' };
      roomId = text((await alice.ok('POST', 'v3/createRoom', { body }))['room_id']);
      await bob.ok('POST', matrixPath`v3/join/${roomId}`, { body: {} });
      const levels = { users: { [bob.userId]: 100 } };
      await alice.ok('PUT', matrixPath`v3/rooms/${roomId}/state/m.room.power_levels/`, { body: levels });
    }, TIMEOUT);

    afterAll(async () => {
      await Promise.all(processes.map((each) => each.kill()));
      await Promise.all([alice.close(), bob.close()]);
      folder.remove();
    });

    async function redacted(body: string): Promise<string> {
      const path = matrixPath`v3/rooms/${roomId}/send/m.room.message/${`t${++sends}`}`;
      const said = text((await bob.ok('PUT', path, { body: { body } }))['event_id']);
      const redaction = matrixPath`v3/rooms/${roomId}/redact/${said}/${`r${++sends}`}`;
      await alice.ok('PUT', redaction, { body: {} });
      return said;
    }

    const isGone = async (client: MatrixClient, said: string) => {
      const answer = await client.request('GET', matrixPath`v3/rooms/${roomId}/event/${said}`, UNREDACTED);
      return answer.body['errcode'] === 'FI.MAU.MSC2815_UNREDACTED_CONTENT_DELETED';
    };

    test('what is redacted is forgotten by every process', async () => {
      const said: string[] = [];
      for (let i = 0; i < 5; i++) said.push(await redacted(`SecretOfMany ${i}`));
      for (const one of said) for (const client of [alice, bob]) await until(() => isGone(client, one));
      await until(() => filesWith(folder.path, ['SecretOfMany']).length === 0);
    });

    test('and goes on to be when those are killed that do it', async () => {
      const said: string[] = [];
      for (let i = 0; i < 3; i++) said.push(await redacted(`SecretOfKilled ${i}`));
      await Promise.all(processes.filter((_, i) => i === 2 || i === 4).map((each) => each.kill()));
      for (let i = 3; i < 6; i++) said.push(await redacted(`SecretOfKilled ${i}`));
      for (const one of said) for (const client of [alice, bob]) await until(() => isGone(client, one));
      await until(() => filesWith(folder.path, ['SecretOfKilled']).length === 0);
    });

    test('and leaves a log and read models that are sound', async () => {
      await Promise.all(processes.filter((_, i) => i !== 2 && i !== 4).map((each) => each.stop()));
      for (const args of [['rebuild', '--check'], ['verify']]) {
        const program = runProgram(args, environment);
        const code = await program.ended;
        expect([code, program.written.stdout]).toEqual([0, expect.stringMatching(/Equal|Forgotten/)]);
      }
    });
  },
);

function text(value: JsonValue | undefined): string {
  if (typeof value !== 'string') throw new Error('It is no text.');
  return value;
}
