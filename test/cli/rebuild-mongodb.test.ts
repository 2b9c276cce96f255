import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PROJECTIONS } from '../../projections/index.js';
import { Interrupted } from '../../src/cli/io.js';
import { runCommandLine } from '../../src/cli/program.js';
import { register } from '../../src/commands/registration.js';
import { profiles } from '../../src/read-models/collections.js';
import type { Checkpoint } from '../../src/read-models/store.js';
import { openCore } from '../../src/server.js';
import { openReadStore } from '../../src/stores.js';
import { DataFolder } from '../support/data-folder.js';
import { forkedRoom } from '../support/forked-room.js';
import { MONGODB_URL, NO_MONGODB, testDatabase, type TestDatabase } from '../support/mongodb.js';
import { testIo } from './support.js';

async function run(data: DataFolder, args: string[], abort = false) {
  const io = testIo({ env: data.env, cwd: data.path });
  if (abort) io.abort.abort(new Interrupted('SIGINT'));
  const code = await runCommandLine(args, io);
  return { code, ...io.written };
}

describe.skipIf(MONGODB_URL === '')(`engram rebuild with MongoDB${NO_MONGODB}`, { timeout: 120_000 }, () => {
  let database: TestDatabase;
  let data: DataFolder;

  beforeEach(async () => {
    database = await testDatabase();
    data = new DataFolder({
      ENGRAM_READ_MODELS__ADAPTER: 'mongodb',
      ENGRAM_READ_MODELS__URL: database.url,
    });
  });
  afterEach(async () => {
    data.remove();
    await database.remove();
  });

  /** A server has run and served. */
  async function served(isFirst = true): Promise<void> {
    const core = await openCore(data.config, { clock: data.clock });
    const context = () => ({ correlationId: 'test', now: data.clock.now() });
    if (isFirst) await forkedRoom(core.write, context);
    else await register(core.write, { username: 'late', kind: 'user', method: 'open' }, context());
    await core.readModels.whenProcessed(core.log.head, 10_000);
    await core.close();
  }

  it('compares with what an embedded store holds, to the byte, and builds beside what serves', async () => {
    await served();
    const checked = await run(data, ['rebuild', '--check']);
    expect(checked.stdout).toMatch(/^Equal to the byte: \d+ documents in \d+ collections\.\n$/);
    expect(checked.code).toBe(0);
    expect(await run(data, ['rebuild'])).toMatchObject({ code: 0 });
    expect(await run(data, ['rebuild', '--check'])).toMatchObject({ code: 0, stdout: checked.stdout });
    const store = await openReadStore(data.config);
    const versions = (await store.serving()).map(({ version }) => version);
    expect(Math.min(...versions)).toBeGreaterThan(2 ** 20);
    expect(await store.checkpoints()).toHaveLength(versions.length);
    await store.close();
    // A server goes on with what was built.
    await served(false);
    const later = await run(data, ['rebuild', '--check']);
    expect(later.code).toBe(0);
    expect(later.stdout).not.toBe(checked.stdout);
  });

  it('tells which documents differ', async () => {
    await served();
    const store = await openReadStore(data.config);
    const { name, version } = PROJECTIONS.find((each) => each.name === profiles.projection) ?? PROJECTIONS[0] ?? { name: '', version: 0 }; // prettier-ignore
    const checkpoint = (await store.checkpoint(name, version)) as Checkpoint;
    const document = { user_id: '@forged:one.example', displayname: 'Nobody' };
    await store.write(
      [{ collection: profiles, key: profiles.key(document as never), document, projection: name, version }],
      [{ next: checkpoint, expected: checkpoint.position }],
    );
    await store.close();
    const { code, stdout } = await run(data, ['rebuild', '--check']);
    expect(stdout).toContain('@forged:one.example');
    expect(code).toBe(1);
    expect(await run(data, ['rebuild'])).toMatchObject({ code: 0 });
    expect(await run(data, ['rebuild', '--check'])).toMatchObject({ code: 0 });
  });

  it('goes on after an interruption, and with nothing there', async () => {
    await served();
    expect((await run(data, ['rebuild'], true)).code).toBe(130);
    expect(await run(data, ['rebuild'])).toMatchObject({ code: 0 });
    expect(await run(data, ['rebuild', '--check'])).toMatchObject({ code: 0 });
    await database.db.dropDatabase();
    const without = await run(data, ['rebuild', '--check']);
    expect(without).toMatchObject({ code: 1, stderr: expect.stringContaining('no read models') as string });
    expect(await run(data, ['rebuild'])).toMatchObject({ code: 0 });
    expect(await run(data, ['rebuild', '--check'])).toMatchObject({ code: 0 });
  });

  it('refuses a database of others', async () => {
    await served();
    await database.db.dropDatabase();
    await database.db.collection('theirs').insertOne({});
    for (const args of [['rebuild'], ['rebuild', '--check']]) {
      const { code, stderr } = await run(data, args);
      expect(code).toBe(1);
      expect(stderr).toMatch(/holds no read models of this program, but theirs/);
    }
  });
});

describe('engram rebuild without MongoDB', () => {
  it('says that it is away, and nothing of the password', async () => {
    const data = new DataFolder();
    await data.with(async () => undefined);
    const away = {
      ENGRAM_READ_MODELS__ADAPTER: 'mongodb',
      ENGRAM_READ_MODELS__URL: 'mongodb://engram:s3cret@127.0.0.1:9/?serverSelectionTimeoutMS=100',
    };
    for (const args of [['rebuild'], ['rebuild', '--check']]) {
      const io = testIo({ env: { ...data.env, ...away }, cwd: data.path });
      expect(await runCommandLine(args, io)).toBe(1);
      expect(io.written.stderr).toContain('MongoDB cannot be reached: connect ECONNREFUSED 127.0.0.1:9');
      expect(io.written.stderr).not.toContain('s3cret');
    }
    data.remove();
  });
});
