// How many messages per second a server takes, every answer after its flush: `npm run bench`.
// The server is the built program with its embedded stores in a temporary folder, or with those that the environment
// names (ENGRAM_LOG__ADAPTER=eventstoredb ENGRAM_LOG__URL=...); the clients are this process.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const SECONDS = Number(process.env.BENCH_SECONDS ?? 5);

/** [what is measured, clients, rooms] */
const CASES = [
  ['1 client, 1 room', 1, 1],
  ['10 clients, 1 room', 10, 1],
  ['100 clients, 100 rooms', 100, 100],
];

/** What the environment says of stores. Each run has a log of its own there. */
const STORES = {
  ENGRAM_LOG__PREFIX: `bench-${Date.now()}`,
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => /^ENGRAM_(LOG|READ_MODELS)__/.test(name)),
  ),
};

async function startServer(folder) {
  const child = spawn(process.execPath, [MAIN, 'serve'], {
    env: {
      PATH: process.env.PATH,
      ENGRAM_DATA_DIR: folder,
      ENGRAM_REGISTRATION__ENABLED: 'true',
      ENGRAM_RATE_LIMITS__ENABLED: 'false',
      ENGRAM_LOGGING__LEVEL: 'warn',
      ENGRAM_LISTENERS__0__PORT: '0',
      ...STORES,
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
  return { child, url };
}

function client(pool) {
  let token;
  const call = async (method, path, body) => {
    const response = await pool.request({
      method,
      path: `/_matrix/client/v3${path}`,
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const answer = await response.body.json();
    if (response.statusCode !== 200) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
    return answer;
  };
  return {
    call,
    async register(name) {
      const auth = { type: 'm.login.dummy' };
      token = (await call('POST', '/register', { username: name, password: 'bench', auth })).access_token;
    },
  };
}

const percentile = (sorted, p) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))];

async function measure(pool, run, clients, rooms) {
  const people = await Promise.all(
    Array.from({ length: clients }, async (_, n) => {
      const person = client(pool);
      await person.register(`bench${run}x${n}`);
      return person;
    }),
  );
  const roomIds = [];
  for (let n = 0; n < rooms; n++) {
    roomIds.push((await people[n % clients].call('POST', '/createRoom', { preset: 'public_chat' })).room_id);
  }
  await Promise.all(
    people.map((person, n) => person.call('POST', `/join/${encodeURIComponent(roomIds[n % rooms])}`, {})),
  );
  const latencies = [];
  const end = performance.now() + SECONDS * 1000;
  const began = performance.now();
  await Promise.all(
    people.map(async (person, n) => {
      const path = `/rooms/${encodeURIComponent(roomIds[n % rooms])}/send/m.room.message/`;
      for (let count = 0; performance.now() < end; count++) {
        const start = performance.now();
        await person.call('PUT', `${path}${count}`, { msgtype: 'm.text', body: `Message number ${count}` });
        latencies.push(performance.now() - start);
      }
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  latencies.sort((a, b) => a - b);
  return {
    perSecond: Math.round(latencies.length / seconds),
    p50: percentile(latencies, 0.5).toFixed(2),
    p99: percentile(latencies, 0.99).toFixed(2),
  };
}

const folder = mkdtempSync(join(tmpdir(), 'engram-bench-'));
const { child, url } = await startServer(folder);
const pool = new Pool(url, { connections: 100, pipelining: 1 });
try {
  console.log(`Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model}), ${SECONDS} s each\n`);
  console.log('| case | sends/s | p50 ms | p99 ms |\n| --- | --- | --- | --- |');
  for (const [run, [name, clients, rooms]] of CASES.entries()) {
    const { perSecond, p50, p99 } = await measure(pool, run, clients, rooms);
    console.log(`| ${name} | ${perSecond} | ${p50} | ${p99} |`);
  }
} finally {
  await pool.close();
  child.kill('SIGTERM');
  await new Promise((resolve) => child.once('exit', resolve));
  rmSync(folder, { recursive: true, force: true });
}
