import { loadConfig, type Config } from '../../src/config.js';
import { openEngine, type Engine } from '../../src/server.js';
import { temporaryFolder } from './folder.js';
import { ManualClock } from './manual-clock.js';

/** A server's data folder for tests of the command line, which find it by the environment. */
export class DataFolder {
  readonly #folder = temporaryFolder();
  readonly #more: Readonly<Record<string, string>>;
  readonly clock = new ManualClock();

  /** @param more settings by their environment variables */
  constructor(more: Readonly<Record<string, string>> = {}) {
    this.#more = more;
  }

  get path(): string {
    return this.#folder.path;
  }

  get env(): Record<string, string> {
    return {
      ENGRAM_DATA_DIR: this.#folder.path,
      ENGRAM_SERVER_NAME: 'one.example',
      ENGRAM_LOGGING__LEVEL: 'fatal',
      ...this.#more,
    };
  }

  get config(): Config {
    return loadConfig({ file: undefined, env: this.env, cwd: this.#folder.path });
  }

  /** Opens the write side, and closes it after what is done with it. */
  async with<T>(action: (engine: Engine) => Promise<T>): Promise<T> {
    const engine = await openEngine(this.config, { clock: this.clock });
    try {
      return await action(engine);
    } finally {
      await engine.close();
    }
  }

  remove(): void {
    this.#folder.remove();
  }
}
