import { runProgram, type RunningProgram } from './program.js';
import { freePort } from './served-server.js';

/** One of several processes of a server, on a port that stays the same over restarts. */
export interface RoleProcess {
  readonly url: string;
  start(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGTERM. @throws Error when it does not end cleanly */
  stop(): Promise<void>;
  /** What it has logged in its present run. */
  wrote(): string;
}

/** Starts `engram serve --roles ...`. */
export async function serveRoles(
  roles: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<RoleProcess> {
  const port = await freePort();
  const env = { ...environment, ENGRAM_LISTENERS__0__PORT: String(port) };
  let running: RunningProgram | undefined;
  const start = async (): Promise<void> => {
    const program = runProgram(['serve', '--roles', roles.join(',')], env);
    running = program;
    await new Promise<void>((resolve, reject) => {
      program.child.stdout?.on('data', () => {
        if (program.written.stdout.includes('Engram serves')) resolve();
      });
      void program.ended.then((how) => {
        reject(new Error(`It ended with ${how ?? 'nothing'} instead of serving.\n${program.written.stderr}`));
      });
    });
  };
  const end = async (signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null | undefined> => {
    const ending = running;
    running = undefined;
    ending?.child.kill(signal);
    return ending?.ended;
  };
  await start();
  return {
    url: `http://127.0.0.1:${port}`,
    start,
    async kill() {
      await end('SIGKILL');
    },
    async stop() {
      const stderr = running?.written.stderr ?? '';
      const how = await end('SIGTERM');
      if (how !== undefined && how !== 0) throw new Error(`It ended with ${how ?? 'nothing'}.\n${stderr}`);
    },
    wrote: () => running?.written.stderr ?? '',
  };
}
