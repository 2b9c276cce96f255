import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig, type Config } from '../config.js';
import { dataFolders } from '../config/data-folders.js';
import { requireKnownRecords } from '../log/known-records.js';
import type { Log } from '../log/log.js';
import { parseSigningKey, type SigningKey } from '../protocol/keys.js';
import { systemClock } from '../runtime/clock.js';
import { systemRandom } from '../runtime/random.js';
import { openLogForReading } from '../stores.js';
import { CliError, type Io } from './io.js';
import { isPlain } from './plain-errors.js';

const SYSTEM = { clock: systemClock, random: systemRandom };

/** What verbs that only read have: the configuration, and the log as it is, also while a server writes it. */
export interface Reading {
  readonly config: Config;
  readonly log: Log;
}

/** Opens the log for reading, runs, and closes it again. @throws CliError where there is no log */
export async function withLog<T>(
  options: { readonly config?: string | undefined },
  io: Io,
  run: (reading: Reading) => Promise<T>,
): Promise<T> {
  const config = loadConfig({ file: options.config, env: io.env, cwd: io.cwd });
  const log = await openLogForReading(config, SYSTEM).catch((error: unknown) => {
    throw asCliError(error);
  });
  try {
    await requireKnownRecords(log);
    return await run({ config, log });
  } catch (error) {
    throw asCliError(error);
  } finally {
    await log.close();
  }
}

/** Our own signing key, where the server has made one. */
export function readSigningKey(config: Config): SigningKey | undefined {
  const file = join(dataFolders(config).keys, 'signing.key');
  return existsSync(file) ? parseSigningKey(readFileSync(file, 'utf8').trim()) : undefined;
}

/** What the operator can mend is told as it is. */
export function asCliError(error: unknown): unknown {
  return isPlain(error) ? new CliError(error.message) : error;
}

/** What positions in the log count: EventStoreDB's are places in its file. */
export function positionUnit(config: Config): string {
  return config.log.adapter === 'lmdb' ? 'records' : 'bytes of the log';
}
