import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Preset, type MatrixClient as SdkClient } from 'matrix-js-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshPrefix, onEventStoreDb } from '../support/eventstoredb.js';
import { temporaryFolder } from '../support/folder.js';
import { matrixPath, MatrixClient } from '../support/matrix-client.js';
import { runProgram, type RunningProgram } from '../support/program.js';
import { serverFor, type ServedServer } from '../support/served-server.js';
import { until } from '../support/until.js';
import { hears, registerWithSdk, startSyncing } from './sdk.js';

const MESSAGE = 'm.room.message';

/** Milliseconds between two attempts of a client whose server is away. */
const RETRY = 50;

/** One story, told in order: a server moves to EventStoreDB and back, while its clients talk. */
onEventStoreDb('on a server', (url) => {
  describe('a server that moves', () => {
    const folder = temporaryFolder();
    const [first, second] = [join(folder.path, 'first'), join(folder.path, 'second')];
    const prefix = freshPrefix();
    const place = `${url}${url.includes('?') ? '&' : '?'}prefix=${prefix}`;
    const texts: string[] = [];
    let embedded: ServedServer;
    let moved: ServedServer;
    let back: ServedServer;
    let alice: SdkClient;
    let bob: SdkClient;
    let carol: MatrixClient;
    let roomId: string;
    let talking: Promise<void>;
    /** Nobody begins to say anything any more; nor goes on to try. */
    const [quiet, over] = [new AbortController(), new AbortController()];
    const ended = ({ signal }: AbortController): boolean => signal.aborted;

    beforeAll(async () => {
      embedded = await serverFor(first, {});
      const port = embedded.environment['ENGRAM_LISTENERS__0__PORT'] ?? '';
      const same = { ENGRAM_LISTENERS__0__PORT: port };
      const log = { ENGRAM_LOG__ADAPTER: 'eventstoredb', ENGRAM_LOG__URL: url, ENGRAM_LOG__PREFIX: prefix };
      moved = await serverFor(first, { ...same, ...log });
      back = await serverFor(second, same);
      await embedded.start();
      [alice, bob] = [
        await registerWithSdk(embedded.url, 'alice'),
        await registerWithSdk(embedded.url, 'bob'),
      ];
      for (const client of [alice, bob]) await startSyncing(client);
      ({ room_id: roomId } = await alice.createRoom({ preset: Preset.PublicChat }));
      await bob.joinRoom(roomId);
      carol = await new MatrixClient(embedded.url).register('carol', 'a password that is long enough');
      await carol.ok('POST', matrixPath`v3/rooms/${roomId}/join`, { body: {} });
      talking = talk();
    });
    afterAll(async () => {
      for (const controller of [quiet, over]) controller.abort();
      for (const client of [alice, bob]) client.stopClient();
      for (const server of [embedded, moved, back]) await server.kill();
      await talking;
      await carol.close();
      folder.remove();
    });

    /** Says one thing after another, each as often as it takes, as clients do. */
    async function talk(): Promise<void> {
      for (let n = 0; !ended(quiet); n++) {
        const body = `said ${n}`;
        const path = matrixPath`v3/rooms/${roomId}/send/${MESSAGE}/${body}`;
        const say = async () =>
          (await carol.request('PUT', path, { body: { msgtype: 'm.text', body } })).status;
        while ((await say().catch(() => 0)) !== 200) {
          if (ended(over)) return;
          await pause(RETRY);
        }
        texts.push(body);
      }
    }

    async function followed(copying: RunningProgram): Promise<void> {
      await until(() => copying.written.stderr.includes('follows') || copying.child.exitCode !== null);
      expect(copying.written.stderr).toContain('follows');
    }

    async function expectGoingOn(greeting: string): Promise<void> {
      for (const client of [alice, bob]) client.retryImmediately();
      quiet.abort();
      await talking;
      const query = { dir: 'f', limit: 1000 };
      const said: unknown[] = [];
      for (let from = ''; ;) {
        const at = from === '' ? {} : { from };
        const page = await carol.ok('GET', matrixPath`v3/rooms/${roomId}/messages`, {
          query: { ...query, ...at },
        });
        const chunk = page['chunk'] as unknown as { sender: string; content: { body?: string } }[];
        said.push(
          ...chunk.filter(({ sender }) => sender === carol.userId).map(({ content }) => content.body),
        );
        if (typeof page['end'] !== 'string' || chunk.length === 0) break;
        from = page['end'];
      }
      expect(said.filter((body) => body !== undefined)).toEqual(texts);
      await alice.sendTextMessage(roomId, greeting);
      await hears(bob, roomId, greeting);
    }

    it(
      'to EventStoreDB, when its own server stops: nothing is lost, doubled or out of order',
      { timeout: 120_000 },
      async () => {
        await until(() => texts.length > 20);
        const copying = runProgram(['log', 'copy', '--follow', '--to', place], embedded.environment);
        await followed(copying);
        await embedded.stop();
        expect(await copying.ended, copying.written.stderr).toBe(0);
        expect(copying.written.stdout).toContain('all checksums agree');
        expect(copying.written.stdout).toContain('the copy has all of it');
        await moved.start();
        await expectGoingOn('from the server');
      },
    );

    it('and back, when it is told to', { timeout: 120_000 }, async () => {
      const copying = runProgram(['log', 'copy', '--follow', '--to', second], moved.environment);
      await followed(copying);
      await alice.sendTextMessage(roomId, 'the last word on the server');
      await moved.stop();
      copying.child.kill('SIGINT');
      expect(await copying.ended, copying.written.stderr).toBe(0);
      expect(copying.written.stdout).toContain('all checksums agree');
      await back.start();
      for (const client of [alice, bob]) client.retryImmediately();
      await hears(bob, roomId, 'the last word on the server');
      await alice.sendTextMessage(roomId, 'home again');
      await hears(bob, roomId, 'home again');
      await back.stop();
      for (const args of [['verify'], ['rebuild', '--check']]) {
        const { ended, written } = runProgram(args, back.environment);
        expect(await ended, `engram ${args.join(' ')}: ${written.stdout}\n${written.stderr}`).toBe(0);
      }
    });
  });
});
