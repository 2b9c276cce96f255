// What clients wait for: news by waiting syncs, initial syncs, and what a sync costs the server.
import { setTimeout as pause } from 'node:timers/promises';
import { eachOf, Person } from '../http-client.mjs';
import { tell } from '../load.mjs';
import { perEach } from '../process-figures.mjs';
import { below, higher, lower } from '../row.mjs';
import { latencies, median } from '../statistics.mjs';

const LAZY = encodeURIComponent(JSON.stringify({ room: { state: { lazy_load_members: true } } }));
/** Who syncs is not said to be online: what is measured is messages, not presence. */
const QUIET = `set_presence=offline&filter=${LAZY}`;

const rate = {
  name: 'sync-latency',
  what: "one's send to the answer of another's waiting sync, under 100 sends/s",
  figures: {
    'p50 (ms)': below(5),
    'p99 (ms)': below(25),
    'sends/s': higher(),
    'server CPU (us/send)': lower(),
  },
  async measure(bench) {
    const data = await bench.data('crowd', { people: 20 });
    const server = await bench.startServer({}, data);
    try {
      const { url } = server;
      const { accounts, roomId, seconds = Math.max(2, bench.seconds) } = data;
      const load = bench.load(import.meta.filename, 'sendToSync', { url, accounts, roomId, seconds });
      await load.told();
      const before = server.cpu();
      await load.told();
      const after = server.cpu();
      const times = await load.result;
      return {
        ...latencies(times),
        'sends/s': times.length / seconds,
        'server CPU (us/send)': perEach(before, after, times.length),
      };
    } finally {
      await server.stop();
    }
  },
};

/** Sends at a steady pace, whatever the answers do, and one who waits for them. */
async function sendToSync({ url, accounts, roomId, seconds }) {
  const [waiter, ...senders] = accounts.map((account) => new Person(url, account));
  const room = encodeURIComponent(roomId);
  const nonce = Date.now();
  const sentAt = [];
  const times = [];
  const total = Math.round(seconds * 100);
  const warmUp = 100;
  let { next_batch: since } = await waiter.call('GET', `/sync?${QUIET}`);
  const waiting = (async () => {
    while (times.filter(Number).length < total + warmUp) {
      const answer = await waiter.get200('GET', `/sync?${QUIET}&since=${since}&timeout=10000`);
      const now = performance.now();
      const text = answer.body.toString();
      since = /"next_batch":"([^"]+)"/.exec(text)[1];
      for (const [, number, nth] of text.matchAll(/"body":"Ping ([0-9]+) ([0-9]+)"/g)) {
        if (Number(number) === nonce) times[Number(nth)] ??= now - sentAt[Number(nth)];
      }
    }
  })();
  const idle = [...senders];
  const begin = performance.now();
  const under = [];
  for (let nth = 0; nth < total + warmUp; nth++) {
    await pause(Math.max(0, begin + nth * 10 - performance.now()));
    if (nth === warmUp) await tell({ phase: 'begins' });
    const sender = idle.shift() ?? new Person(url, accounts[1 + (nth % senders.length)]);
    sentAt[nth] = performance.now();
    const content = { msgtype: 'm.text', body: `Ping ${nonce} ${nth}` };
    const path = `/rooms/${room}/send/m.room.message/${nonce}-${nth}`;
    under.push(sender.get200('PUT', path, content).then(() => idle.push(sender)));
  }
  await Promise.all([...under, waiting]);
  await tell({ phase: 'ends' });
  for (const person of [waiter, ...idle]) person.close();
  return times.slice(warmUp);
}

const crowd = {
  name: 'sync-crowd',
  what: 'the same with 1,000 waiting syncs in the room: until all are answered',
  data: true,
  figures: { 'slowest (ms)': below(250), 'median (ms)': lower(), 'server CPU (ms/send)': lower() },
  async measure(bench) {
    const data = await bench.data('crowd', { people: bench.sized(1000, 20) });
    const server = await bench.startServer({}, data);
    try {
      const { accounts, roomId } = data;
      const load = bench.load(import.meta.filename, 'wakeAll', {
        url: server.url,
        accounts,
        roomId,
        rounds: 8,
      });
      await load.told();
      const before = server.cpu();
      await load.told();
      const after = server.cpu();
      const times = await load.result;
      return {
        'slowest (ms)': Math.max(...times),
        'median (ms)': median(times),
        'server CPU (ms/send)': perEach(before, after, 1000 * times.length),
      };
    } finally {
      await server.stop();
    }
  },
};

/** Everybody waits, one sends; each time until the last one has the message. */
async function wakeAll({ url, accounts, roomId, rounds }) {
  const sender = new Person(url, accounts[0]);
  const room = encodeURIComponent(roomId);
  const people = accounts.map((account) => new Person(url, account));
  const since = [];
  await eachOf(people, 8, async (person, n) => {
    since[n] = (await person.call('GET', `/sync?${QUIET}`)).next_batch;
  });
  const times = [];
  const nonce = Date.now();
  for (let round = -1; round < rounds; round++) {
    if (round === 0) await tell({ phase: 'begins' });
    const body = `Wake ${nonce} ${round}`;
    const waiting = people.map(async (person, n) => {
      for (;;) {
        const answer = await person.get200('GET', `/sync?${QUIET}&since=${since[n]}&timeout=60000`);
        const now = performance.now();
        const text = answer.body.toString();
        since[n] = /"next_batch":"([^"]+)"/.exec(text)[1];
        if (text.includes(body)) return now;
      }
    });
    // All have to be waiting before the send; whoever is not is answered at once, which is no slower.
    await pause(1000);
    const began = performance.now();
    await sender.get200('PUT', `/rooms/${room}/send/m.room.message/${nonce}-${round}`, {
      msgtype: 'm.text',
      body,
    });
    const last = Math.max(...(await Promise.all(waiting)));
    if (round >= 0) times.push(last - began);
  }
  await tell({ phase: 'ends' });
  for (const person of [...people, sender]) person.close();
  return times;
}

