import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { Comparison } from '../../projections/compare.js';
import type { Projection } from '../../projections/projection.js';
import type { RebuildReport } from '../../projections/rebuild.js';
import { loadConfig, type Config } from '../config.js';
import { dataFolders } from '../config/data-folders.js';
import { requireKnownRecords } from '../log/known-records.js';
import type { Log } from '../log/log.js';
import type { ReadStore } from '../read-models/store.js';
import { systemClock } from '../runtime/clock.js';
import { systemRandom } from '../runtime/random.js';
import { askServerFor } from './admin-client.js';
import { CliError, EXIT, type Io } from './io.js';
import { createProgress } from './progress.js';
import { asCliError, positionUnit } from './reading.js';

export interface RebuildOptions {
  readonly config?: string;
  readonly check?: boolean;
}

/**
 * `engram rebuild`: all read models anew from the log, and with `--check` compared with those that served, which
 * stay. Interrupted, it goes on where it was when it is called again.
 */
export async function rebuild(options: RebuildOptions, io: Io): Promise<number> {
  const config = loadConfig({ file: options.config, env: io.env, cwd: io.cwd });
  if (options.check !== true && (await rebuildOnline(config, io))) return EXIT.ok;
  const { hasLog, openLog } = await import('../stores.js');
  const ports = { clock: systemClock, random: systemRandom };
  const found = await hasLog(config, ports).catch((error: unknown) => {
    throw asCliError(error);
  });
  if (!found) throw new CliError(`There is no log in ${placeOfLog(config)}.`);
  // The lock that comes with it keeps servers away from the read models.
  const log = await openLog(config, ports).catch((error: unknown) => {
    const mended = asCliError(error);
    if (options.check === true && mended instanceof CliError && mended.message.includes('in use')) {
      throw new CliError(`${mended.message} To compare its read models, the server has to be stopped.`);
    }
    throw mended;
  });
  try {
    await requireKnownRecords(log);
    return await (options.check === true ? check(config, log, io) : replace(config, log, io));
  } catch (error) {
    throw asCliError(error);
  } finally {
    await log.close();
  }
}

/** Has a running server do it, beside what serves; false where none runs. */
async function rebuildOnline(config: Config, io: Io): Promise<boolean> {
  let answer = await askServerFor(config, 'POST', '/rebuild');
  if (answer === undefined) return false;
  io.stderr.write('The running server rebuilds them, and serves meanwhile; this can be interrupted.\n');
  const progress = createProgress({ output: io.stderr, label: 'Rebuilding', unit: 'percent', total: 100 });
  while (answer['building'] === true) {
    progress.update(Math.floor(Number(answer['fraction']) * 100));
    await pause(POLL, undefined, { signal: io.signal }).catch(() => {
      io.signal.throwIfAborted();
    });
    answer = await askServerFor(config, 'GET', '/rebuild');
    if (answer === undefined)
      throw new CliError('The server has ended meanwhile; what it has served before is served.');
  }
  progress.update(100);
  progress.finish();
  io.stdout.write('All read models were rebuilt, and serve.\n');
  return true;
}

/** Milliseconds. */
const POLL = 200;

function replace(config: Config, log: Log, io: Io): Promise<number> {
  return config.read_models.adapter === 'lmdb'
    ? replaceFolder(config, log, io)
    : replaceBeside(config, log, io);
}

/** Builds a store of its own, which takes the place of the other: whatever is wrong with that one is gone with it. */
async function replaceFolder(config: Config, log: Log, io: Io): Promise<number> {
  const { readModels } = dataFolders(config);
  const built = `${readModels}.rebuilding`;
  const report = await buildInFolder(built, config, log, undefined, io);
  if (!report.complete) return interrupted(io);
  const old = `${readModels}.replaced`;
  await rm(old, { recursive: true, force: true });
  if (existsSync(readModels)) await rename(readModels, old);
  // Killed between the two, a server would find no read models, and build them.
  await rename(built, readModels);
  await rm(old, { recursive: true, force: true });
  return reportRebuilt(report, io);
}

/** Builds new generations beside those that serve, in the same store, which other processes may be reading. */
async function replaceBeside(config: Config, log: Log, io: Io): Promise<number> {
  const { openReadStore } = await import('../stores.js');
  const { besideServing } = await import('../../projections/generations.js');
  const { PROJECTIONS } = await import('../../projections/index.js');
  const store = await openReadStore(config);
  try {
    const projections = besideServing(PROJECTIONS, await store.serving());
    const report = await build(store, projections, config, log, undefined, io);
    return report.complete ? reportRebuilt(report, io) : interrupted(io);
  } finally {
    await store.close();
  }
}

