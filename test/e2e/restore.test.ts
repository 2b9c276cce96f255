import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Direction, MsgType, Preset, type MatrixClient as SdkClient } from 'matrix-js-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.js';
import { matrixPath, MatrixClient } from '../support/matrix-client.js';
import { runProgram } from '../support/program.js';
import { serveFolder, type ServedServer } from '../support/served-server.js';
import { hears, registerWithSdk, roomOf, seen, startSyncing, textsOf } from './sdk.js';

const PASSWORD = 'a password that is long enough';
const MESSAGES = 'm.room.message';

function text(value: unknown): string {
  if (typeof value !== 'string') throw new Error('It should be text.');
  return value;
}

/** One story, told in order: a backup under load, a disk that is lost, and the same clients going on. */
describe('a backup that was made while serving', () => {
  const folder = temporaryFolder();
  const data = join(folder.path, 'data');
  const backup = join(folder.path, 'backup');
  const restores: { readonly epoch: string; readonly token: string }[] = [];
  let server: ServedServer;
  let alice: SdkClient;
  let bob: SdkClient;
  let visitor: MatrixClient;
  /** With tokens and messages of their own, beside the SDK's clients. */
  let carol: MatrixClient;
  let roomId: string;
  let loadedRoom: string;
  const before = { eventId: '', since: '', prevBatch: '' };
  const after = { eventId: '', since: '', device: undefined as MatrixClient | undefined };
  /** What was acknowledged before the backup began, by the transaction ID that is its text, too. */
  const acknowledged = new Map<string, string>();

  beforeAll(async () => {
    // The log is embedded: of a server, its own backups are the other way.
    server = await serveFolder(data, {});
    [alice, bob] = [await registerWithSdk(server.url, 'alice'), await registerWithSdk(server.url, 'bob')];
    for (const client of [alice, bob]) await startSyncing(client);
    visitor = new MatrixClient(server.url);
    carol = await visitor.register('carol', PASSWORD);
  });
  afterAll(async () => {
    for (const client of [alice, bob]) client.stopClient();
    await visitor.close();
    await server.kill();
    folder.remove();
  });

  async function send(client: MatrixClient, room: string, body: string): Promise<string> {
    const path = matrixPath`v3/rooms/${room}/send/${MESSAGES}/${body}`;
    const { event_id } = await client.ok('PUT', path, { body: { msgtype: 'm.text', body } });
    return text(event_id);
  }

  async function sync(client: MatrixClient, since?: string) {
    const body = await client.ok('GET', 'v3/sync', since === undefined ? {} : { query: { since } });
    return body as unknown as {
      next_batch: string;
      rooms?: {
        join?: Record<
          string,
          { timeline: { limited: boolean; prev_batch: string; events: { content: { body?: string } }[] } }
        >;
      };
    };
  }

  /** Everything in a room, the newest first. */
  async function history(client: MatrixClient, room: string, from?: string) {
    const query = { dir: 'b', limit: 1000, ...(from === undefined ? {} : { from }) };
    const { chunk } = await client.ok('GET', matrixPath`v3/rooms/${room}/messages`, { query });
    return (chunk as unknown as { event_id: string; type: string; content: { body?: string } }[]).filter(
      ({ type }) => type === MESSAGES,
    );
  }

  /** Loses everything, puts a copy of the backup in its place, and serves again. */
  async function loseAndRestore(): Promise<void> {
    await server.kill();
    rmSync(data, { recursive: true });
    cpSync(backup, data, { recursive: true, preserveTimestamps: true });
    await server.start();
    for (const client of [alice, bob]) client.retryImmediately();
  }

  it('is made by one command under load, and has what was acknowledged before', async () => {
    ({ room_id: roomId } = await alice.createRoom({ preset: Preset.PublicChat, name: 'Tea' }));
    await bob.joinRoom(roomId);
    await alice.sendTextMessage(roomId, 'before');
    await hears(bob, roomId, 'before');
    await carol.ok('POST', matrixPath`v3/rooms/${roomId}/join`, { body: {} });
    before.eventId = await send(carol, roomId, 'carol before');
    const made = await carol.ok('POST', 'v3/createRoom', { body: { preset: 'public_chat' } });
    loadedRoom = text(made['room_id']);
    const told = await sync(carol);
    before.since = told.next_batch;
    before.prevBatch = told.rooms?.join?.[roomId]?.timeline.prev_batch ?? '';

    let isLoaded = true;
    const load = [1, 2, 3, 4].map(async (chain) => {
      for (let n = 0; isLoaded; n++) {
        const body = `load ${chain} ${n}`;
        acknowledged.set(body, await send(carol, loadedRoom, body));
      }
    });
    await expect.poll(() => acknowledged.size, { timeout: 20_000 }).toBeGreaterThan(50);
    const known = new Map(acknowledged);
    const copy = runProgram(['log', 'copy', '--to', backup], server.environment);
    expect(await copy.ended, copy.written.stderr).toBe(0);
    expect(copy.written.stdout).toContain('all checksums agree');
    isLoaded = false;
    await Promise.all(load);
    acknowledged.clear();
    for (const [body, eventId] of known) acknowledged.set(body, eventId);
  });

  it('life goes on, which the backup knows nothing of', async () => {
    after.eventId = await send(carol, roomId, 'carol after');
    after.since = (await sync(carol, before.since)).next_batch;
    after.device = await visitor.login('carol', PASSWORD);
    await visitor.register('dora', PASSWORD);
    for (const body of ['lost 1', 'lost 2', 'lost 3']) await alice.sendTextMessage(roomId, body);
    await hears(bob, roomId, 'lost 3');
    // The first page back is of this history.
    await alice.scrollback(roomOf(alice, roomId), 2);
  });

  // Twice from the same backup: what was given out after the first restore is of another history than the second's.
  describe.each([1, 2])('restored for the %d. time', (nth) => {
    it('serves', async () => {
      await loseAndRestore();
      const { next_batch: token } = await sync(carol);
      restores.push({ epoch: token.split('_')[2] ?? '', token });
    });

    it('has another epoch than there ever was', () => {
      const epochs = [before.since.split('_')[2], ...restores.map(({ epoch }) => epoch)];
      expect(new Set(epochs).size).toBe(1 + nth);
    });

    it('begins afresh with every token of before, and nothing is wrong', async () => {
      for (const since of [before.since, after.since, ...restores.slice(0, -1).map(({ token }) => token)]) {
        const { rooms, next_batch } = await sync(carol, since);
        expect(next_batch.split('_')[2]).toBe(restores.at(-1)?.epoch);
        const timeline = rooms?.join?.[roomId]?.timeline;
        expect(timeline?.limited).toBe(true);
        expect(timeline?.events.map(({ content }) => content.body)).toContain('carol before');
        expect(timeline?.events.map(({ content }) => content.body)).not.toContain('carol after');
      }
    });

    it('has all that was acknowledged before the backup began', async () => {
      const texts = new Map(
        (await history(carol, loadedRoom)).map(({ event_id, content }) => [event_id, content.body]),
      );
      for (const [body, eventId] of acknowledged) expect(texts.get(eventId)).toBe(body);
    });

    it('gives the same event for a transaction that it knows, and sends one that was lost again, once', async () => {
      expect(await send(carol, roomId, 'carol before')).toBe(before.eventId);
      const again = await send(carol, roomId, 'carol after');
      expect(again).not.toBe(after.eventId);
      expect(await send(carol, roomId, 'carol after')).toBe(again);
      const sent = (await history(carol, roomId)).filter(({ content }) => content.body === 'carol after');
      expect(sent.map(({ event_id }) => event_id)).toEqual([again]);
    });

    it('pages back from a token of before', async () => {
      for (const token of [before.prevBatch, before.since, after.since]) {
        const texts = (await history(carol, roomId, token)).map(({ content }) => content.body);
        expect(texts).toEqual(expect.arrayContaining(['carol before', 'before']));
      }
    });

    it('does not know the sessions and accounts that were made after the backup', async () => {
      const { status, body } = (await after.device?.request('GET', 'v3/account/whoami')) ?? {};
      expect([status, body?.['errcode'], body?.['soft_logout']]).toEqual([401, 'M_UNKNOWN_TOKEN', undefined]);
      await expect(visitor.login('dora', PASSWORD)).rejects.toThrow('M_FORBIDDEN');
    });

    it('goes on with the clients that were there, which need not be told', async () => {
      const greeting = `we are back ${nth}`;
      await alice.sendTextMessage(roomId, greeting);
      await hears(bob, roomId, greeting);
      await seen(alice, 'her own message', () => textsOf(alice, roomId).at(-1) === greeting);
      await bob.sendMessage(roomId, { msgtype: MsgType.Text, body: `welcome back ${nth}` });
      await hears(alice, roomId, `welcome back ${nth}`);
      // To the beginning, with the tokens that they have, whichever these are.
      for (const client of [alice, bob]) {
        const room = roomOf(client, roomId);
        for (
          let page = 0;
          page < 20 && room.getLiveTimeline().getPaginationToken(Direction.Backward) !== null;
          page++
        )
          await client.scrollback(room, 5);
        const types = room
          .getLiveTimeline()
          .getEvents()
          .map((event) => event.getType());
        expect(types[0]).toBe('m.room.create');
        expect(types.filter((type) => type === 'm.room.create')).toHaveLength(1);
        expect(textsOf(client, roomId)).toContain('before');
      }
    });
  });

  it('proves itself: every decision, and all read models', async () => {
    await server.stop();
    for (const args of [['verify'], ['rebuild', '--check']]) {
      const { ended, written } = runProgram(args, server.environment);
      expect(await ended, `engram ${args.join(' ')}: ${written.stdout}\n${written.stderr}`).toBe(0);
    }
    const untouched = runProgram(['verify'], { ...server.environment, ENGRAM_DATA_DIR: backup });
    expect(await untouched.ended, untouched.written.stderr).toBe(0);
    await server.start();
  });
});
