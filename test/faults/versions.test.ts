import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SERVER_STREAM } from '../../src/log/known-records.js';
import type { Engine } from '../../src/server.js';
import { DataFolder } from '../support/data-folder.js';
import { until } from '../support/until.js';
import { temporaryFolder } from '../support/folder.js';
import { runProgram } from '../support/program.js';
import { liveIn, type LivedIn } from './lived-in.js';

// Servers in processes of their own, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const BINARY = { encoding: 'binary', keyEncoding: 'binary' } as const;

describe('a folder of another version', () => {
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

  test('with read models of another format has them built again, and answers the same', async () => {
    const before = await lived.seen();
    for (const format of [1, 99]) {
      await lived.server.stop();
      const root = open<Buffer, Buffer>(join(folder.path, 'read-models', 'data.mdb'), BINARY);
      const meta = root.openDB<Buffer, Buffer>('meta', BINARY);
      await meta.put(
        Buffer.from('format'),
        Buffer.from(JSON.stringify({ magic: 'engram read models', format })),
      );
      await root.close();
      await lived.server.start();
      await until(() =>
        lived.server
          .wrote()
          .includes('Read models are of another version: they are built again from the log.'),
      );
      expect(await lived.seen()).toEqual(before);
    }
  });

  test('with a room index of another format has it made again, and goes on', async () => {
    const before = await lived.seen();
    await lived.server.stop();
    const root = open<string, string>({ path: join(folder.path, 'room-state'), maxDbs: 8 });
    await root.openDB('state', {}).clearAsync();
    await root.close();
    await lived.server.start();
    expect(await lived.seen()).toEqual(before);
    expect((await lived.send('goes on')).status).toBe(200);
  });

  test('with a log of a newer format is refused, and not touched', async () => {
    await lived.server.stop();
    const file = join(folder.path, 'log', 'format.json');
    writeFileSync(file, '{"magic":"engram-log","format":3}');
    await expect(lived.server.start()).rejects.toThrow(/has format 3; this program knows format 2/);
    await lived.server.kill().catch(() => undefined);
    for (const args of [['verify'], ['rebuild'], ['log', 'cat']]) {
      const { ended, written } = runProgram(args, lived.server.environment);
      expect([await ended, written.stderr]).toEqual([
        1,
        expect.stringMatching(/^The log in .* has format 3;/),
      ]);
    }
    expect(readFileSync(file, 'utf8')).toBe('{"magic":"engram-log","format":3}');
  });
});

describe('a log that may hold records of a newer version', () => {
  let data: DataFolder;
  beforeEach(() => {
    data = new DataFolder();
  });
  afterEach(() => {
    data.remove();
  });

  /** What a newer program says when it first opens the log. */
  async function upgraded({ write }: Engine, records: readonly string[]): Promise<void> {
    await write.others.handle(SERVER_STREAM, { correlationId: 'newer', now: 0 }, () => ({
      records: [{ type: 'server.upgraded', version: 1, data: { records } }],
      result: undefined,
    }));
  }

  test.each(['room.event.accepted.v2', 'poll.closed.v1', 'constructor.v1', 'nonsense'])(
    'is refused for %s, by everything that would read it',
    async (name) => {
      await data.with((engine) => upgraded(engine, ['server.initialised.v1', name]));
      const words = `The log was written by a newer version of Engram, and may hold what this one cannot read (${name})`;
      await expect(data.with(() => Promise.resolve())).rejects.toThrow(words);
      for (const args of [['serve'], ['rebuild'], ['verify'], ['log', 'cat'], ['token', 'create']]) {
        const { ended, written } = runProgram(args, data.env);
        expect([await ended, written.stderr]).toEqual([1, expect.stringContaining(words)]);
      }
    },
  );

  test('is said once by each program that brings new ones, not at each start', async () => {
    const heads: number[] = [];
    for (let start = 0; start < 3; start++) await data.with(async ({ log }) => heads.push(log.head));
    expect(new Set(heads).size).toBe(1);
    await data.with(async ({ log }) => {
      const names: string[] = [];
      for await (const { records } of log.read(SERVER_STREAM)) names.push(...records.map(({ type }) => type));
      expect(names).toEqual(['server.initialised', 'server.key.adopted', 'server.upgraded']);
    });
  });
});
