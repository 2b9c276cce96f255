import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pino } from 'pino';
import { PROJECTIONS } from '../../projections/index.js';
import { Interrupted } from '../../src/cli/io.js';
import { runCommandLine } from '../../src/cli/program.js';
import { expiry } from '../../src/cli/token-create.js';
import { isRegistrationTokenValid } from '../../src/commands/registration.js';
import { adminRoutes } from '../../src/http/admin/admin-api.js';
import type { OnlineRebuild } from '../../src/http/admin/rebuild.js';
import { createApp } from '../../src/http/app.js';
import { Schemas } from '../../src/http/schemas.js';
import { profiles } from '../../src/read-models/collections.js';
import { openCore, type Engine } from '../../src/server.js';
import { openReadStore } from '../../src/stores.js';
import { DataFolder } from '../support/data-folder.js';
import { forkedRoom } from '../support/forked-room.js';
import { testIo } from './support.js';

let data: DataFolder;
beforeEach(() => {
  data = new DataFolder();
});
afterEach(() => {
  data.remove();
});

async function run(args: string[], options: { stdin?: string; abort?: boolean } = {}) {
  const io = testIo({ env: data.env, cwd: data.path, ...options });
  if (options.abort === true) io.abort.abort(new Interrupted('SIGINT'));
  const code = await runCommandLine(args, io);
  return { code, ...io.written };
}

const context = () => ({ correlationId: 'test', now: data.clock.now() });

/** The operator's API on the folder's socket, as a running server has it. */
async function listening(engine: Engine, models: OnlineRebuild): Promise<FastifyInstance> {
  const app = createApp({
    routes: adminRoutes(engine.write, () => models),
    schemas: new Schemas('admin'),
    authenticator: { authenticate: () => Promise.resolve(undefined) },
    log: pino({ level: 'silent' }),
    newRequestId: () => 'request',
  });
  await app.listen({ path: join(data.path, 'engram.sock') });
  return app;
}

const idle: OnlineRebuild = {
  rebuild: () => undefined,
  rebuildProgress: () => ({ building: false, fraction: 1 }),
};

async function userIs(userId: string) {
  return data.with(({ write }) => write.user(userId));
}

describe('engram user create', () => {
  it('makes an account with no server running', async () => {
    const { code, stdout } = await run(['user', 'create', 'alice', '--admin', '--password-stdin'], {
      stdin: 'correct horse\n',
    });
    expect(stdout).toBe('@alice:one.example\n');
    expect(code).toBe(0);
    expect(await userIs('@alice:one.example')).toMatchObject({ kind: 'active', admin: true });
  });

  it('makes it through the server that runs', async () => {
    await data.with(async (engine) => {
      const app = await listening(engine, idle);
      const args = ['user', 'create', '@bob:one.example', '--password-stdin'];
      expect(await run(args, { stdin: 'a password' })).toMatchObject({
        code: 0,
        stdout: '@bob:one.example\n',
      });
      const again = await run(args, { stdin: 'a password' });
      expect(again).toMatchObject({ code: 1, stdout: '' });
      expect(again.stderr).toContain('taken');
      await app.close();
      expect(await engine.write.user('@bob:one.example')).toMatchObject({ kind: 'active', admin: false });
    });
  });

  it.each([
    [['Al ice'], 'x', 'user name', 1],
    [['alice'], '', 'empty', 1],
    [[], 'x', 'missing', 2],
  ])('refuses %j with the password "%s"', async (args, stdin, words, code) => {
    const told = await run(['user', 'create', ...args, '--password-stdin'], { stdin });
    expect(told.stderr).toContain(words);
    expect(told.code).toBe(code);
  });

  it('does not ask without a terminal', async () => {
    expect(await run(['user', 'create', 'alice'])).toMatchObject({ code: 2 });
  });

  it('says that the folder is in use where the server has no socket', async () => {
    await data.with(async () => {
      const told = await run(['user', 'create', 'alice', '--password-stdin'], { stdin: 'x' });
      expect(told).toMatchObject({ code: 1 });
      expect(told.stderr).toContain('in use');
    });
  });
});

