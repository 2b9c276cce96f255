import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './config.js';
import { dataFolders, processFolders } from './config/data-folders.js';
import { LogFormatError } from './log/errors.js';
import { holderOf, lockFolder } from './log/folder-lock.js';
import type { Log } from './log/log.js';
import type { AppendObserver, RawLog } from './log/adapter.js';
import { SealKeys } from './log/seal-keys.js';
import { ReadStoreFormatError } from './read-models/errors.js';
import type { ReadStore } from './read-models/store.js';
import { ROOM_STATE_CONTENT, LmdbRoomState, ROOM_STATE_FILE } from './room-state/lmdb.js';
import type { Clock } from './runtime/clock.js';
import { DerivedFolder } from './runtime/derived-folder.js';
import type { Random } from './runtime/random.js';

/*
 * Which adapter serves which port, by the configuration. Adapters are loaded when they are asked for: a driver that
 * is not configured is never in the process.
 */

export interface StorePorts {
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Opens the log to write and read it. Where it is kept on a server, the data folder is taken for this process, as the
 * embedded log is taken itself: what is derived from the log lies there, for one process.
 *
 * @throws LogFormatError when it is in use, foreign or newer, or when its seal key is gone; LogUnavailableError when
 *   its server does not answer
 */
export async function openLog(config: Config, ports: StorePorts, observer?: AppendObserver): Promise<Log> {
  const folders = dataFolders(config);
  const sealKey = join(folders.keys, 'seal.key');
  // A new key would open nothing of what is there, and what is written meanwhile would need both. Looked for twice: a
  // process that starts at the same time makes the key first, and then the log.
  if (!existsSync(sealKey) && (await hasLog(config, ports)) && !existsSync(sealKey)) {
    throw new LogFormatError(`${sealKey} is missing, and the log's content is sealed with it: put it back.`);
  }
  const observed = observer === undefined ? {} : { observer };
  switch (config.log.adapter) {
    case 'lmdb': {
      const { openLmdbLog } = await import('./log/lmdb.js');
      const keys = SealKeys.open(sealKey, ports.random);
      const leastFree = config.limits.free_disk_bytes;
      return openLmdbLog({ folder: folders.log, leastFree, ...ports, keys, ...observed });
    }
    case 'eventstoredb': {
      const { openEventStoreDbLog } = await import('./log/eventstoredb.js');
      mkdirSync(config.data_dir, { recursive: true, mode: 0o700 });
      const onClosed = takeDataFolder(config);
      try {
        const keys = SealKeys.open(sealKey, ports.random);
        return await openEventStoreDbLog({ ...there(config), ...ports, keys, ...observed, onClosed });
      } catch (error) {
        onClosed();
        throw error;
      }
    }
  }
}

/** Whether there is a log, of whatever format. @throws LogUnavailableError when its server does not answer */
export async function hasLog(config: Config, ports: StorePorts): Promise<boolean> {
  switch (config.log.adapter) {
    case 'lmdb':
      return existsSync(dataFolders(config).log);
    case 'eventstoredb': {
      const { hasEventStoreDbLog } = await import('./log/eventstoredb.js');
      return hasEventStoreDbLog({ ...there(config), ...ports });
    }
  }
}

/**
 * Takes a data folder whose log is elsewhere. Processes that share it have places of their own there, and none of
 * them goes with a process that takes it alone.
 *
 * @throws LogFormatError when it is in use
 */
export function takeDataFolder({ data_dir: folder, roles }: Config): () => void {
  if (roles !== null) {
    const holder = holderOf(folder);
    if (holder === undefined) return () => undefined;
    throw new LogFormatError(`The data folder ${folder} is in use by process ${holder}, which has no roles.`);
  }
  for (const place of processFolders({ data_dir: folder })) {
    const holder = holderOf(place);
    if (holder === undefined) continue;
    throw new LogFormatError(`The data folder ${folder} is in use by process ${holder}.`);
  }
  return lockFolder(folder).release;
}

/** Where a log on a server is. */
function there({ log: { url, prefix } }: Config): { readonly url: string; readonly prefix: string } {
  if (url === null) throw new LogFormatError('log.url does not say where EventStoreDB is.');
  return { url, prefix };
}

/**
 * Opens the log to read it, beside processes that write it or alone: nothing is made, and appending is refused.
 *
 * @throws LogFormatError when there is none, or a foreign or newer one; LogUnavailableError when its server does not
 *   answer
 */
export async function openLogForReading(config: Config, ports: StorePorts): Promise<Log> {
  const folders = dataFolders(config);
  const sealKey = join(folders.keys, 'seal.key');
  // Opening the keys would make new ones, which open nothing that is there.
  if (!existsSync(sealKey)) {
    throw new LogFormatError(
      `There is no log in ${config.data_dir}: no server has run there, or its keys are gone.`,
    );
  }
  const keys = SealKeys.open(sealKey, ports.random);
  switch (config.log.adapter) {
    case 'lmdb': {
      const { openLmdbLogForReading } = await import('./log/lmdb-reader.js');
      return openLmdbLogForReading({ folder: folders.log, ...ports, keys });
    }
    case 'eventstoredb': {
      const { openEventStoreDbLog } = await import('./log/eventstoredb.js');
      return openEventStoreDbLog({ ...there(config), ...ports, keys, readOnly: true });
    }
  }
}

/** Looks through the whole file of an embedded log that no server has open. @throws LogFormatError when it is damaged */
export async function requireWholeLog(config: Config): Promise<void> {
  if (config.log.adapter !== 'lmdb') return;
  const store = await import('./log/lmdb-store.js');
  store.requireWholeLog(dataFolders(config).log);
}

/**
 * Opens the read models. MongoDB need not be there: whatever is asked of it then is unavailable, and what is in its
 * database is seen when it is there.
 *
 * @throws ReadStoreFormatError when something else is there
 */
export async function openReadStore(config: Config): Promise<ReadStore> {
  switch (config.read_models.adapter) {
    case 'lmdb':
      return openScratchReadStore(dataFolders(config).readModels);
    case 'mongodb': {
      const { openMongoReadStore } = await import('./read-models/mongodb.js');
      return openMongoReadStore({ url: config.read_models.url ?? '' });
    }
  }
}

/** Where what is derived is allowed to fill the disk after commands are refused, so that what was acknowledged gets there. */
const DERIVED_SHARE = 1 / 4;

/** Told of what had to be deleted, and is made again. */
export interface StoreLogger {
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** The read models as a server has them. */
export interface ServingReadStore {
  readonly store: ReadStore;
  readonly isDamaged: () => boolean;
  /** To be told of damage that is found by another handle than this one. */
  readonly onDamage: (error: unknown) => void;
}

/**
 * Opens the read models for a server. Where this process is alone, those that are damaged or of another format are
 * deleted first: they are built again from the log.
 *
 * @param isSuspect whether they are to be looked through, however large they are
 * @param isThreaded whether another thread will write them (`openReadStoreBeside`)
 * @throws ReadStoreFormatError when something else is there
 */
export async function openServingReadStore(
  config: Config,
  { isSuspect, isThreaded }: { readonly isSuspect: boolean; readonly isThreaded: boolean },
  logger: StoreLogger,
): Promise<ServingReadStore> {
  if (config.read_models.adapter !== 'lmdb')
    return { store: await openReadStore(config), isDamaged: () => false, onDamage: () => undefined };
  const { openLmdbReadStore, READ_MODELS_CONTENT, READ_MODELS_FILE } = await import('./read-models/lmdb.js');
  const folder = new DerivedFolder(dataFolders(config).readModels, READ_MODELS_FILE, READ_MODELS_CONTENT);
  const isAlone = config.roles === null;
  const onDamage = (err: unknown) => {
    if (!folder.report(err)) return;
    logger.error(
      { err },
      'Read models are damaged. Start the server again: it builds them again from the log.',
    );
  };
  const dropped = isAlone ? folder.dropDamaged(isSuspect) : undefined;
  if (dropped !== undefined)
    logger.warn({ reason: dropped }, 'Read models are damaged: they are built again from the log.');
  const open = () =>
    openLmdbReadStore(folder.path, {
      leastFree: config.limits.free_disk_bytes * DERIVED_SHARE,
      shared: !isAlone,
      ...(isThreaded ? { thread: 'reads' as const } : {}),
      onDamage,
    });
  const isDamaged = () => folder.damaged;
  try {
    return { store: open(), isDamaged, onDamage };
  } catch (error) {
    if (!isAlone || !(error instanceof ReadStoreFormatError) || !error.ours) throw error;
    logger.warn(
      { reason: error.message },
      'Read models are of another version: they are built again from the log.',
    );
    folder.drop();
    return { store: open(), isDamaged, onDamage };
  }
}

/** Opens the read models that another thread of this process has open for serving; they are to be closed before it does. */
export async function openReadStoreBeside(
  config: Config,
  onDamage: (error: unknown) => void,
): Promise<ReadStore> {
  if (config.read_models.adapter !== 'lmdb') return openReadStore(config);
  const { openLmdbReadStore } = await import('./read-models/lmdb.js');
  const leastFree = config.limits.free_disk_bytes * DERIVED_SHARE;
  return openLmdbReadStore(dataFolders(config).readModels, { leastFree, thread: 'writes', onDamage });
}

/** Opens the room index and the state nodes; deletes them first where they are damaged: they are made again from the log. */
export function openRoomState(
  config: Config,
  path: string,
  isSuspect: boolean,
  logger: StoreLogger,
): { readonly roomState: LmdbRoomState; readonly isDamaged: () => boolean } {
  const folder = new DerivedFolder(path, ROOM_STATE_FILE, ROOM_STATE_CONTENT);
  const dropped = folder.dropDamaged(isSuspect);
  if (dropped !== undefined)
    logger.warn({ reason: dropped }, 'The room index is damaged: it is made again from the log.');
  const roomState = new LmdbRoomState(
    folder.path,
    (err) => {
      logger.error({ err }, 'The room index cannot be written; it stays in memory.');
    },
    {
      leastFree: config.limits.free_disk_bytes * DERIVED_SHARE,
      onDamage: (err) => {
        if (!folder.report(err)) return;
        logger.error(
          { err },
          'The room index is damaged. Start the server again: it makes it again from the log.',
        );
      },
    },
  );
  return { roomState, isDamaged: () => folder.damaged };
}

/** Opens read models of this process alone, in a folder. @throws ReadStoreFormatError when something else is there */
export async function openScratchReadStore(folder: string): Promise<ReadStore> {
  const { openLmdbReadStore } = await import('./read-models/lmdb.js');
  return openLmdbReadStore(folder);
}

/** Where a log is kept: in a folder of its own, or in the streams of a server that begin with a prefix. */
export type LogPlace =
  | { readonly adapter: 'lmdb'; readonly folder: string }
  | { readonly adapter: 'eventstoredb'; readonly url: string; readonly prefix: string };

/** Where the configured log is. */
export function configuredLog(config: Config): LogPlace {
  return config.log.adapter === 'lmdb'
    ? { adapter: 'lmdb', folder: dataFolders(config).log }
    : { adapter: 'eventstoredb', ...there(config) };
}

/** Opens the store of bytes below a log, to write it; begins a log where there is none. @throws as `openLog` */
export async function openRawLog(place: LogPlace, ports: StorePorts): Promise<RawLog> {
  if (place.adapter === 'lmdb') {
    const { LmdbLog } = await import('./log/lmdb.js');
    return new LmdbLog({ ...place, ...ports });
  }
  const { EventStoreDbLog } = await import('./log/eventstoredb.js');
  return EventStoreDbLog.open({ ...place, ...ports });
}

/** The same to read it only, also beside processes that write it. @throws as `openLogForReading` */
export async function openRawLogForReading(place: LogPlace, ports: StorePorts): Promise<RawLog> {
  if (place.adapter === 'lmdb') {
    const { LmdbLogReader } = await import('./log/lmdb-reader.js');
    return new LmdbLogReader({ ...place, ...ports });
  }
  const { EventStoreDbLog } = await import('./log/eventstoredb.js');
  return EventStoreDbLog.open({ ...place, ...ports, readOnly: true });
}
