import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Interrupted } from '../../src/cli/io.js';
import { isSamePlace, parseLogPlace } from '../../src/cli/log-place.js';
import { runCommandLine } from '../../src/cli/program.js';
import { setProfileField } from '../../src/commands/profile.js';
import { sendEvent } from '../../src/commands/room-send.js';
import { SealKeys } from '../../src/log/seal-keys.js';
import { systemRandom } from '../../src/runtime/random.js';
import { openCore, type Core } from '../../src/server.js';
import { DataFolder } from '../support/data-folder.js';
import { ALICE, forkedRoom } from '../support/forked-room.js';
import { until } from '../support/until.js';
import { testIo, type TestIo } from './support.js';

let data: DataFolder;
let copy: DataFolder;
beforeEach(() => {
  data = new DataFolder();
  copy = new DataFolder();
});
afterEach(() => {
  for (const folder of [data, copy]) folder.remove();
});

const context = () => ({ correlationId: 'test', now: data.clock.now() });
const keysOf = (folder: DataFolder) => join(folder.path, 'keys');

/** Runs a verb by the environment of a folder; `during` is called with its world once it has begun. */
async function run(args: string[], options: { folder?: DataFolder; during?: (io: TestIo) => void } = {}) {
  const folder = options.folder ?? data;
  const io = testIo({ env: folder.env, cwd: folder.path });
  options.during?.(io);
  const code = await runCommandLine(args, io);
  return { code, ...io.written };
}

const copying = (...more: string[]) => run(['log', 'copy', '--to', copy.path, ...more]);

/** A server that runs in this process on the folder, with a room in which things have happened. */
async function serving<T>(
  action: (core: Core, say: (body: string) => Promise<unknown>) => Promise<T>,
): Promise<T> {
  const core = await openCore(data.config, { clock: data.clock });
  try {
    const { roomId } = await forkedRoom(core.write, context);
    const say = (body: string) => {
      const message = { type: 'm.room.message', content: { msgtype: 'm.text', body }, transactionId: body };
      return sendEvent(core.write, { userId: ALICE, deviceId: 'PHONE' }, roomId, message, context());
    };
    await setProfileField(core.write, ALICE, 'displayname', 'Alice', context());
    return await action(core, say);
  } finally {
    await core.close();
  }
}

/** The log's records, but for what is of the place that they lie in. */
async function records(folder: DataFolder): Promise<string[]> {
  const { stdout, code } = await run(['log', 'cat'], { folder });
  expect(code).toBe(0);
  return stdout.split('\n').filter((line) => line !== '' && !line.includes('"type":"cursor.moved"'));
}

