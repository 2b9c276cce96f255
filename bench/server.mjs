// A server for measurements: the built program with its embedded stores in a temporary folder.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** What the environment says of stores. Each run has a log of its own there. */
const STORES = {
  ENGRAM_LOG__PREFIX: `bench-${Date.now()}`,
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => /^ENGRAM_(LOG|READ_MODELS)__/.test(name)),
  ),
};

/** Starts it; `stop` ends it and deletes its folder. */
export async function startServer(environment = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'engram-bench-'));
  const child = spawn(process.execPath, [MAIN, 'serve'], {
    env: {
      PATH: process.env.PATH,
      ENGRAM_DATA_DIR: folder,
      ENGRAM_REGISTRATION__ENABLED: 'true',
      ENGRAM_LOGGING__LEVEL: 'warn',
      ENGRAM_LISTENERS__0__PORT: '0',
      ...STORES,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  const url = await new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const found = /http:\/\/[^\s]+:[0-9]+/.exec(text)?.[0];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`The server ended with ${code}.`)));
  });
  return {
    url,
    async stop() {
      child.kill('SIGTERM');
      await new Promise((resolve) => child.once('exit', resolve));
      rmSync(folder, { recursive: true, force: true });
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

export const percentile = (sorted, p) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))];