async function check(config: Config, log: Log, io: Io): Promise<number> {
  const { readModels } = dataFolders(config);
  const isFolder = config.read_models.adapter === 'lmdb';
  if (isFolder && !existsSync(readModels)) throw nothingToCompare();
  const built = `${readModels}.checking`;
  const { openReadStore } = await import('../stores.js');
  const serving = await openReadStore(config);
  try {
    if (!isFolder && (await serving.serving()).length === 0) throw nothingToCompare();
    const report = await buildInFolder(built, config, log, serving, io);
    if (!report.complete) return interrupted(io);
    await rm(built, { recursive: true, force: true });
    return reportCompared(report, io);
  } finally {
    await serving.close();
  }
}

function nothingToCompare(): CliError {
  return new CliError('There are no read models to compare with: "engram rebuild" makes them.');
}

/** For people; what the connection string says besides the prefix is nobody's business. */
function placeOfLog({ data_dir, log }: Config): string {
  return log.adapter === 'lmdb' ? data_dir : `EventStoreDB under ${log.prefix}:*`;
}

async function buildInFolder(
  folder: string,
  config: Config,
  log: Log,
  serving: ReadStore | undefined,
  io: Io,
): Promise<RebuildReport> {
  const { openScratchReadStore } = await import('../stores.js');
  const { PROJECTIONS } = await import('../../projections/index.js');
  const store = await openScratchReadStore(folder);
  try {
    return await build(store, PROJECTIONS, config, log, serving, io);
  } finally {
    await store.close();
  }
}

/** @param serving is compared, where it is given */
async function build(
  store: ReadStore,
  projections: readonly Projection[],
  config: Config,
  log: Log,
  serving: ReadStore | undefined,
  io: Io,
): Promise<RebuildReport> {
  const { rebuild: rebuildModels } = await import('../../projections/rebuild.js');
  const progress = createProgress({
    output: io.stderr,
    label: serving === undefined ? 'Rebuilding' : 'Checking',
    unit: positionUnit(config),
    total: Math.max(0, log.head),
  });
  try {
    return await rebuildModels({
      log,
      store,
      projections,
      ...(serving === undefined ? {} : { check: serving }),
      signal: io.signal,
      onProgress: ({ position, head }) => {
        progress.update(position, head);
      },
      onQuarantined: ({ name }, { position }, error) => {
        const reason = error instanceof Error ? error.message : String(error);
        io.stderr.write(`The record at ${position} cannot be folded into ${name}: ${reason}\n`);
      },
    });
  } finally {
    progress.finish();
  }
}

function interrupted(io: Io): number {
  io.stderr.write('It goes on from here when it is called again.\n');
  io.signal.throwIfAborted();
  return EXIT.failed;
}

function reportCompared({ compared, uncompared, quarantined }: RebuildReport, io: Io): number {
  for (const { collection, differing, documents, first } of compared.filter(isDifferent)) {
    io.stdout.write(`${collection}: ${differing} of ${plural(documents, 'document')} differ\n`);
    for (const { key, kind } of first) io.stdout.write(`  ${kind}: ${JSON.stringify(key)}\n`);
  }
  if (uncompared.length > 0) {
    io.stdout.write(`Not built in this version, so not compared: ${uncompared.join(', ')}\n`);
  }
  if (compared.some(isDifferent) || uncompared.length > 0) return EXIT.failed;
  const documents = compared.reduce((sum, one) => sum + one.documents, 0);
  const collections = plural(compared.length, 'collection');
  io.stdout.write(`Equal to the byte: ${plural(documents, 'document')} in ${collections}.\n`);
  if (quarantined > 0)
    io.stdout.write(`${plural(quarantined, 'record')} could not be folded, then and now.\n`);
  return EXIT.ok;
}

function isDifferent({ differing }: Comparison): boolean {
  return differing > 0;
}

/** What could not be folded is left out, which whoever rebuilds should know. */
function reportRebuilt({ records, quarantined }: RebuildReport, io: Io): number {
  io.stdout.write(`All read models were rebuilt from ${plural(records, 'record')}.\n`);
  if (quarantined > 0) io.stderr.write(`${plural(quarantined, 'record')} could not be folded.\n`);
  return EXIT.ok;
}

function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}
