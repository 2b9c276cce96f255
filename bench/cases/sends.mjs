// Messages per second, every answer after its flush: in the embedded log, and in EventStoreDB where there is one.
import { eachOf, registered } from '../http-client.mjs';
import { tell } from '../load.mjs';
import { perEach } from '../process-figures.mjs';
import { atLeast, below, lower, NotMeasured } from '../row.mjs';
import { latencies } from '../statistics.mjs';

/**
 * Sends before what is measured, by so many people: the server's code is compiled when it has run some thousand times,
 * and until then takes several times as long. A single client would need a minute for it.
 */
const WARM_UP = { sends: 4000, people: 16, seconds: 15 };

const row = (name, what, clients, rooms, rate, p99, isRemote) => ({
  name,
  what,
  figures: {
    'sends/s': atLeast(rate),
    'p50 (ms)': lower(),
    'p99 (ms)': p99 === undefined ? lower() : below(p99),
    'server CPU (us/send)': lower(),
    'client CPU (us/send)': lower(),
  },
  async measure(bench) {
    const url = process.env.ENGRAM_BENCH_EVENTSTOREDB_URL;
    if (isRemote && url === undefined) throw new NotMeasured('no server named');
    const server = await bench.startServer(
      isRemote ? { ENGRAM_LOG__ADAPTER: 'eventstoredb', ENGRAM_LOG__URL: url } : {},
    );
    try {
      const load = bench.load(import.meta.filename, 'send', {
        url: server.url,
        clients,
        rooms,
        seconds: bench.seconds,
        warmUp: { ...WARM_UP, sends: bench.sized(WARM_UP.sends) },
      });
      await load.told();
      const before = server.cpu();
      await load.told();
      const after = server.cpu();
      const { sent, seconds, clientMicros, times } = await load.result;
      return {
        'sends/s': sent / seconds,
        ...latencies(times),
        'server CPU (us/send)': perEach(before, after, sent),
        'client CPU (us/send)': clientMicros / sent,
      };
    } finally {
      await server.stop();
    }
  },
});

export const rows = [
  row('sends-1', 'sends/s in one room, 1 client', 1, 1, 1200, undefined, false),
  row('sends-10', 'sends/s in one room, 10 clients', 10, 1, 4000, 10, false),
  row('sends-100', 'sends/s, 100 clients in 100 rooms', 100, 100, 6000, 40, false),
  row('sends-esdb-1', 'the same on EventStoreDB: 1 client', 1, 1, 600, undefined, true),
  row('sends-esdb-10', 'the same on EventStoreDB: 10 clients', 10, 1, 2000, undefined, true),
  row('sends-esdb-100', 'the same on EventStoreDB: 100 clients', 100, 100, 3500, undefined, true),
];

/** Everybody sends as soon as they are answered. Tells when what counts begins and ends. */
async function send({ url, clients, rooms, seconds, warmUp }) {
  const names = Array.from({ length: Math.max(clients, warmUp.people) }, (_, n) => `sender${n}`);
  const people = [];
  await eachOf(names, 8, async (name, n) => {
    people[n] = await registered(url, name);
  });
  // Who only warms up is in a room of their own: every member of a room costs something for each message.
  const placeOf = (n) => (n < clients ? n % rooms : rooms);
  const roomIds = [];
  await eachOf(Array(people.length > clients ? rooms + 1 : rooms).fill(), 8, async (_, n) => {
    roomIds[n] = (
      await people[n < rooms ? n : clients].call('POST', '/createRoom', { preset: 'public_chat' })
    ).room_id;
  });
  await eachOf(people, 8, (person, n) =>
    person.get200('POST', `/join/${encodeURIComponent(roomIds[placeOf(n)])}`, {}),
  );
  const transactions = { count: 0 };
  const sendWhile = async (some, goesOn, times) => {
    await Promise.all(
      some.map(async (person, n) => {
        const path = `/rooms/${encodeURIComponent(roomIds[placeOf(n)])}/send/m.room.message/`;
        while (goesOn()) {
          const began = performance.now();
          const nth = transactions.count++;
          await person.get200('PUT', `${path}${nth}`, { msgtype: 'm.text', body: `Message number ${nth}` });
          times.push(performance.now() - began);
        }
      }),
    );
  };
  const until = performance.now() + 1000 * warmUp.seconds;
  await sendWhile(people, () => transactions.count < warmUp.sends && performance.now() < until, []);
  await tell({ phase: 'begins' });
  const times = [];
  const { user, system } = process.cpuUsage();
  const began = performance.now();
  await sendWhile(people.slice(0, clients), () => performance.now() < began + 1000 * seconds, times);
  const lasted = (performance.now() - began) / 1000;
  const used = process.cpuUsage({ user, system });
  await tell({ phase: 'ends' });
  for (const person of people) person.close();
  return { sent: times.length, seconds: lasted, clientMicros: used.user + used.system, times };
}

export const loads = { send };
