// A room of 28,000 members and 100,000 events: its history, its members, somebody who joins, and what it takes.
import { eachOf, Person } from '../http-client.mjs';
import { tell } from '../load.mjs';
import { perEach } from '../process-figures.mjs';
import { atMost, below, lower, yes } from '../row.mjs';
import { latencies, median, pseudoRandom } from '../statistics.mjs';
import { bigRoom } from '../data/sizes.mjs';

/** What one of `loads` gives, with a server on the room; microseconds of processor time between its two messages. */
async function withServer(bench, name, args = {}) {
  const data = await bench.data('bigRoom', bigRoom(bench));
  const server = await bench.startServer({}, data);
  try {
    const load = bench.load(import.meta.filename, name, { url: server.url, data, ...args });
    await load.told();
    const before = server.cpu();
    await load.told();
    const after = server.cpu();
    return { result: await load.result, micros: perEach(before, after, 1), data };
  } finally {
    await server.stop();
  }
}

const page = {
  name: 'messages-page',
  what: 'a page of 100 of /messages anywhere in a room of 100,000 events',
  data: true,
  figures: { 'p99 (ms)': below(20), 'p50 (ms)': lower(), 'server CPU (ms/page)': lower() },
  async measure(bench) {
    const { result, micros } = await withServer(bench, 'turnPages', {
      count: Math.ceil(100 * bench.seconds),
    });
    return { ...latencies(result), 'server CPU (ms/page)': perEach(0, micros, 1000 * result.length) };
  },
};

/** Turns all pages once, to know the room's tokens; then what is measured: pages here and there, both ways. */
async function turnPages({ url, data, count }) {
  const reader = new Person(url, data.reader);
  const path = `/rooms/${encodeURIComponent(data.roomId)}/messages?limit=100`;
  const tokens = [];
  for (let from; ;) {
    const { end, chunk } = await reader.call(
      'GET',
      `${path}&dir=b${from === undefined ? '' : `&from=${from}`}`,
    );
    if (end === undefined || chunk.length === 0) break;
    tokens.push((from = end));
  }
  const random = pseudoRandom(3);
  await tell({ phase: 'begins' });
  const times = [];
  for (let n = 0; n < count; n++) {
    const from = tokens[Math.floor(random() * tokens.length)];
    const began = performance.now();
    await reader.get200('GET', `${path}&dir=${n % 2 === 0 ? 'b' : 'f'}&from=${from}`);
    times.push(performance.now() - began);
  }
  await tell({ phase: 'ends' });
  reader.close();
  return times;
}

const members = {
  name: 'members',
  what: 'members of a room of 28,000',
  data: true,
  figures: {
    streamed: yes(),
    'first byte (ms)': below(50),
    'the first after start (ms)': lower(),
    'last byte (ms)': lower(),
    'answer (MB)': lower(),
    'server CPU (ms)': lower(),
  },
  async measure(bench) {
    const { result, micros } = await withServer(bench, 'listMembers', { count: 5 });
    const { chunked, first, firstBytes, lastBytes, bytes } = result;
    return {
      streamed: chunked ? 1 : 0,
      'first byte (ms)': median(firstBytes),
      'the first after start (ms)': first,
      'last byte (ms)': median(lastBytes),
      'answer (MB)': bytes / 1e6,
      'server CPU (ms)': perEach(0, micros, 1000 * lastBytes.length),
    };
  },
};

async function listMembers({ url, data, count }) {
  const reader = new Person(url, data.reader, { keepsBody: false });
  const path = `/rooms/${encodeURIComponent(data.roomId)}/members`;
  await reader.get200('GET', path);
  const first = reader.firstByte;
  await tell({ phase: 'begins' });
  const firstBytes = [];
  const lastBytes = [];
  let answer;
  for (let n = 0; n < count; n++) {
    const began = performance.now();
    answer = await reader.get200('GET', path);
    lastBytes.push(performance.now() - began);
    firstBytes.push(reader.firstByte);
  }
  await tell({ phase: 'ends' });
  reader.close();
  return { chunked: answer.chunked, first, firstBytes, lastBytes, bytes: answer.bytes };
}

const join = {
  name: 'join',
  what: 'state change in a room of 28,000 members (a join)',
  data: true,
  figures: { 'p99 (ms)': below(10), 'p50 (ms)': lower(), 'server CPU (us/join)': lower() },
  async measure(bench) {
    const { result, micros } = await withServer(bench, 'joinOneByOne');
    return { ...latencies(result), 'server CPU (us/join)': perEach(0, micros, result.length) };
  },
};

/** Whoever has joined in an earlier round leaves first. */
async function joinOneByOne({ url, data }) {
  const room = encodeURIComponent(data.roomId);
  const people = data.joiners.map((account) => new Person(url, account));
  await eachOf(people, 8, (person) => person.ask('POST', `/rooms/${room}/leave`, {}));
  await tell({ phase: 'begins' });
  const times = [];
  for (const person of people) {
    const began = performance.now();
    await person.get200('POST', `/join/${room}`, {});
    times.push(performance.now() - began);
  }
  await tell({ phase: 'ends' });
  for (const person of people) person.close();
  return times;
}

const kept = {
  name: 'state-kept',
  what: "state kept per message / per state change in that room; data folder against the events' JSON",
  data: true,
  figures: {
    'per message (bytes)': atMost(0),
    'per state change (bytes)': atMost(2500),
    "data folder (times the events' JSON)": atMost(3),
    'log (times)': lower(),
    'read models (times)': lower(),
    'room state (times)': lower(),
    "events' JSON (bytes/event)": lower(),
  },
  async measure(bench) {
    const { data } = await withServer(bench, 'keepStill');
    const measured = () =>
      bench.load(new URL('../data/sizes.mjs', import.meta.url).href, 'stored', {
        root: bench.root,
        folder: data.folder,
      }).result;
    const before = await measured();
    const messages = (await withServer(bench, 'sayMuch', { count: 500 })).result;
    const between = await measured();
    const joins = (await withServer(bench, 'joinOneByOne')).result.length;
    const after = await measured();
    // As many leave, where they were in the room already, as join afterwards.
    const changes = after.stateEvents - between.stateEvents;
    const { log, readModels, roomState, whole, json, events } = after;
    return {
      'per message (bytes)': (between.nodeBytes - before.nodeBytes) / messages,
      'per state change (bytes)': (after.nodeBytes - between.nodeBytes) / Math.max(joins, changes),
      "data folder (times the events' JSON)": whole / json,
      'log (times)': log / json,
      'read models (times)': readModels / json,
      'room state (times)': roomState / json,
      "events' JSON (bytes/event)": json / events,
    };
  },
};

async function keepStill() {
  await tell({ phase: 'begins' });
  await tell({ phase: 'ends' });
}

async function sayMuch({ url, data, count }) {
  const founder = new Person(url, data.founder);
  const room = encodeURIComponent(data.roomId);
  const nonce = Date.now();
  await tell({ phase: 'begins' });
  for (let n = 0; n < count; n++) {
    const content = { msgtype: 'm.text', body: `Nothing of the state changes, ${n} times` };
    await founder.get200('PUT', `/rooms/${room}/send/m.room.message/${nonce}-${n}`, content);
  }
  await tell({ phase: 'ends' });
  founder.close();
  return count;
}

export const rows = [page, members, join, kept];

export const loads = { turnPages, listMembers, joinOneByOne, keepStill, sayMuch };