const initial = {
  name: 'sync-initial',
  what: 'initial sync, lazy members, account in 300 rooms of 300 members; 20 such at once',
  data: true,
  figures: {
    'one (ms)': below(300),
    '20 at once (ms)': below(3000),
    'the first after start (ms)': lower(),
    'server CPU (ms/sync)': lower(),
    'answer (kB)': lower(),
  },
  async measure(bench) {
    const sizes = { rooms: bench.sized(300, 5), members: bench.sized(300, 30), watchers: 20, messages: 20 };
    const data = await bench.data('fullRooms', sizes);
    const server = await bench.startServer({}, data);
    try {
      const load = bench.load(import.meta.filename, 'syncInitially', {
        url: server.url,
        people: data.people,
      });
      await load.told();
      const before = server.cpu();
      await load.told();
      const after = server.cpu();
      const { first, single, together, bytes } = await load.result;
      return {
        'one (ms)': median(single),
        '20 at once (ms)': together,
        'the first after start (ms)': first,
        'server CPU (ms/sync)': perEach(before, after, 1000 * data.people.length),
        'answer (kB)': bytes / 1000,
      };
    } finally {
      await server.stop();
    }
  },
};

async function syncInitially({ url, people }) {
  const clients = people.map((account) => new Person(url, account, { keepsBody: false }));
  const timed = async (person) => {
    const began = performance.now();
    const { bytes } = await person.get200('GET', `/sync?${QUIET}`);
    return { ms: performance.now() - began, bytes };
  };
  const { ms: first, bytes } = await timed(clients[0]);
  const single = [];
  for (const person of clients.slice(1, 10)) single.push((await timed(person)).ms);
  await tell({ phase: 'begins' });
  const began = performance.now();
  await Promise.all(clients.map(timed));
  const together = performance.now() - began;
  await tell({ phase: 'ends' });
  for (const person of clients) person.close();
  return { first, single, together, bytes };
}

const incremental = (name, what, goal, isNews) => ({
  name,
  what,
  data: true,
  figures: { 'server CPU (ms/sync)': below(goal), 'p50 (ms)': lower(), 'p99 (ms)': lower() },
  async measure(bench) {
    const data = await bench.data('manyRooms', { rooms: bench.sized(3000, 30) });
    const server = await bench.startServer({}, data);
    try {
      const load = bench.load(import.meta.filename, 'syncAgain', {
        ...{ url: server.url, account: data.account, other: data.other, roomIds: data.roomIds, isNews },
        count: Math.ceil(40 * bench.seconds),
      });
      const readings = [];
      for (let phase = 0; phase < 4; phase++) {
        await load.told();
        readings.push(server.cpu());
      }
      const times = await load.result;
      const [syncing, baseline] = [
        perEach(readings[0], readings[1], 1),
        perEach(readings[2], readings[3], 1),
      ];
      return {
        'server CPU (ms/sync)':
          syncing === undefined ? undefined : Math.max(0, syncing - baseline) / times.length / 1000,
        ...latencies(times),
      };
    } finally {
      await server.stop();
    }
  },
});

/** Syncs, each after a message where there is to be news; then the same messages without syncs, to be subtracted. */
async function syncAgain({ url, account, other, roomIds, isNews, count }) {
  const reader = new Person(url, account);
  const writer = new Person(url, other);
  const nonce = Date.now();
  let { next_batch: since } = await reader.call('GET', `/sync?${QUIET}`);
  let sent = 0;
  const send = async () => {
    if (!isNews) return;
    const room = encodeURIComponent(roomIds[(sent * 37) % roomIds.length]);
    const content = { msgtype: 'm.text', body: 'There is news' };
    await writer.get200('PUT', `/rooms/${room}/send/m.room.message/${nonce}-${sent++}`, content);
  };
  const sync = async () => {
    const began = performance.now();
    const answer = await reader.get200('GET', `/sync?${QUIET}&since=${since}&timeout=0`);
    const lasted = performance.now() - began;
    const text = answer.body.toString();
    since = /"next_batch":"([^"]+)"/.exec(text)[1];
    if (text.includes('There is news') !== isNews)
      throw new Error('A sync did not have what was sent, or more.');
    return lasted;
  };
  for (let n = 0; n < count / 4; n++) {
    await send();
    await sync();
  }
  await tell({ phase: 'begins' });
  const times = [];
  for (let n = 0; n < count; n++) {
    await send();
    times.push(await sync());
  }
  await tell({ phase: 'ends' });
  await tell({ phase: 'baseline begins' });
  for (let n = 0; n < count; n++) await send();
  await tell({ phase: 'baseline ends' });
  for (const person of [reader, writer]) person.close();
  return times;
}

export const rows = [
  rate,
  crowd,
  initial,
  incremental('sync-nothing', 'incremental sync with nothing new, account in 3,000 rooms', 2, false),
  incremental('sync-message', 'incremental sync with one message, account in 3,000 rooms', 5, true),
];

export const loads = { sendToSync, wakeAll, syncInitially, syncAgain };
