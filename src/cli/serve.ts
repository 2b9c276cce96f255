import { basename, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfig, type Config } from '../config.js';
import { variableName } from '../config/schema.js';
import { CliError, EXIT, type Io } from './io.js';
import { requireOpenFiles } from './open-files.js';
import { isPlain } from './plain-errors.js';

/** What `serve` needs of a server that runs. */
export interface ServedServer {
  /** What it listens on, ports that were chosen by the system included. */
  readonly listeners: readonly { readonly url: string; readonly resources: readonly string[] }[];
  /** Whether there is no account yet. */
  readonly firstStart: boolean;
  /** No new requests, waiting polls answered, log flushed. */
  close(): Promise<void>;
}

/**
 * `engram serve`: runs until it is told to end, then ends cleanly.
 *
 * Told while it is starting, it ends as soon as it has started.
 */
export async function serve(
  options: { readonly config?: string; readonly roles?: readonly string[] },
  io: Io,
  start: (config: Config) => Promise<ServedServer> = startServer,
): Promise<number> {
  const roles =
    options.roles === undefined ? {} : { [variableName(['roles'])]: JSON.stringify(options.roles) };
  const config = loadConfig({ file: options.config, env: { ...io.env, ...roles }, cwd: io.cwd });
  requireOpenFiles();
  const server = await start(config).catch((error: unknown) => {
    throw isPlain(error) ? new CliError(`Engram cannot start: ${wordsOf(error, config)}`) : error;
  });
  if (!io.signal.aborted) {
    io.stdout.write(greeting(config, server, options.config, io));
    await aborted(io.signal);
  }
  io.stderr.write('Ending: requests under way are answered first.\n');
  await server.close();
  return EXIT.ok;
}

/** The system does not say which disk is full. */
function wordsOf(error: Error, { data_dir: folder }: Config): string {
  const isFull = 'code' in error && error.code === 'ENOSPC';
  return isFull ? `The disk of ${folder} is full. (${error.message})` : error.message;
}

/** The composition root brings in all adapters: loaded only where a server is wanted. */
async function startServer(config: Config): Promise<ServedServer> {
  const root = await import('../server.js');
  const { projectionThread } = await import('../server/projection-thread/start.js');
  const thread = projectionThread();
  return root.startServer(config, thread === undefined ? {} : { projectionThread: thread });
}

/** How to call this program from where the person is: by its name where it was, else by its file. */
function programName({ cwd }: Io): string {
  const called = basename(process.argv[1] ?? '');
  const main = relative(cwd, fileURLToPath(new URL('../../main.js', import.meta.url)));
  return called === 'engram' ? called : `node ${main}`;
}

function greeting(config: Config, server: ServedServer, file: string | undefined, io: Io): string {
  const { roles } = config;
  const part = roles === null ? '' : ` (${roles.join(', ')})`;
  const lines = [`Engram serves ${config.server_name} from ${config.data_dir}${part}:`];
  for (const { url, resources } of server.listeners) lines.push(`  ${url}  (${resources.join(', ')})`);
  if (server.listeners.length === 0) lines.push('  nothing listens');
  if (server.firstStart && roles?.includes('http') !== false) {
    lines.push(
      '',
      'There is no account yet. Make one with',
      `  ${programName(io)} user create NAME${file === undefined ? '' : ` --config ${file}`}`,
      ...(config.registration.enabled
        ? ['or register in a client.']
        : [
            'or let people register in their clients: ENGRAM_REGISTRATION__ENABLED=true, or in the configuration',
            '  registration: { enabled: true }',
          ]),
    );
  }
  return `${lines.join('\n')}\n`;
}

async function aborted(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    signal.addEventListener(
      'abort',
      () => {
        resolve();
      },
      { once: true },
    );
  });
}
