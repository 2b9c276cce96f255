import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './config.js';
import { dataFolders } from './config/data-folders.js';
import { LogFormatError } from './log/errors.js';
import type { Log } from './log/log.js';
import type { AppendObserver } from './log/adapter.js';
import { SealKeys } from './log/seal-keys.js';
import type { ReadStore } from './read-models/store.js';
import type { Clock } from './runtime/clock.js';
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
 * Opens the log to write and read it.
 *
 * @throws LogFormatError when it is in use, foreign or newer, or when its seal key is gone
 */
export async function openLog(config: Config, ports: StorePorts, observer?: AppendObserver): Promise<Log> {
  const folders = dataFolders(config);
  const sealKey = join(folders.keys, 'seal.key');
  // A new key would open nothing of what is there, and what is written meanwhile would need both.
  if (config.log.adapter === 'lmdb' && existsSync(folders.log) && !existsSync(sealKey)) {
    throw new LogFormatError(`${sealKey} is missing, and the log's content is sealed with it: put it back.`);
  }
  const keys = SealKeys.open(sealKey, ports.random);
  const observed = observer === undefined ? {} : { observer };
  switch (config.log.adapter) {
    case 'lmdb': {
      const { openLmdbLog } = await import('./log/lmdb.js');
      return openLmdbLog({ folder: folders.log, ...ports, keys, ...observed });
    }
    case 'eventstoredb':
      throw new LogFormatError('This version has no adapter for eventstoredb: configure lmdb.');
  }
}

/**
 * Opens the log to read it, beside processes that write it or alone: nothing is made, and appending is refused.
 *
 * @throws LogFormatError when there is none, or a foreign or newer one
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
    case 'eventstoredb':
      throw new LogFormatError('This version has no adapter for eventstoredb: configure lmdb.');
  }
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

/** Opens read models of this process alone, in a folder. @throws ReadStoreFormatError when something else is there */
export async function openScratchReadStore(folder: string): Promise<ReadStore> {
  const { openLmdbReadStore } = await import('./read-models/lmdb.js');
  return openLmdbReadStore(folder);
}
