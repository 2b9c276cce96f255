import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { NotMeasured } from './row.mjs';

/**
 * Runs the built program to its end.
 *
 * @param options `oneCore`: bound to one processor
 * @returns seconds of the clock and what it wrote
 * @throws where it fails
 */
export async function runProgram(root, args, env, { oneCore = false } = {}) {
  if (oneCore) requireTaskset();
  const [command, before] = oneCore ? ['taskset', ['-c', '0', process.execPath]] : [process.execPath, []];
  const began = performance.now();
  const child = spawn(command, [...before, join(root, 'dist', 'main.js'), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const written = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].on('data', (chunk) => {
      written[name] += chunk;
    });
  }
  const code = await new Promise((resolve) => child.once('close', resolve));
  process.off('exit', kill);
  const seconds = (performance.now() - began) / 1000;
  if (code !== 0)
    throw new Error(`engram ${args.join(' ')} ended with ${code}: ${written.stdout}${written.stderr}`);
  return { seconds, ...written };
}

function requireTaskset() {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
  } catch {
    throw new NotMeasured('taskset, which binds a program to one core, is not here');
  }
}
