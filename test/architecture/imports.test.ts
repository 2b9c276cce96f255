import { describe, expect, it } from 'vitest';
import { areaOf, findCycle, importsOf, isOurs, sourceFiles, type SourceFile } from './imports.js';

/** What a part of the program may import besides itself. A path that ends in `.ts` is that file only. */
interface Rule {
  readonly imports: readonly string[];
  /** Of Node's own modules; `*` is all. */
  readonly node: readonly string[];
}

/** Pure: values in, values out. */
const PURE = ['node:crypto'];
/** Without files and sockets, which belong behind ports. */
const NO_IO = ['node:crypto', 'node:buffer', 'node:events', 'node:timers/promises'];
const ANY = ['*'];

/** The read and write sides may say what they do, and ask for time and randomness by port. */
const COMMON = ['src/protocol', 'src/runtime', 'src/logger'];

const RULES: Readonly<Record<string, Rule>> = {
  'src/protocol': { imports: [], node: PURE },
  // The adapter of its port of nodes (lmdb.ts) opens files.
  'src/room-state': { imports: ['src/runtime'], node: [...PURE, 'node:fs', 'node:path', 'node:zlib'] },
  'src/runtime': { imports: [], node: ANY },
  'src/log': { imports: ['src/runtime', 'src/logger', 'schemas'], node: ANY },
  'src/read-models': { imports: ['src/runtime', 'src/logger'], node: ANY },
  'src/blobs': { imports: ['src/runtime', 'src/logger'], node: ANY },
  'src/commands': { imports: [...COMMON, 'src/room-state', 'src/log', 'src/blobs'], node: NO_IO },
  // Asks the write side's decisions again of a log that it only reads: no port but the log's.
  'src/audit': {
    imports: [...COMMON, 'src/commands', 'src/room-state', 'src/log'],
    node: [...NO_IO, 'node:util'],
  },
  'src/federation': {
    imports: [
      ...COMMON,
      'src/room-state',
      'src/commands',
      'src/log',
      'src/read-models',
      'src/blobs',
      'schemas',
    ],
    node: NO_IO,
  },
  // The state of a room at any event is read through the trie, which both sides share when embedded.
  projections: { imports: [...COMMON, 'src/room-state', 'src/log', 'src/read-models'], node: NO_IO },
  // What is no record: typing and presence, in memory.
  'src/ephemeral': { imports: COMMON, node: NO_IO },
  'src/queries': { imports: [...COMMON, 'src/room-state', 'src/read-models', 'src/ephemeral'], node: NO_IO },
  'src/http': {
    imports: [
      'src/protocol',
      'src/commands',
      'src/queries',
      'src/federation',
      'src/ephemeral',
      'src/runtime',
      'src/config',
      'src/logger',
      'src/metrics',
      'schemas',
      // Stores that are out of reach or damaged are answered with 503.
      'src/room-state/errors.ts',
      'src/log/errors.ts',
      'src/read-models/errors.ts',
    ],
    node: ANY,
  },
  'src/config': { imports: ['src/protocol', 'schemas'], node: ANY },
  'src/logger': { imports: [], node: ANY },
  'src/metrics': { imports: [], node: ANY },
  // What the composition root tells the metrics.
  'src/observing': { imports: ['src/log', 'src/metrics', 'src/runtime', 'projections'], node: ANY },
  // Which adapter serves which port.
  'src/stores': { imports: ['src'], node: ANY },
  'src/server': { imports: ['src', 'projections', 'schemas'], node: ANY },
  'src/cli': { imports: ['src', 'projections', 'schemas'], node: ANY },
  'src/main': { imports: ['src/cli', 'src/logger'], node: ANY },
};

/** Who may import a package: files whose paths begin so. One that is not here may not be imported at all. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  '@eventstore/db-client': ['src/log/eventstoredb'],
  '@fastify/cors': ['src/http/'],
  '@node-rs/argon2': ['src/commands/passwords', 'src/runtime/'],
  ajv: ['src/http/', 'src/log/', 'src/config'],
  'ajv-formats': ['src/http/', 'src/log/', 'src/config'],
  commander: ['src/cli/', 'src/main.ts'],
  fastify: ['src/http/'],
  lmdb: ['src/log/lmdb', 'src/read-models/lmdb', 'src/room-state/lmdb'],
  'lru-cache': [
    'src/http/',
    'src/room-state/',
    'src/commands/',
    'src/queries/',
    'src/federation/',
    'src/log/',
    'src/read-models/',
    'projections/',
  ],
  mongodb: ['src/read-models/mongodb'],
  pino: ['src/logger'],
  'prom-client': ['src/metrics'],
  rxjs: ['src/log/', 'src/commands/', 'src/queries/', 'src/ephemeral/', 'src/federation/', 'projections/'],
  tweetnacl: ['src/protocol/'],
  undici: ['src/runtime/network.ts'],
  yaml: ['src/config', 'src/cli/'],
};

/** Files that only the composition root, the command line and their own kind reach. */
const ADAPTER = /^src\/(log|read-models|room-state|blobs)\/(lmdb|eventstoredb|mongodb|files|s3)(?=[-./])/;

const MAX_LINES = 400;

