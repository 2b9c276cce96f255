// Anonymous memory (what is no page of a mapped file), and how long a start takes.
import { setTimeout as pause } from 'node:timers/promises';
import { eachOf, Person, registered } from '../http-client.mjs';
import { nextMessage, tell } from '../load.mjs';
import { below, atMost, lower, NotMeasured } from '../row.mjs';

const longLog = (bench) => bench.data('longLog', { records: bench.sized(1_000_000, 2000) });

/** Milliseconds until a server that has done something is at rest. */
const REST = 2000;

function known(megabytes) {
  if (megabytes === undefined) throw new NotMeasured('this system has no /proc/PID/status');
  return megabytes;
}

const rest = {
  name: 'memory-rest',
  what: 'anonymous memory at rest',
  figures: { MB: atMost(150) },
  async measure(bench) {
    const server = await bench.startServer();
    try {
      const person = await registered(server.url, 'somebody');
      await person.call('GET', '/sync');
      await pause(REST);
      person.close();
      return { MB: known(server.memory()) };
    } finally {
      await server.stop();
    }
  },
};

const long = {
  name: 'memory-long-log',
  what: 'anonymous memory with 1 million records in the log',
  data: true,
  figures: { MB: atMost(300), 'just started (MB)': lower() },
  async measure(bench) {
    const data = await longLog(bench);
    const server = await bench.startServer({}, data);
    try {
      const started = known(server.memory());
      await bench.load(import.meta.filename, 'lookAround', { url: server.url, data }).result;
      await pause(REST);
      return { MB: known(server.memory()), 'just started (MB)': started };
    } finally {
      await server.stop();
    }
  },
};

/** A client that starts, reads in all of its rooms and says something there. */
async function lookAround({ url, data }) {
  const person = new Person(url, data.person);
  const { rooms } = await person.call('GET', '/sync');
  const nonce = Date.now();
  for (const [n, roomId] of Object.keys(rooms.join).entries()) {
    const room = encodeURIComponent(roomId);
    await person.get200('GET', `/rooms/${room}/messages?dir=b&limit=100`);
    const content = { msgtype: 'm.text', body: 'Is anybody there?' };
    await person.get200('PUT', `/rooms/${room}/send/m.room.message/${nonce}-${n}`, content);
  }
  person.close();
}

const polls = {
  name: 'memory-polls',
  what: 'anonymous memory with 1,000 idle polls more',
  data: true,
  figures: { 'MB more': atMost(100) },
  async measure(bench) {
    const data = await bench.data('crowd', { people: bench.sized(1000, 20) });
    const server = await bench.startServer({}, data);
    try {
      const load = bench.load(import.meta.filename, 'poll', { url: server.url, accounts: data.accounts });
      await load.told();
      await pause(REST);
      const before = known(server.memory());
      load.tell('poll');
      await load.told();
      await pause(REST);
      const after = known(server.memory());
      load.tell('end');
      await load.result;
      return { 'MB more': after - before };
    } finally {
      await server.stop();
    }
  },
};

/** Everybody syncs once, as any client has; then all wait for news that do not come. */
async function poll({ url, accounts }) {
  const quiet = 'set_presence=offline&filter={"room":{"state":{"lazy_load_members":true}}}';
  const path = `/sync?${encodeURI(quiet)}`;
  const first = new Person(url, accounts[0]);
  const { next_batch: since } = await first.call('GET', path);
  first.close();
  await tell({ phase: 'synced' });
  await nextMessage();
  const people = accounts.map((account) => new Person(url, account));
  const waiting = [];
  await eachOf(people, 50, async (person) => {
    await person.call('GET', '/account/whoami');
    waiting.push(person.ask('GET', `${path}&since=${since}&timeout=300000`).catch(() => undefined));
  });
  await tell({ phase: 'waiting' });
  await nextMessage();
  for (const person of people) person.close();
}

const start = {
  name: 'start',
  what: 'start to first answer with 1 million records in the log',
  data: true,
  figures: { s: below(3), 'after kill -9 (s)': lower() },
  async measure(bench) {
    const data = await longLog(bench);
    const timed = async (signal) => {
      const began = performance.now();
      const server = await bench.startServer({}, data);
      const person = new Person(server.url, data.person);
      try {
        // Whose token it is stands in the read models.
        while ((await person.ask('GET', '/account/whoami')).status !== 200) await pause(10);
        return (performance.now() - began) / 1000;
      } finally {
        person.close();
        await server.stop(signal);
      }
    };
    const orderly = await timed('SIGKILL');
    return { s: orderly, 'after kill -9 (s)': await timed('SIGTERM') };
  },
};

export const rows = [rest, long, polls, start];

export const loads = { lookAround, poll };
