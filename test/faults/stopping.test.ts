import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { matrixPath } from '../support/matrix-client.js';
import { temporaryFolder } from '../support/folder.js';
import { runProgram } from '../support/program.js';
import { liveIn, type LivedIn } from './lived-in.js';

// Servers in processes of their own, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let folder: ReturnType<typeof temporaryFolder>;
let lived: LivedIn;
beforeEach(async () => {
  folder = temporaryFolder();
  lived = await liveIn(folder.path);
});
afterEach(async () => {
  await lived.end().catch(() => undefined);
  folder.remove();
});

/** Sends as fast as it is answered until the server goes; what was acknowledged, and how the last one ended. */
async function sendOn(chain: number): Promise<{ events: string[]; last: number | undefined }> {
  const [alice] = lived.clients;
  const events: string[] = [];
  for (let i = 0; ; i++) {
    const path = matrixPath`v3/rooms/${lived.rooms[chain % 3] ?? ''}/send/m.room.message/${`${chain}.${i}`}`;
    const body = { msgtype: 'm.text', body: `${chain}.${i}` };
    const answer = await alice.request('PUT', path, { body }).catch(() => undefined);
    if (answer?.status !== 200) return { events, last: answer?.status };
    if (typeof answer.body['event_id'] === 'string') events.push(answer.body['event_id']);
  }
}

/** The token up to which a client has everything. */
async function upToDate(client: 0 | 1 | 2): Promise<string> {
  const sync = await lived.clients[client].ok('GET', 'v3/sync', { query: { timeout: 0 } });
  return typeof sync['next_batch'] === 'string' ? sync['next_batch'] : '';
}

async function expectAll(events: readonly string[]): Promise<void> {
  await lived.server.start();
  const [, bob] = lived.clients;
  for (const eventId of events) {
    const found = await Promise.all(
      lived.rooms.map((room) => bob.request('GET', matrixPath`v3/rooms/${room}/event/${eventId}`)),
    );
    expect(found.filter((answer) => answer.status === 200)).toHaveLength(1);
  }
}

describe('a server that is told to end', () => {
  test('answers polls that wait, requests under way, and nothing half; all that was acknowledged is there', async () => {
    const since = await upToDate(2);
    // Of carol, whom nothing concerns: she has left all rooms.
    const carol = lived.clients[2];
    for (const room of lived.rooms) await carol.ok('POST', matrixPath`v3/rooms/${room}/leave`, { body: {} });
    const left = await carol.ok('GET', 'v3/sync', { query: { since, timeout: 0 } });
    const query = { since: JSON.stringify(left['next_batch']).replaceAll('"', ''), timeout: 30_000 };
    const polls = Array.from({ length: 20 }, () => carol.request('GET', 'v3/sync', { query }));
    const chains = Array.from({ length: 6 }, (_, chain) => sendOn(chain));
    const under = await lived.send('before it is told');
    expect(under.status).toBe(200);
    const began = performance.now();
    await lived.server.stop();
    expect(performance.now() - began).toBeLessThan(10_000);
    for (const poll of await Promise.all(polls)) {
      expect(poll.status).toBe(200);
      expect(typeof poll.body['next_batch']).toBe('string');
    }
    const sent = await Promise.all(chains);
    // Refused while it ends, or the connection is closed after an answer.
    for (const { last } of sent) expect([503, undefined]).toContain(last);
    await expectAll(sent.flatMap(({ events }) => events));
  });

  test('and killed while it does so loses nothing either', async () => {
    for (let round = 0; round < 3; round++) {
      const chains = Array.from({ length: 4 }, (_, chain) => sendOn(10 * (round + 1) + chain));
      await lived.send('under load');
      await lived.server.stopAndKill(round * 15);
      await expectAll((await Promise.all(chains)).flatMap(({ events }) => events));
    }
    await lived.server.stop();
    const { ended, written } = runProgram(['verify'], lived.server.environment);
    expect(await ended, written.stdout).toBe(0);
  });

  test('while it starts ends once it has started, in order', async () => {
    const before = await lived.seen();
    await lived.server.kill();
    const { child, ended, written } = runProgram(['serve'], lived.server.environment);
    child.kill('SIGTERM');
    // Before its handler is there the signal ends it at once: either is an end.
    expect([0, 'SIGTERM']).toContain(await ended);
    expect(written.stderr).not.toMatch(/fatal|Error/);
    await lived.server.start();
    expect(await lived.seen()).toEqual(before);
  });

  test('and killed while it starts, again and again, starts in the end', async () => {
    const before = await lived.seen();
    await lived.server.kill();
    for (let after = 50; after < 600; after += 110) await lived.server.startAndKill(after);
    await lived.server.start();
    expect(await lived.seen()).toEqual(before);
  });
});
