import { mkdirSync } from 'node:fs';
import { loadConfig } from '../config.js';
import { LogUnavailableError } from '../log/errors.js';
import { systemClock } from '../runtime/clock.js';
import { systemRandom } from '../runtime/random.js';
import { configuredLog, hasLog, openRawLog, takeDataFolder } from '../stores.js';
import { CliError, EXIT, type Io } from './io.js';
import { asCliError } from './reading.js';

const SYSTEM = { clock: systemClock, random: systemRandom };

/**
 * `engram log renew`: ends the log's epoch, for a log that was put back to an earlier state by means that Engram does not
 * notice. With no server running.
 */
export async function logRenew(options: { readonly config?: string }, io: Io): Promise<number> {
  const config = loadConfig({ file: options.config, env: io.env, cwd: io.cwd });
  try {
    if (!(await hasLog(config, SYSTEM))) throw new CliError(`There is no log yet: nothing is to be renewed.`);
    const place = configuredLog(config);
    // An embedded log is taken when it is opened; of others, the data folder tells of a server on this machine.
    mkdirSync(config.data_dir, { recursive: true, mode: 0o700 });
    const release = place.adapter === 'lmdb' ? () => undefined : takeDataFolder(config);
    try {
      const log = await openRawLog(place, SYSTEM);
      try {
        await log.endEpoch();
      } finally {
        await log.close();
      }
    } finally {
      release();
    }
  } catch (error) {
    throw error instanceof LogUnavailableError ? new CliError(error.message) : asCliError(error);
  }
  io.stdout.write(
    'The epoch is ended. With the next start read models are built again, and clients sync afresh.\n',
  );
  return EXIT.ok;
}
