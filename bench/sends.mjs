// How many messages per second a server takes, every answer after its flush: `npm run bench`.
// The server is the built program with its embedded stores in a temporary folder, or with those that the environment
// names (ENGRAM_LOG__ADAPTER=eventstoredb ENGRAM_LOG__URL=...); the clients are this process.
import { cpus } from 'node:os';
import { Pool } from 'undici';
import { percentile, register, startServer } from './server.mjs';

const SECONDS = Number(process.env.BENCH_SECONDS ?? 5);

/** [what is measured, clients, rooms] */
const CASES = [
  ['1 client, 1 room', 1, 1],
  ['10 clients, 1 room', 10, 1],
  ['100 clients, 100 rooms', 100, 100],
];

async function measure(pool, run, clients, rooms) {
  const people = await Promise.all(
    Array.from({ length: clients }, (_, n) => register(pool, `bench${run}x${n}`)),
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

const { url, stop } = await startServer({ ENGRAM_RATE_LIMITS__ENABLED: 'false' });
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
  await stop();
}