function within(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`) || path === `${prefix}.ts`;
}

/** What is wrong with an import, if anything. */
function fault(from: string, imported: string): string | undefined {
  const area = areaOf(from);
  const rule = RULES[area];
  if (rule === undefined) return `${area} is not in the table`;
  if (imported.startsWith('node:')) {
    return rule.node.includes('*') || rule.node.includes(imported)
      ? undefined
      : `${from} imports ${imported}`;
  }
  if (!isOurs(imported)) {
    const allowed = PACKAGES[imported]?.some((prefix) => from.startsWith(prefix)) ?? false;
    return allowed ? undefined : `${from} imports the package ${imported}`;
  }
  if (imported === 'src/main.ts') return `${from} imports the command line's entry`;
  if (area !== 'src/main' && area !== 'src/cli' && within(imported, 'src/cli'))
    return `${from} imports the command line`;
  const adapter = ADAPTER.exec(imported)?.[0];
  if (
    adapter !== undefined &&
    !['src/server', 'src/stores', 'src/cli'].includes(area) &&
    !from.startsWith(adapter)
  ) {
    return `${from} imports the adapter ${imported}`;
  }
  if (areaOf(imported) === area || rule.imports.some((prefix) => within(imported, prefix))) return undefined;
  return `${from} imports ${imported}`;
}

function faults(files: readonly SourceFile[]): string[] {
  return files
    .flatMap(({ path, imports }) => imports.map((imported) => fault(path, imported)))
    .filter((text) => text !== undefined);
}

describe('the imports', () => {
  const files = sourceFiles();

  it('are those of the table', () => {
    expect(faults(files)).toEqual([]);
  });

  it('have no cycle', () => {
    expect(findCycle(files)).toBeUndefined();
  });

  it('are of files that stay readable', () => {
    const long = files.filter(({ lines, generated }) => !generated && lines > MAX_LINES);
    expect(long.map(({ path, lines }) => `${path}: ${lines} lines`)).toEqual([]);
  });

  it('are of every part that the table names, or that is still to come', () => {
    const areas = new Set(files.map(({ path }) => areaOf(path)));
    expect([...areas].filter((area) => RULES[area] === undefined)).toEqual([]);
  });
});

describe('the table', () => {
  it.each([
    ['src/commands/x.ts', 'src/read-models/store.ts'],
    ['src/queries/x.ts', 'src/log/log.ts'],
    ['projections/x.ts', 'src/commands/command.ts'],
    ['projections/x.ts', 'src/queries/sync.ts'],
    ['src/protocol/x.ts', 'src/runtime/clock.ts'],
    ['src/protocol/x.ts', 'node:fs'],
    ['src/commands/x.ts', 'node:fs'],
    ['src/commands/x.ts', 'src/log/lmdb.ts'],
    ['src/http/client/x.ts', 'src/read-models/store.ts'],
    ['src/http/client/x.ts', 'src/log/lmdb-append.ts'],
    ['src/log/lmdb.ts', 'src/log/eventstoredb.ts'],
    ['src/server.ts', 'src/cli/serve.ts'],
    ['src/cli/serve.ts', 'src/main.ts'],
    ['src/queries/x.ts', 'lmdb'],
    ['src/log/lmdb.ts', 'left-pad'],
    ['src/server.ts', 'test/support/clock.ts'],
    ['src/novel/x.ts', 'src/protocol/json.ts'],
  ])('%s may not import %s', (from, imported) => {
    expect(fault(from, imported)).toBeDefined();
  });

  it.each([
    ['src/commands/x.ts', 'src/protocol/json.ts'],
    ['src/commands/aggregates/x.ts', 'src/commands/handle.ts'],
    ['src/log/lmdb.ts', 'src/log/lmdb/pages.ts'],
    ['src/log/lmdb-append.ts', 'lmdb'],
    ['src/server.ts', 'src/log/lmdb.ts'],
    ['src/main.ts', 'src/cli/program.ts'],
    ['src/http/x.ts', 'src/log/errors.ts'],
    ['src/config/schema.ts', 'schemas/config.json'],
  ])('%s may import %s', (from, imported) => {
    expect(fault(from, imported)).toBeUndefined();
  });
});

describe('reading imports', () => {
  it('sees static, dynamic, type and re-exported ones', () => {
    const text = `
      import a from './a.js';
      import type { B } from '../b.js';
      export * from './c.js';
      export type { D } from './d.js';
      const e = await import('./e.js');
      type F = import('./f.js').F;
      import '@scope/g/part.js';
      import { h } from 'h/dist/2020.js';
      import i from 'node:fs/promises';
      // import './not.js'
    `;
    expect(importsOf('src/http/x.ts', text).sort()).toEqual(
      [
        'src/http/a.ts',
        'src/b.ts',
        'src/http/c.ts',
        'src/http/d.ts',
        'src/http/e.ts',
        'src/http/f.ts',
        '@scope/g',
        'h',
        'node:fs/promises',
      ].sort(),
    );
  });

  it('finds a cycle and its way', () => {
    const file = (path: string, ...imports: string[]): Pick<SourceFile, 'path' | 'imports'> => ({
      path,
      imports,
    });
    expect(findCycle([file('a', 'b'), file('b', 'c', 'd'), file('c'), file('d', 'b')])).toEqual([
      'b',
      'd',
      'b',
    ]);
    expect(findCycle([file('a', 'b', 'c'), file('b', 'c'), file('c')])).toBeUndefined();
  });
});
