import { chmodSync, chownSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { temporaryFolder } from '../support/folder.js';
import { noOwnDisk, showReadOnly } from '../support/own-disk.js';
import { runProgram } from '../support/program.js';
import { serverFor } from '../support/served-server.js';
import { until } from '../support/until.js';
import { healthOf, liveIn, type LivedIn } from './lived-in.js';

// Servers in processes of their own, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let outer: ReturnType<typeof temporaryFolder>;
let folder: string;
let lived: LivedIn;
const open = async () => {
  outer = temporaryFolder();
  folder = join(outer.path, 'data');
  lived = await liveIn(folder);
};
const close = async () => {
  await lived.end().catch(() => undefined);
  outer.remove();
};

describe('a data folder that vanishes', () => {
  beforeEach(open);
  afterEach(close);

  test('under a server: commands are refused, reads go on, and all goes on when it is back', async () => {
    const before = await lived.seen();
    renameSync(folder, `${folder}.away`);
    const refused = await lived.send('to nowhere');
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '5']);
    expect((await healthOf(lived)).parts).toMatchObject({ disk: false });
    expect(await lived.seen()).toEqual(before);
    // Another folder in its place, as of a volume that is not mounted any more, is not taken for it.
    mkdirSync(folder);
    expect((await lived.send('to nowhere')).status).toBe(503);
    expect(readdirSync(folder)).toEqual([]);
    rmSync(folder, { recursive: true });
    renameSync(`${folder}.away`, folder);
    expect((await lived.send('is back')).status).toBe(200);
    expect((await healthOf(lived)).status).toBe(200);
    await lived.server.stop();
  });

  test('for good: the server says so, refuses commands, and ends cleanly when it is told to', async () => {
    rmSync(folder, { recursive: true });
    expect((await lived.send('to nowhere')).status).toBe(503);
    await until(() => lived.server.wrote().includes('The disk is full or cannot be reached'));
    await lived.server.stop();
  });
});

describe('a folder in use', () => {
  beforeEach(open);
  afterEach(close);

  test('is refused to a second server, which says by whom, and harms nothing', async () => {
    const second = await serverFor(folder, {});
    await expect(second.start()).rejects.toThrow(/Engram cannot start: .* is in use by process \d+\./);
    expect((await lived.send('is not harmed')).status).toBe(200);
    const before = await lived.seen();
    await lived.server.kill();
    // A server that was killed holds nothing.
    await lived.server.start();
    expect(await lived.seen()).toEqual(before);
  });
});

const noMounts = noOwnDisk();
describe.skipIf(noMounts !== undefined)(
  `a read-only folder${noMounts === undefined ? '' : ` (skipped: ${noMounts})`}`,
  () => {
    beforeEach(open);
    afterEach(close);

    test('is told by what would write, and read by what only reads', async () => {
      await lived.server.stop();
      const at = join(outer.path, 'read-only');
      mkdirSync(at);
      const shown = showReadOnly(folder, at);
      try {
        const env = { ...lived.server.environment, ENGRAM_DATA_DIR: at };
        const server = await serverFor(at, {});
        await expect(server.start()).rejects.toThrow(/Engram cannot start: EROFS: read-only file system/);
        for (const args of [['rebuild'], ['rebuild', '--check'], ['token', 'create']]) {
          const { ended, written } = runProgram(args, env);
          expect(await ended).toBe(1);
          expect(written.stderr, args.join(' ')).toMatch(/^EROFS: read-only file system.*\n$/);
        }
        for (const args of [['verify'], ['log', 'cat', '--limit', '1']]) {
          const { ended, written } = runProgram(args, env);
          expect(await ended, written.stderr).toBe(0);
        }
      } finally {
        shown.remove();
      }
    });
  },
);

/** Root may do everything, so the server is run as nobody, by what Linux has for that. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const cannot = process.platform === 'linux' || !isRoot ? undefined : 'root may do everything';

describe.skipIf(cannot !== undefined)(
  `wrong permissions${cannot === undefined ? '' : ` (skipped: ${cannot})`}`,
  () => {
    beforeAll(async () => {
      await open();
      await lived.server.stop();
      if (isRoot) giveTo(outer.path, NOBODY);
    });
    afterAll(close);

    test.each([
      ['keys/seal.key', 0o000],
      ['keys/signing.key', 0o000],
      ['log', 0o000],
      ['log/log.mdb', 0o400],
      ['log/log.mdb-lock', 0o000],
      ['log/format.json', 0o000],
      ['read-models', 0o000],
      ['read-models/data.mdb', 0o400],
      ['room-state/data.mdb', 0o000],
      ['room-state/lock.mdb', 0o000],
      ['.', 0o500],
    ])('of %s (%i) are told with its path', async (name, mode) => {
      const path = join(folder, name);
      const was = statSync(path).mode & 0o777;
      chmodSync(path, mode);
      const { ended, written } = runProgram(
        ['serve'],
        lived.server.environment,
        isRoot ? { uid: NOBODY } : {},
      );
      expect(await ended).toBe(1);
      expect(written.stderr).toMatch(/^Engram cannot start: .*(EACCES: permission denied|Permission denied)/);
      expect(written.stderr).toContain(name === '.' ? folder : path);
      expect(written.stderr.trim().split('\n')).toHaveLength(1);
      chmodSync(path, was);
    });

    test('are not given away: nobody else can read what the server makes', () => {
      for (const name of ['.', 'keys', 'log', 'read-models', 'room-state']) {
        expect(statSync(join(folder, name)).mode & 0o077, name).toBe(0);
      }
      for (const name of readdirSync(join(folder, 'keys'))) {
        expect(statSync(join(folder, 'keys', name)).mode & 0o777, name).toBe(0o600);
      }
    });
  },
);

function giveTo(path: string, user: number): void {
  chownSync(path, user, user);
  for (const name of readdirSync(path, { recursive: true, encoding: 'utf8' }))
    chownSync(join(path, name), user, user);
}