describe('engram log copy', () => {
  it('makes a whole data folder while a server runs, and says what it did', async () => {
    await serving(async (_, say) => {
      await say('one');
      const { code, stdout, stderr } = await copying();
      expect(stderr).toContain(`Copying the log of ${data.path} to ${copy.path}.`);
      const [copied, compared, keys, ...rest] = stdout.split('\n');
      expect(copied).toMatch(/^Copied \d+ records \([\d.]+ kB\) in [\d.]+ s\.$/);
      expect(compared).toMatch(
        /^Compared \d+ records \([\d.]+ kB\) of \d+ streams in [\d.]+ s: all checksums agree\.$/,
      );
      expect(keys).toBe(`With its keys, ${copy.path} is a whole data folder.`);
      expect(rest).toEqual(['']);
      expect(code).toBe(0);
      expect(await records(copy)).toEqual(await records(data));
    });
    for (const name of ['seal.key', 'signing.key']) {
      expect(readFileSync(join(keysOf(copy), name))).toEqual(readFileSync(join(keysOf(data), name)));
      expect(statSync(join(keysOf(copy), name)).mode & 0o777).toBe(0o600);
    }
    expect(readdirSync(copy.path).sort()).toEqual(['keys', 'log']);
    expect(statSync(keysOf(copy)).mode & 0o777).toBe(0o700);
  });

  it('makes what verifies and serves, with the same read models as ever', async () => {
    await serving((_, say) => say('one'));
    expect((await copying()).code).toBe(0);
    const verified = await run(['verify'], { folder: copy });
    expect(verified.stdout).toContain('Every record is whole, and every decision would be taken again.');
    const core = await openCore(copy.config, { clock: copy.clock });
    await core.readModels.whenProcessed(core.log.head, 10_000);
    await core.close();
    expect(await run(['rebuild', '--check'], { folder: copy })).toMatchObject({ code: 0 });
  });

  it('goes on with an earlier copy, compares all of it, or what is new', async () => {
    await serving(async (_, say) => {
      await copying();
      await say('one');
      await say('two');
      const { stdout } = await copying();
      expect(stdout).toMatch(/^Copied 2 records /);
      expect(Number(/Compared (\d+) records/.exec(stdout)?.[1])).toBeGreaterThan(10);
      await say('three');
      // What was copied last is looked at again, from which the copy is gone on with.
      const quick = await copying('--quick');
      expect(quick.stdout).toMatch(/^Copied 1 record /);
      expect(await records(copy)).toEqual(await records(data));
    });
  });

  it('puts destroyed keys out of the copy, too', async () => {
    await serving((_, say) => say('one'));
    await copying();
    const before = readFileSync(join(keysOf(copy), 'seal.key'));
    SealKeys.open(join(keysOf(data), 'seal.key'), systemRandom).puncture([
      { stream: 'user-@x', from: 3, to: 3 },
    ]);
    expect((await copying()).code).toBe(0);
    const after = readFileSync(join(keysOf(copy), 'seal.key'));
    expect(after).not.toEqual(before);
    expect(after).toEqual(readFileSync(join(keysOf(data), 'seal.key')));
  });

  it('copies back from the copy, each time into another epoch', async () => {
    await serving((_, say) => say('one'));
    await copying();
    const epochs = new Set([await data.with(async ({ log }) => log.epoch)]);
    for (let restore = 0; restore < 2; restore++) {
      const restored = new DataFolder();
      expect((await run(['log', 'copy', '--from', copy.path, '--to', `lmdb:${restored.path}`])).code).toBe(0);
      expect(await records(restored)).toEqual(await records(data));
      epochs.add(await restored.with(async ({ log }) => log.epoch));
      restored.remove();
    }
    expect(epochs.size).toBe(3);
  });

  it('follows a server that runs until it is told to end', async () => {
    await serving(async (_, say) => {
      let world: TestIo | undefined;
      const following = run(['log', 'copy', '--follow', '--to', copy.path], {
        during: (io) => {
          world = io;
        },
      });
      await until(() => world?.written.stderr.includes('follows') === true);
      for (const body of ['one', 'two', 'three']) await say(body);
      // At any moment, also while it copies what has just come.
      const last = say('four');
      world?.abort.abort(new Interrupted('SIGINT'));
      await last;
      const { code, stdout } = await following;
      expect(stdout).toContain('all checksums agree');
      expect(stdout).toContain(`A server still writes ${data.path}`);
      expect(code).toBe(0);
      const copied = await records(copy);
      expect(copied).toEqual((await records(data)).slice(0, copied.length));
      expect(copied.some((line) => line.includes('three'))).toBe(true);
    });
  });

  it('with --follow, ends by itself when no server runs', async () => {
    await serving((_, say) => say('one'));
    const { code, stdout } = await copying('--follow');
    expect(stdout).toContain(`No server writes ${data.path} any more: the copy has all of it.`);
    expect(code).toBe(0);
    // It holds nothing afterwards.
    await data.with(async () => undefined);
  });

  it('says where it goes on when it is interrupted', async () => {
    await serving((_, say) => say('one'));
    const { code, stderr } = await run(['log', 'copy', '--to', copy.path], {
      during: (io) => {
        io.abort.abort(new Interrupted('SIGTERM'));
      },
    });
    expect(stderr).toContain('It goes on from here when it is called again.');
    expect(code).toBe(143);
    expect(existsSync(keysOf(copy))).toBe(false);
    expect(await copying()).toMatchObject({ code: 0 });
    expect(await records(copy)).toEqual(await records(data));
  });
});

