// A server for measurements: the built program with its embedded stores in a temporary folder.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { anonymousMegabytes, cpuMicros } from './process-figures.mjs';

export { percentile } from './statistics.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** What the environment says of stores. */
const STORES = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => /^ENGRAM_(LOG|READ_MODELS)__/.test(name)),
);

/** What the program is told for measurements. */
export function environmentFor(folder, environment = {}) {
  return {
    PATH: process.env.PATH,
    ENGRAM_DATA_DIR: folder,
    ENGRAM_REGISTRATION__ENABLED: 'true',
    ENGRAM_LOGGING__LEVEL: 'warn',
    ENGRAM_LISTENERS__0__PORT: '0',
    // On a server each data folder has a log of its own.
    ENGRAM_LOG__PREFIX: `bench-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`,
    ...STORES,
    ...environment,
  };
}

/**
 * Starts it; `stop` ends it and deletes its folder, unless that was given.
 *
 * @param place `folder` with data that are there already; `root` of another work tree that is built; `profiles`, a
 *   folder that a processor profile is written to in the end
 */
export async function startServer(environment = {}, { folder, root = ROOT, profiles } = {}) {
  const data = folder ?? mkdtempSync(join(tmpdir(), 'engram-bench-'));
  const options = profiles === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profiles];
  const child = spawn(process.execPath, [...options, join(root, 'dist', 'main.js'), 'serve'], {
    env: environmentFor(data, environment),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // A run that fails or is interrupted leaves no server behind.
  const kill = () => {
    child.kill('SIGKILL');
    if (folder === undefined) rmSync(data, { recursive: true, force: true });
  };
  process.once('exit', kill);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  let text = '';
  let said = '';
  child.stderr.on('data', (chunk) => {
    said = `${said}${chunk}`.slice(-10_000);
  });
  const url = await new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const found = /http:\/\/[^\s]+:[0-9]+/.exec(text)?.[0];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`The server ended with ${code}: ${said}`)));
  });
  return {
    url,
    folder: data,
    cpu: () => cpuMicros(child.pid),
    memory: () => anonymousMegabytes(child.pid),
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      const code = await ended;
      if (signal === 'SIGTERM' && code !== 0) throw new Error(`The server ended with ${code}: ${said}`);
      process.off('exit', kill);
      if (folder === undefined) rmSync(data, { recursive: true, force: true });
    },
  };
}

/** Somebody who asks over the pool; `call` gives the answer's body and fails where it is no success. */
export function client(pool, token) {
  const ask = async (method, path, body) => {
    const response = await pool.request({
      method,
      path: path.startsWith('/_') ? path : `/_matrix/client/v3${path}`,
      headers: {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return { status: response.statusCode, body: await response.body.json() };
  };
  const call = async (method, path, body) => {
    const answer = await ask(method, path, body);
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  return { ask, call, token };
}

/** A new account, signed in. */
export async function register(pool, name) {
  const wish = { username: name, password: 'bench', auth: { type: 'm.login.dummy' } };
  return client(pool, (await client(pool).call('POST', '/register', wish)).access_token);
}
