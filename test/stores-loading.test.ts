import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from './support/folder.js';

/** The program as it is built: `npm test` builds before it tests. */
const DIST = join(import.meta.dirname, '..', 'dist', 'src');

/**
 * Opens the stores that a configuration asks for, in a process of its own, uses them, and tells which packages Node
 * has loaded by then. All drivers are CommonJS, whose modules are in its cache, however they were imported.
 */
const SCRIPT = `
  import { createRequire } from 'node:module';
  import { loadConfig } from '${DIST}/config.js';
  import { openCore } from '${DIST}/server.js';
  setInterval(() => undefined, 60_000);
  const core = await openCore(loadConfig({ file: undefined, env: process.env, cwd: process.cwd() }));
  await core.readModels.whenProcessed(core.log.head, 2000);
  await core.close();
  const { cache } = createRequire('${DIST}/');
  const packages = Object.keys(cache).map((path) => path.split('/node_modules/').at(-1).split('/'));
  const names = packages.map(([scope, name]) => (scope.startsWith('@') ? scope + '/' + name : scope));
  process.stdout.write(JSON.stringify([...new Set(names)]));
  process.exit();
`;

describe('the stores', () => {
  let folder: ReturnType<typeof temporaryFolder>;

  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => {
    folder.remove();
  });

  function packagesLoaded(env: Readonly<Record<string, string>>): unknown {
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', SCRIPT], {
      encoding: 'utf8',
      cwd: folder.path,
      env: {
        PATH: process.env['PATH'],
        ENGRAM_DATA_DIR: folder.path,
        ENGRAM_LOGGING__LEVEL: 'silent',
        ...env,
      },
    });
    return JSON.parse(output);
  }

  it('that are embedded load no driver of others', () => {
    const loaded = packagesLoaded({});
    expect(loaded).toContain('lmdb');
    expect(loaded).not.toContain('mongodb');
    expect(loaded).not.toContain('@eventstore/db-client');
  });

  it('load the driver that is configured, whether its server is there or not', () => {
    const loaded = packagesLoaded({
      ENGRAM_READ_MODELS__ADAPTER: 'mongodb',
      ENGRAM_READ_MODELS__URL: 'mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=100',
    });
    expect(loaded).toContain('mongodb');
    expect(loaded).not.toContain('@eventstore/db-client');
  });
});
