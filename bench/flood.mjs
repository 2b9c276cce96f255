// What others notice of one client that floods the server: `npm run bench:flood`.
// Ordinary users send and sync; their latencies are measured without and with a flood, whose client is a process of
// its own. The server has its default limits, but for those on making the users.
import { fork } from 'node:child_process';
import { constants, cpus, setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, Pool, request } from 'undici';
import { percentile, register, startServer } from './server.mjs';

/** How long is measured each time. */
const SECONDS = Number(process.env.BENCH_SECONDS ?? 5);
/** How often, without a flood and with it by turns, so that what else the machine does meets both alike: medians count. */
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);
const PEOPLE = 20;
/** Milliseconds between the sends of one of them. */
const PAUSE = 250;

/** What the flooding client asks for again and again, over so many connections. */
const FLOODS = {
  'sends, 200 connections': {
    connections: 200,
    ask: (n, roomId) => ['PUT', `/rooms/${roomId}/send/m.room.message/f${n}`, { body: 'x' }],
  },
  'histories, 200 connections': {
    connections: 200,
    ask: (_n, roomId) => ['GET', `/rooms/${roomId}/messages?dir=b&limit=100`],
  },
  'initial syncs, 200 connections': { connections: 200, ask: () => ['GET', '/sync'] },
  'polls, 2000 connections': {
    connections: 2000,
    ask: (_n, _roomId, since) => ['GET', `/sync?since=${since}&timeout=30000`],
  },
  'bodies of 1 MB, 100 connections': {
    connections: 100,
    ask: (n, roomId) => [
      'PUT',
      `/rooms/${roomId}/send/m.room.message/g${n}`,
      { body: 'x'.repeat(1_000_000) },
    ],
  },
  'passwords, 200 connections': {
    connections: 200,
    anonymous: true,
    ask: (n) => [
      'POST',
      '/login',
      {
        type: 'm.login.password',
        identifier: { type: 'm.id.user', user: 'person0' },
        password: `guess ${n}`,
      },
    ],
  },
  'nothing, without a token, 500 connections': {
    connections: 500,
    anonymous: true,
    ask: () => ['GET', '/_matrix/client/versions'],
  },
};

async function flood({ url, name, token, roomId, since }) {
  // Floods come from elsewhere: ours must not take the processor from those who are measured.
  setPriority(constants.priority.PRIORITY_LOW);
  const { connections, anonymous, ask } = FLOODS[name];
  const dispatcher = new Agent({ connections, pipelining: 1 });
  let n = 0;
  const counts = {};
  process.on('message', () => process.send({ counts }, () => process.exit(0)));
  await Promise.all(
    Array.from({ length: connections }, async () => {
      for (;;) {
        const [method, path, body] = ask(n++, encodeURIComponent(roomId), since);
        try {
          const answer = await request(url + (path.startsWith('/_') ? path : `/_matrix/client/v3${path}`), {
            method,
            dispatcher,
            headers: anonymous ? {} : { authorization: `Bearer ${token}` },
            body: body === undefined ? undefined : JSON.stringify(body),
          });
          await answer.body.dump();
          counts[answer.statusCode] = (counts[answer.statusCode] ?? 0) + 1;
        } catch {
          counts.broken = (counts.broken ?? 0) + 1;
        }
      }
    }),
  );
}

let transactions = 0;