describe('engram token create', () => {
  it('makes a token by which people can register, once or as often as it says', async () => {
    const { code, stdout } = await run(['token', 'create', '--uses', '2', '--expires', '30d']);
    expect(code).toBe(0);
    const token = stdout.trim();
    expect(token).toMatch(/^[A-Za-z]{24}$/);
    await data.with(async ({ write }) => {
      expect(await isRegistrationTokenValid(write, token, context())).toBe(true);
      const later = { correlationId: '', now: Date.now() + 31 * 86_400_000 };
      expect(await isRegistrationTokenValid(write, token, later)).toBe(false);
    });
  });

  it('makes the one that is wished for, through the server that runs', async () => {
    await data.with(async (engine) => {
      const app = await listening(engine, idle);
      expect(await run(['token', 'create', 'friends'])).toMatchObject({ code: 0, stdout: 'friends\n' });
      const again = await run(['token', 'create', 'friends']);
      expect(again).toMatchObject({ code: 1 });
      expect(again.stderr).toContain('already');
      await app.close();
      expect(await isRegistrationTokenValid(engine.write, 'friends', context())).toBe(true);
    });
  });

  it('understands spans and dates', () => {
    const now = Date.UTC(2025, 0, 1);
    expect(expiry('30d', now)).toBe(Date.UTC(2025, 0, 31));
    expect(expiry('12h', now)).toBe(Date.UTC(2025, 0, 1, 12));
    expect(expiry('2025-02-03', now)).toBe(Date.UTC(2025, 1, 3));
    expect(expiry('2025-02-03T04:05', now)).toBe(Date.UTC(2025, 1, 3, 4, 5));
    expect(expiry('2025-02-03T04:05:06+01:00', now)).toBe(Date.UTC(2025, 1, 3, 3, 5, 6));
    for (const text of ['soon', '30', '2024-01-01', '2025-99-01']) expect(() => expiry(text, now)).toThrow();
  });
});

describe('engram rebuild', () => {
  const models = () => join(data.path, 'read-models');

  /** A server has run and served. */
  async function served(): Promise<void> {
    const core = await openCore(data.config, { clock: data.clock });
    await forkedRoom(core.write, context);
    await core.readModels.whenProcessed(core.log.head, 10_000);
    await core.close();
  }

  it('gives what served, to the byte', async () => {
    await served();
    const checked = await run(['rebuild', '--check']);
    expect(checked.stdout).toMatch(/^Equal to the byte: \d+ documents in \d+ collections\.\n$/);
    expect(checked.code).toBe(0);
    expect(await run(['rebuild'])).toMatchObject({ code: 0 });
    expect(await run(['rebuild', '--check'])).toMatchObject({ code: 0, stdout: checked.stdout });
    for (const left of ['.rebuilding', '.replaced', '.checking'])
      expect(existsSync(models() + left)).toBe(false);
  });

  it('makes them where they are lost or damaged', async () => {
    await served();
    const { stdout } = await run(['rebuild', '--check']);
    writeFileSync(join(models(), 'data.mdb'), 'nonsense '.repeat(1000));
    expect(await run(['rebuild', '--check'])).toMatchObject({ code: 1 });
    expect(await run(['rebuild'])).toMatchObject({ code: 0 });
    expect(await run(['rebuild', '--check'])).toMatchObject({ code: 0, stdout });
    rmSync(models(), { recursive: true });
    const without = await run(['rebuild', '--check']);
    expect(without.stderr).toContain('no read models');
    expect(without.code).toBe(1);
    await run(['rebuild']);
    expect(await run(['rebuild', '--check'])).toMatchObject({ code: 0, stdout });
  });

  it('tells which documents differ', async () => {
    await served();
    const store = await openReadStore(data.config);
    const projection = PROJECTIONS.find(({ name }) => name === profiles.projection);
    if (projection === undefined) throw new Error('There is no such projection.');
    const { name, version } = projection;
    const [checkpoint] = (await store.checkpoints()).filter((one) => one.projection === name);
    if (checkpoint === undefined) throw new Error('It has no checkpoint.');
    const document = { user_id: '@forged:one.example', displayname: 'Nobody' };
    await store.write(
      [{ collection: profiles, key: profiles.key(document as never), document, projection: name, version }],
      [{ next: checkpoint, expected: checkpoint.position }],
    );
    await store.close();
    const { code, stdout } = await run(['rebuild', '--check']);
    expect(stdout).toContain('@forged:one.example');
    expect(code).toBe(1);
  });

  it('goes on after an interruption', async () => {
    await served();
    expect((await run(['rebuild'], { abort: true })).code).toBe(130);
    expect(await run(['rebuild'])).toMatchObject({ code: 0 });
    expect(await run(['rebuild', '--check'])).toMatchObject({ code: 0 });
  });

  it('asks a running server, and follows its progress', async () => {
    await data.with(async (engine) => {
      let asked = 0;
      let left = 3;
      const app = await listening(engine, {
        rebuild: () => {
          asked++;
        },
        rebuildProgress: () => ({ building: --left > 0, fraction: 1 - left / 3 }),
      });
      expect(await run(['rebuild'])).toMatchObject({
        code: 0,
        stdout: 'All read models were rebuilt, and serve.\n',
      });
      expect(asked).toBe(1);
      const check = await run(['rebuild', '--check']);
      expect(check.stderr).toContain('has to be stopped');
      expect(check.code).toBe(1);
      await app.close();
    });
  });

  it('says that there is nothing', async () => {
    expect(await run(['rebuild'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no log') as string,
    });
  });
});