describe('engram log copy refuses', () => {
  it('a target with another history, or in use', async () => {
    await serving((_, say) => say('one'));
    await copy.with(async () => undefined);
    const other = await copying();
    expect(other.stderr).toContain('gone its own way: server');
    expect(other.code).toBe(1);
    await copy.with(async () => {
      expect((await copying()).stderr).toContain('is in use by this process');
    });
  });

  it('a target with the keys of another server', async () => {
    await serving((_, say) => say('one'));
    mkdirSync(keysOf(copy));
    writeFileSync(join(keysOf(copy), 'seal.key'), 'other');
    const { code, stderr } = await copying();
    expect(stderr).toContain('is the key of another server');
    expect(code).toBe(1);
    expect(readFileSync(join(keysOf(copy), 'seal.key')).toString()).toBe('other');
  });

  it.each([
    ['nothing to copy', [], 'There is no log', 1],
    ['places that are none', ['--from', 'https://x'], 'names no log', 2],
    ['a prefix that cannot be', ['--from', 'esdb://x?prefix=a:b'], 'cannot be a prefix', 2],
  ])('%s', async (_, args, words, code) => {
    if (code === 1) {
      mkdirSync(keysOf(data));
      writeFileSync(join(keysOf(data), 'seal.key'), '');
    }
    const told = await copying(...args);
    expect(told.stderr).toContain(words);
    expect(told.code).toBe(code);
  });

  it('a source without its keys, before anything is copied', async () => {
    await serving((_, say) => say('one'));
    const told = await run(['log', 'copy', '--from', 'esdb://localhost:1', '--to', copy.path], {
      folder: copy,
    });
    expect(told.stderr).toContain('seal.key is missing');
    expect(told.code).toBe(1);
    expect(existsSync(join(copy.path, 'log'))).toBe(false);
  });

  it('a source with the keys of another log', async () => {
    await serving((_, say) => say('one'));
    await copy.with(async () => undefined);
    copyFileSync(join(keysOf(copy), 'seal.key'), join(keysOf(data), 'seal.key'));
    const other = join(copy.path, 'other');
    const told = await run(['log', 'copy', '--to', other]);
    expect(told.stderr).toContain('are not those of this log');
    expect(told.code).toBe(1);
    expect(existsSync(other)).toBe(false);
  });

  it('a log of which it does not know every record', async () => {
    await serving((_, say) => say('one'));
    await data.with(({ write }) =>
      write.others.handle('server', context(), () => ({
        records: [{ type: 'server.upgraded', version: 1, data: { records: ['room.event.accepted.v9'] } }],
        result: undefined,
      })),
    );
    const told = await copying();
    expect(told.stderr).toContain('written by a newer version of Engram');
    expect(told.code).toBe(1);
    expect(existsSync(join(copy.path, 'log'))).toBe(false);
  });

  it('to copy a log into itself', async () => {
    await serving((_, say) => say('one'));
    expect(await run(['log', 'copy', '--to', data.path])).toMatchObject({ code: 2 });
    expect(await run(['log', 'copy', '--to', '.'])).toMatchObject({ code: 2 });
    expect(await run(['log', 'copy'])).toMatchObject({ code: 2 });
  });
});

describe('the places of logs', () => {
  it.each([
    ['/a/b', { adapter: 'lmdb', folder: '/a/b/log' }, '/a/b/keys', '/a/b'],
    ['lmdb:b', { adapter: 'lmdb', folder: '/cwd/b/log' }, '/cwd/b/keys', '/cwd/b'],
    [
      'esdb://h:1',
      { adapter: 'eventstoredb', url: 'esdb://h:1', prefix: 'engram' },
      undefined,
      'esdb://h:1?prefix=engram',
    ],
    [
      'esdb+discover://u:p@h?tls=true&prefix=x.y&nodePreference=leader',
      { adapter: 'eventstoredb', url: 'esdb+discover://u:p@h?tls=true&nodePreference=leader', prefix: 'x.y' },
      undefined,
      'esdb+discover://h?prefix=x.y',
    ],
  ])('%s', (text, place, keys, name) => {
    expect(parseLogPlace(text, '/cwd')).toEqual({ place, keys, name });
  });

  it('are the same by any name', () => {
    const place = (text: string) => parseLogPlace(text, '/').place;
    expect(isSamePlace(place('/tmp'), place('lmdb:/usr/../tmp/'))).toBe(true);
    expect(isSamePlace(place('/tmp'), place('/usr'))).toBe(false);
    expect(isSamePlace(place('esdb://h?prefix=a'), place('esdb://h?prefix=a'))).toBe(true);
    expect(isSamePlace(place('esdb://h?prefix=a'), place('esdb://h?prefix=b'))).toBe(false);
  });
});

describe('engram log renew', () => {
  it('begins another epoch with the next start, and not while a server runs', async () => {
    await serving((_, say) => say('one'));
    const epoch = await data.with(async ({ log }) => {
      expect((await run(['log', 'renew'])).stderr).toContain('is in use');
      return log.epoch;
    });
    expect(await data.with(async ({ log }) => log.epoch)).toBe(epoch);
    const { code, stdout } = await run(['log', 'renew']);
    expect(stdout).toContain('The epoch is ended.');
    expect(code).toBe(0);
    const renewed = await data.with(async ({ log }) => log.epoch);
    expect(renewed).not.toBe(epoch);
    expect(await data.with(async ({ log }) => log.epoch)).toBe(renewed);
  });

  it('says that there is nothing', async () => {
    expect(await run(['log', 'renew'])).toMatchObject({ code: 1 });
    expect(existsSync(join(data.path, 'log'))).toBe(false);
  });
});
