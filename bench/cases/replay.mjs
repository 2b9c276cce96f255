// Reading the whole log again: all read models anew, every decision again; and how others fare meanwhile.
import { Person } from '../http-client.mjs';
import { nextMessage, tell } from '../load.mjs';
import { atLeast, atMost, higher, lower } from '../row.mjs';
import { latencies, percentile } from '../statistics.mjs';
import { bigRoom } from '../data/sizes.mjs';

const rebuild = {
  name: 'rebuild',
  what: 'rebuild of all read models, one core (and both)',
  data: true,
  figures: { 'records/s': atLeast(20_000), 'with all cores (records/s)': higher() },
  async measure(bench) {
    const data = await bench.data('bigRoom', bigRoom(bench));
    const rate = async (options) => {
      const { seconds, stdout } = await bench.program(['rebuild'], data, options);
      const [, records] = /from ([0-9,]+) record/.exec(stdout);
      return Number(records.replaceAll(',', '')) / seconds;
    };
    return { 'records/s': await rate({ oneCore: true }), 'with all cores (records/s)': await rate() };
  },
};

const verify = {
  name: 'verify',
  what: 'verify, one core (and both)',
  data: true,
  figures: { 'events/s': atLeast(8000), 'with all cores (events/s)': higher() },
  async measure(bench) {
    const data = await bench.data('bigRoom', bigRoom(bench));
    const rate = async (options) => {
      const { stdout } = await bench.program(['verify', '--json'], data, options);
      const { events, seconds, findings } = JSON.parse(stdout);
      if (findings > 0) throw new Error(`verify found ${findings} things wrong with the data.`);
      return events / seconds;
    };
    return { 'events/s': await rate({ oneCore: true }), 'with all cores (events/s)': await rate() };
  },
};

const online = {
  name: 'online-rebuild',
  what: 'serving during an online rebuild, against before',
  data: true,
  figures: {
    'p99 (times what it was)': atMost(2),
    'p99 before (ms)': lower(),
    'p99 during (ms)': lower(),
    'p50 before (ms)': lower(),
    'p50 during (ms)': lower(),
    'rebuild (s)': lower(),
  },
  async measure(bench) {
    const data = await bench.data('bigRoom', bigRoom(bench));
    const server = await bench.startServer({}, data);
    try {
      const { url } = server;
      const load = bench.load(import.meta.filename, 'use', { url, data, seconds: bench.seconds });
      await load.told();
      // What began before it is told counts as before.
      load.tell('rebuilding');
      const { seconds } = await bench.program(['rebuild'], data);
      load.tell('rebuilt');
      const { before, during } = await load.result;
      const [was, is] = [latencies(before), latencies(during)];
      return {
        'p99 (times what it was)': is['p99 (ms)'] / was['p99 (ms)'],
        'p99 before (ms)': was['p99 (ms)'],
        'p99 during (ms)': is['p99 (ms)'],
        'p50 before (ms)': was['p50 (ms)'],
        'p50 during (ms)': is['p50 (ms)'],
        'rebuild (s)': seconds,
        note: `slowest ${Math.round(
          percentile(
            [...during].sort((a, b) => a - b),
            1,
          ),
        )} ms`,
      };
    } finally {
      await server.stop();
    }
  },
};

/** Twenty people who send, read and sync four times a second each: some 80 requests a second. */
async function use({ url, data, seconds }) {
  const people = data.speakers.map((account) => new Person(url, account));
  const room = encodeURIComponent(data.roomId);
  const nonce = Date.now();
  let times = [];
  let ended = false;
  const all = people.map(async (person, n) => {
    let { next_batch: since } = await person.call(
      'GET',
      `/sync?filter=${encodeURIComponent('{"room":{"state":{"lazy_load_members":true}}}')}`,
    );
    for (let turn = 0; !ended; turn++) {
      await new Promise((resolve) => setTimeout(resolve, turn === 0 ? 12 * n : 250));
      const began = performance.now();
      const into = times;
      if (turn % 3 === 0) {
        const content = { msgtype: 'm.text', body: `Said in turn ${turn}` };
        await person.get200('PUT', `/rooms/${room}/send/m.room.message/${nonce}-${turn}`, content);
      } else if (turn % 3 === 1) await person.get200('GET', `/rooms/${room}/messages?dir=b&limit=20`);
      else since = (await person.call('GET', `/sync?since=${since}&timeout=0`)).next_batch;
      into.push(performance.now() - began);
    }
  });
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const before = (times = []);
  await new Promise((resolve) => setTimeout(resolve, 1000 * Math.max(2, seconds)));
  await tell({ phase: 'before is known' });
  await nextMessage();
  const during = (times = []);
  await nextMessage();
  ended = true;
  await Promise.all(all);
  for (const person of people) person.close();
  return { before, during };
}

export const rows = [rebuild, verify, online];

export const loads = { use };
