import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { temporaryFolder } from './folder.js';

/**
 * How to start a server of the tests' own: a command line for the shell, with `{folder}` for the folder of its
 * database and `{port}` for the port that it has to answer on, at 127.0.0.1 and without TLS. Further options of the
 * server may be put after it.
 */
export const EVENTSTOREDB_COMMAND = process.env['ENGRAM_TEST_EVENTSTOREDB_COMMAND'];

/** An EventStoreDB in a process of its own, which can be killed and started again. */
export interface EventStoreDbProcess {
  readonly url: string;
  readonly port: number;
  start(): void;
  /** SIGKILL; resolves when it is dead. */
  kill(): Promise<void>;
  /** Kills it, and removes its folder. */
  end(): Promise<void>;
}

export async function eventStoreDbProcess(command: string): Promise<EventStoreDbProcess> {
  const folder = temporaryFolder();
  const port = await freePort();
  let child: ChildProcess | undefined;
  const killGroup = (): void => {
    // The shell, and what it has started.
    if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      process.kill(-child.pid, 'SIGKILL');
    }
  };
  // A test that is interrupted leaves no server behind.
  process.once('exit', killGroup);
  const server: EventStoreDbProcess = {
    url: `esdb://127.0.0.1:${port}?tls=false`,
    port,
    start() {
      const line = command.replaceAll('{folder}', folder.path).replaceAll('{port}', String(port));
      child = spawn('/bin/sh', ['-c', `exec ${line}`], { detached: true, stdio: 'ignore' });
    },
    async kill() {
      const dead = new Promise((resolve) => child?.once('exit', resolve));
      killGroup();
      await dead;
    },
    async end() {
      await server.kill();
      process.off('exit', killGroup);
      folder.remove();
    },
  };
  return server;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
