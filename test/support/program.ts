import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

/** The program as it is built: `npm test` builds before it tests. */
const MAIN = join(import.meta.dirname, '..', '..', 'dist', 'main.js');

/** How much of what it writes is kept for the message of a test that fails (characters). */
const KEPT = 20_000;

export interface RunningProgram {
  readonly child: ChildProcess;
  readonly written: { stdout: string; stderr: string };
  /** The exit code, or the signal that ended it; never rejects. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

/**
 * Runs `engram` with the arguments and only these variables (and PATH).
 *
 * @param as another user, which only root can; or what a shell is to say first, such as a limit
 */
export function runProgram(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  as: { readonly uid?: number; readonly first?: string } = {},
): RunningProgram {
  const { uid, first } = as;
  const [command, before] =
    first === undefined
      ? [process.execPath, []]
      : ['sh', ['-c', `${first}; exec "$0" "$@"`, process.execPath]];
  const child = spawn(command, [...before, MAIN, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const written = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    written.stdout = (written.stdout + chunk.toString()).slice(-KEPT);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    written.stderr = (written.stderr + chunk.toString()).slice(-KEPT);
  });
  // A test that is interrupted leaves no server behind.
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.on('close', (code, signal) => {
      process.off('exit', end);
      resolve(code ?? signal);
    });
  });
  return { child, written, ended };
}
