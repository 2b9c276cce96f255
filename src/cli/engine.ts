import type { CommandContext } from '../commands/command.js';
import type { WriteSide } from '../commands/write-side.js';
import type { Config } from '../config.js';
import { MatrixError } from '../protocol/errors.js';
import { uuid } from '../runtime/random.js';
import { CliError } from './io.js';
import { asCliError } from './reading.js';

/**
 * Runs one command with no server on the data folder: the write side is opened for it alone.
 *
 * @throws CliError where the folder is in use, or the command is refused
 */
export async function withWriteSide<T>(
  config: Config,
  command: (write: WriteSide, context: CommandContext) => Promise<T>,
): Promise<T> {
  // The composition root brings in all adapters: loaded only where no server is asked instead.
  const { openEngine } = await import('../server.js');
  const engine = await openEngine(config).catch((error: unknown) => {
    throw asCliError(error);
  });
  try {
    const { clock, random } = engine.ports;
    return await command(engine.write, { correlationId: uuid(random), now: clock.now() });
  } catch (error) {
    throw error instanceof MatrixError ? new CliError(error.message) : asCliError(error);
  } finally {
    await engine.close();
  }
}
