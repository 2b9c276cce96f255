import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { runProgram, type RunningProgram } from './program.js';
import { namedStores } from './stores-named.js';

/**
 * Ports to serve on: below those that the system gives to connections, since a client that tries a port on which
 * nobody listens could otherwise be connected to itself, and take the port from a server that restarts.
 */
const [FIRST_PORT, LAST_PORT] = [20_000, 32_000];

/** A server in a process of its own, on a data folder and a port that stay the same over restarts. */
export interface ServedServer {
  readonly url: string;
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** How long the last start took to the first answer, in milliseconds. */
  readonly startMs: number;
  /** Of the process; for its memory and open files. */
  readonly pid: number;
  /** Starts it again; it must have ended. @throws Error with what it wrote when it ends instead of serving */
  start(): Promise<void>;
  /** Starts it, and kills it after so many milliseconds if it has not begun to serve before. */
  startAndKill(afterMs: number): Promise<void>;
  /** SIGKILL: nothing of what it had in memory is saved. */
  kill(): Promise<void>;
  /** SIGTERM. @throws Error when it does not end cleanly */
  stop(): Promise<void>;
  /** SIGTERM, and SIGKILL so many milliseconds later where it has not ended by then. */
  stopAndKill(afterMs: number): Promise<void>;
  /** What it wrote in its present run, for messages. */
  wrote(): string;
}

/**
 * Starts `engram serve` on the folder, with registration open and no rate limits, on the stores that the test run
 * names (LMDB where it names none).
 *
 * @param more settings by their environment variables
 */
export async function serveFolder(
  folder: string,
  more: Readonly<Record<string, string>> = namedStores(),
): Promise<ServedServer> {
  const server = await serverFor(folder, more);
  await server.start();
  return server;
}

/** As `serveFolder`, but not started yet. */
export async function serverFor(
  folder: string,
  more: Readonly<Record<string, string>> = namedStores(),
): Promise<ServedServer> {
  const port = more['ENGRAM_LISTENERS__0__PORT'] ?? String(await freePort());
  const url = `http://127.0.0.1:${port}`;
  const env = {
    ENGRAM_DATA_DIR: folder,
    ENGRAM_LISTENERS__0__PORT: port,
    ENGRAM_REGISTRATION__ENABLED: 'true',
    ENGRAM_RATE_LIMITS__ENABLED: 'false',
    ENGRAM_LOGGING__LEVEL: 'warn',
    ...more,
  };
  let running: RunningProgram | undefined;
  let startMs = 0;

  const start = async () => {
    const began = performance.now();
    running = runProgram(['serve'], env);
    await greeting(running);
    const answer = await fetch(`${url}/_matrix/client/versions`);
    await answer.arrayBuffer();
    if (answer.status !== 200) throw new Error(`It answers ${answer.status}.\n${running.written.stderr}`);
    startMs = performance.now() - began;
  };
  const end = async (signal: NodeJS.Signals) => {
    const ending = running;
    running = undefined;
    ending?.child.kill(signal);
    const how = await ending?.ended;
    return { how, stderr: ending?.written.stderr ?? '' };
  };
  return {
    url,
    folder,
    environment: env,
    get startMs() {
      return startMs;
    },
    get pid() {
      return running?.child.pid ?? 0;
    },
    start,
    async startAndKill(afterMs) {
      const program = runProgram(['serve'], env);
      const timer = setTimeout(() => program.child.kill('SIGKILL'), afterMs);
      const serving = greeting(program).catch(() => undefined);
      await Promise.race([serving, program.ended]);
      clearTimeout(timer);
      program.child.kill('SIGKILL');
      const how = await program.ended;
      if (how !== 'SIGKILL')
        throw new Error(`It ended by itself with ${how ?? 'nothing'}.\n${program.written.stderr}`);
    },
    async kill() {
      const { how, stderr } = await end('SIGKILL');
      if (how !== undefined && how !== 'SIGKILL') {
        throw new Error(`It had ended by itself with ${how ?? 'nothing'}.\n${stderr}`);
      }
    },
    async stop() {
      const { how, stderr } = await end('SIGTERM');
      if (how !== undefined && how !== 0) throw new Error(`It ended with ${how ?? 'nothing'}.\n${stderr}`);
    },
    async stopAndKill(afterMs) {
      running?.child.kill('SIGTERM');
      const timer = setTimeout(() => running?.child.kill('SIGKILL'), afterMs);
      await running?.ended;
      clearTimeout(timer);
      running = undefined;
    },
    wrote: () => running?.written.stderr ?? '',
  };
}

/** Waits for the line that tells what it listens on. @throws Error when it ends before */
async function greeting({ child, written, ended }: RunningProgram): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', () => {
      if (written.stdout.includes('http://')) resolve();
    });
    void ended.then((how) => {
      reject(new Error(`The server ended with ${how ?? 'nothing'} instead of serving.\n${written.stderr}`));
    });
  });
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  while (true) {
    const port = randomInt(FIRST_PORT, LAST_PORT);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => {
      resolve(false);
    });
    probe.listen(port, '127.0.0.1', () => {
      probe.close(() => {
        resolve(true);
      });
    });
  });
}