/** Latencies of the ordinary users' sends in milliseconds, sorted. */
async function measure(people) {
  const latencies = [];
  const end = performance.now() + SECONDS * 1000;
  await Promise.all(
    people.map(async ({ call, roomId }, nth) => {
      await sleep((PAUSE / people.length) * nth);
      while (performance.now() < end) {
        const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${++transactions}`;
        const start = performance.now();
        await call('PUT', path, { msgtype: 'm.text', body: 'Good morning' });
        latencies.push(performance.now() - start);
        await sleep(PAUSE);
      }
    }),
  );
  return latencies.sort((a, b) => a - b);
}

/** Latencies without the flood, and with it, and how often it was answered what. */
async function compare(people, flow) {
  const before = await measure(people);
  const child = fork(import.meta.filename, ['flood', JSON.stringify(flow)]);
  await sleep(1000);
  const during = await measure(people);
  const told = new Promise((resolve) => child.once('message', resolve));
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.send('stop');
  const { counts } = await told;
  await ended;
  // Its connections end, and what of it waited has its turn.
  await sleep(1000);
  return { before, during, counts };
}

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

async function syncForEver({ call }, signal) {
  let { next_batch: since } = await call('GET', '/sync');
  while (!signal.aborted) since = (await call('GET', `/sync?since=${since}&timeout=2000`)).next_batch;
}

async function bench() {
  const rate = '{ per_second: 1000, burst: 1000 }';
  const { url, stop } = await startServer({
    ENGRAM_RATE_LIMITS__REGISTRATION: rate,
    ENGRAM_RATE_LIMITS__ANONYMOUS: '{ per_second: 50, burst: 500 }',
  });
  const pool = new Pool(url, { connections: 4 * PEOPLE, pipelining: 1 });
  const ending = new AbortController();
  try {
    const people = [];
    for (let n = 0; n < PEOPLE; n++) people.push(await register(pool, `person${n}`));
    // Two in a room, and one room in which everybody is.
    const shared = (await people[0].call('POST', '/createRoom', { preset: 'public_chat' })).room_id;
    for (const [n, person] of people.entries()) {
      person.roomId = shared;
      if (n > 0) await person.call('POST', `/join/${encodeURIComponent(shared)}`, {});
    }
    for (let n = 0; n + 1 < PEOPLE; n += 2) {
      const own = (await people[n].call('POST', '/createRoom', { preset: 'public_chat' })).room_id;
      await people[n + 1].call('POST', `/join/${encodeURIComponent(own)}`, {});
      if (n % 4 === 0) people[n].roomId = people[n + 1].roomId = own;
    }
    const syncs = people.map((person) => syncForEver(person, ending.signal));
    console.log(
      `Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model}), ${ROUNDS} times ${SECONDS} s each, ${PEOPLE} people\n`,
    );
    console.log('| flood | p50 ms | p99 ms | p99 before | times | answers to the flood |');
    console.log('| --- | --- | --- | --- | --- | --- |');
    await measure(people);
    const wanted = process.argv[2];
    for (const name of Object.keys(FLOODS)) {
      if (wanted !== undefined && !name.includes(wanted)) continue;
      const flooder = await register(pool, `flooder${Object.keys(FLOODS).indexOf(name)}`);
      await flooder.call('POST', `/join/${encodeURIComponent(shared)}`, {});
      const { next_batch: since } = await flooder.call('GET', '/sync');
      const flow = { url, name, token: flooder.token, roomId: shared, since };
      const rounds = [];
      for (let round = 0; round < ROUNDS; round++) rounds.push(await compare(people, flow));
      const p50 = median(rounds.map(({ during }) => percentile(during, 0.5)));
      const p99 = median(rounds.map(({ during }) => percentile(during, 0.99)));
      const before = median(rounds.map((round) => percentile(round.before, 0.99)));
      const answers =
        [...new Set(rounds.flatMap(({ counts }) => Object.keys(counts)))]
          .map((status) => `${sum(rounds.map(({ counts }) => counts[status] ?? 0))} × ${status}`)
          .join(', ') || 'none';
      console.log(
        `| ${name} | ${p50.toFixed(1)} | ${p99.toFixed(1)} | ${before.toFixed(1)} | ${(p99 / before).toFixed(1)} | ${answers} |`,
      );
    }
    ending.abort();
    await Promise.all(syncs);
  } finally {
    await pool.close();
    await stop();
  }
}

if (process.argv[2] === 'flood') await flood(JSON.parse(process.argv[3]));
else await bench();
