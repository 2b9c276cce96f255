import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { temporaryFolder } from '../support/folder.js';
import { MatrixClient } from '../support/matrix-client.js';
import { runProgram } from '../support/program.js';
import { serverFor } from '../support/served-server.js';
import { until } from '../support/until.js';

// Servers in processes of their own, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const PASSWORD = 'a password of no weight';
/** The least that a server starts with. */
const LEAST = 256;

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => {
  folder.remove();
});

test.skipIf(process.platform !== 'linux')(
  'a server that may open too few files says so, and how many it takes',
  async () => {
    const { environment } = await serverFor(folder.path, {});
    const { ended, written } = runProgram(['serve'], environment, { first: 'ulimit -n 64' });
    expect(await ended).toBe(1);
    expect(written.stderr).toMatch(/^Only 64 files may be open at once, and a server takes 256.*\n$/);
  },
);

test.skipIf(process.platform !== 'linux')(
  'a flood of connections that takes all file handles passes: those who are served still are, and then everybody is',
  async () => {
    const server = await serverFor(folder.path, {});
    const { child, ended, written } = runProgram(['serve'], server.environment, {
      first: `ulimit -n ${LEAST}`,
    });
    await until(() => written.stdout.includes('http://'));
    const visitor = new MatrixClient(server.url);
    const alice = await visitor.register('alice', PASSWORD);
    const port = Number(new URL(server.url).port);
    const flood = Array.from({ length: 2 * LEAST }, () => connect(port, '127.0.0.1'));
    await Promise.all(flood.map(settled));
    // Her connection is open, and what she does takes no new handle.
    await alice.ok('POST', 'v3/createRoom', { body: {} });
    for (const socket of flood) socket.destroy();
    const newcomer = new MatrixClient(server.url);
    await until(
      async () => (await newcomer.request('GET', 'versions').catch(() => undefined))?.status === 200,
    );
    await newcomer.register('bob', PASSWORD);
    child.kill('SIGTERM');
    await Promise.all([visitor.close(), newcomer.close()]);
    expect(await ended, written.stderr).toBe(0);
  },
);

test('a request that is larger than is allowed takes no memory, and says so', async () => {
  const server = await serverFor(folder.path, {});
  await server.start();
  const client = new MatrixClient(server.url);
  const alice = await client.register('alice', PASSWORD);
  const large = { name: 'x'.repeat(20_000_000) };
  const answers = await Promise.all(
    Array.from({ length: 10 }, () =>
      alice.request('POST', 'v3/createRoom', { body: large }).catch(() => undefined),
    ),
  );
  // Answered before it is read: the connection may be gone by the time that it is written.
  for (const answer of answers) expect([413, undefined]).toContain(answer?.status);
  await alice.ok('POST', 'v3/createRoom', { body: {} });
  await client.close();
  await server.stop();
});

/** Connected, refused or closed: either is an answer. */
async function settled(socket: Socket): Promise<void> {
  socket.on('error', () => undefined);
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => undefined);
}
