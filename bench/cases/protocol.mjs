// The protocol's own functions, in a process without a server: checking events, resolving states.
import { atLeast, below, lower } from '../row.mjs';
import { median, pseudoRandom } from '../statistics.mjs';
import { built, names } from '../data/writing.mjs';

const VERSION = '12';
const SERVER = 'localhost';

const checking = {
  name: 'check-event',
  what: 'checking an event (parse, hash, signature, auth), per core',
  figures: {
    'events/s': atLeast(10_000),
    'parse (us)': lower(),
    'hash (us)': lower(),
    'signature (us)': lower(),
    'auth rules (us)': lower(),
  },
  measure: ({ root, seconds, load }) => load(import.meta.filename, 'check', { root, seconds }).result,
};

/** A public room's first events and messages in it, signed by a server. */
async function signedRoom(root, count) {
  const { buildEvent } = await built(root, 'src/protocol/event-format.js');
  const { generateSigningKey } = await built(root, 'src/protocol/keys.js');
  const { roomVersion } = await built(root, 'src/protocol/room-versions.js');
  const { systemRandom } = await built(root, 'src/runtime/random.js');
  const version = roomVersion(VERSION);
  const key = generateSigningKey((length) => systemRandom.bytes(length));
  const sender = `@founder:${SERVER}`;
  const state = new Map();
  let previous;
  let roomId;
  const make = (type, content, stateKey, authKeys) => {
    const event = buildEvent(
      {
        type,
        sender,
        content,
        ...(roomId === undefined ? {} : { roomId }),
        ...(stateKey === undefined ? {} : { stateKey }),
        authEvents: authKeys.flatMap((each) => state.get(each)?.eventId ?? []),
        prevEvents: previous === undefined ? [] : [previous.eventId],
        depth: (previous?.depth ?? 0) + 1,
        originServerTs: Date.now(),
      },
      version,
      { serverName: SERVER, key },
    );
    roomId ??= event.roomId;
    if (stateKey !== undefined) state.set(`${type}\n${stateKey}`, event);
    previous = event;
    return event;
  };
  make('m.room.create', { room_version: VERSION }, '', []);
  make('m.room.member', { membership: 'join' }, sender, []);
  make('m.room.power_levels', { users: {} }, '', [`m.room.member\n${sender}`]);
  const grounds = ['m.room.power_levels\n', `m.room.member\n${sender}`];
  make('m.room.join_rules', { join_rule: 'public' }, '', grounds);
  const messages = Array.from({ length: count }, (_, n) =>
    make(
      'm.room.message',
      { msgtype: 'm.text', body: `Message number ${n}, as long as most are` },
      undefined,
      grounds,
    ),
  );
  return { version, key, state, messages };
}

async function check({ root, seconds }) {
  const { parseJsonObject } = await built(root, 'src/protocol/strict-json.js');
  const { parseEvent, checkContentHash } = await built(root, 'src/protocol/event-format.js');
  const { VerifyKey } = await built(root, 'src/protocol/keys.js');
  const { verifyEventSignature } = await built(root, 'src/protocol/signatures.js');
  const { authorise } = await built(root, 'src/protocol/auth-rules/index.js');
  const { version, key, state, messages } = await signedRoom(root, 1000);
  const keys = new Map([[key.id, VerifyKey.from(key.publicKey)]]);
  const texts = messages.map(({ pdu }) => Buffer.from(JSON.stringify(pdu)));
  const lookUp = { get: (type, stateKey) => state.get(`${type}\n${stateKey}`) };
  const steps = {
    'parse (us)': (n) =>
      parseEvent(parseJsonObject(texts[n], { strictNumbers: true }), version).eventId !== undefined,
    'hash (us)': (n) => checkContentHash(messages[n].pdu),
    'signature (us)': (n) => verifyEventSignature(messages[n].pdu, SERVER, keys, version),
    'auth rules (us)': (n) => authorise(messages[n], version, lookUp).allowed,
  };
  const whole = (n) => {
    const event = parseEvent(parseJsonObject(texts[n], { strictNumbers: true }), version);
    return (
      checkContentHash(event.pdu) &&
      verifyEventSignature(event.pdu, SERVER, keys, version) &&
      authorise(event, version, lookUp).allowed
    );
  };
  // Once through before, so that what is measured is compiled.
  const perSecond = (step, lasts) => {
    for (let n = 0; n < texts.length; n++) if (!step(n)) throw new Error('A good event was refused.');
    const began = performance.now();
    let done = 0;
    while (performance.now() - began < 1000 * lasts)
      for (let n = 0; n < 100; n++) step(done++ % texts.length);
    return (done * 1000) / (performance.now() - began);
  };
  const figures = { 'events/s': perSecond(whole, seconds) };
  for (const [name, step] of Object.entries(steps)) figures[name] = 1e6 / perSecond(step, seconds / 5);
  return figures;
}

const resolution = {
  name: 'state-resolution',
  what: 'state resolution: 20 sets of 28,000 keys, 50 in conflict',
  data: true,
  figures: { 'resolved (ms)': below(100), 'the first (ms)': lower(), 'finding conflicts (ms)': lower() },
  measure: (bench) =>
    bench.load(import.meta.filename, 'resolve', { root: bench.root, members: bench.sized(28_000, 100) })
      .result,
};

/** Events without hashes and signatures, which a resolution does not look at. */
function madeRoom(version, members) {
  const events = [];
  const event = (type, sender, stateKey, content, authEvents) => {
    const eventId = `$event${events.length}`;
    const roomId = '!room';
    const place = { depth: events.length, originServerTs: events.length, authEvents, prevEvents: [] };
    const pdu = { type, sender, content, room_id: roomId, auth_events: authEvents };
    events.push({ eventId, roomId, type, sender, stateKey, content, ...place, redacts: undefined, pdu });
    return events.at(-1);
  };
  const founder = '@founder:one';
  const create = event('m.room.create', founder, '', { room_version: version.id }, []);
  create.roomId = '!room';
  const entry = event('m.room.member', founder, founder, { membership: 'join' }, []);
  const levels = event('m.room.power_levels', founder, '', { users: {}, events: { note: 0 } }, [
    entry.eventId,
  ]);
  const grounds = [levels.eventId, entry.eventId];
  const rules = event('m.room.join_rules', founder, '', { join_rule: 'public' }, grounds);
  const base = [create, entry, levels, rules];
  const everybody = names('@user', members).map((name) => `${name}:many`);
  const joins = everybody.map((userId) =>
    event('m.room.member', userId, userId, { membership: 'join' }, [levels.eventId, rules.eventId]),
  );
  return { events, event, base: [...base, ...joins], levels, entry, founder, everybody, joins };
}

async function resolve({ root, members }) {
  const { stateKeyText } = await built(root, 'src/protocol/events.js');
  const { resolve: resolveStates, EventTable } = await built(root, 'src/protocol/state-resolution/index.js');
  const { roomVersion } = await built(root, 'src/protocol/room-versions.js');
  const { conflicts } = await built(root, 'src/room-state/diff.js');
  const { CachedNodes, MemoryNodeStore } = await built(root, 'src/room-state/nodes.js');
  const { EMPTY_ROOT, entries, lookup, update } = await built(root, 'src/room-state/trie.js');
  // Of room version 11: the create event is one of the auth events from 12 on without being named.
  const version = roomVersion('11');
  const { events, event, base, levels, entry, founder, everybody, joins } = madeRoom(version, members);
  for (const each of events.slice(1)) each.authEvents = [events[0].eventId, ...each.authEvents];
  const store = new MemoryNodeStore();
  const reader = new CachedNodes(store, 256 * 1_048_576);
  const changed = (from, changes) => {
    const { root: to, nodes } = update(reader, from, changes);
    store.put(nodes);
    return to;
  };
  const keyOf = ({ type, stateKey }) => stateKeyText(type, stateKey);
  const common = changed(EMPTY_ROOT, new Map(base.map((each) => [keyOf(each), each.eventId])));
  // 30 notes that people write over each other, 19 who come and go, and the power levels: 50 keys.
  const random = pseudoRandom(5);
  const sets = Array.from({ length: 20 }, () => new Map());
  const contest = (candidates) => {
    for (const set of sets) {
      const winner = candidates[Math.floor(random() * candidates.length)];
      if (winner !== undefined) set.set(keyOf(winner), winner.eventId);
    }
  };
  const grounds = (member) => [events[0].eventId, levels.eventId, member.eventId];
  for (let n = 0; n < 30; n++) {
    const writers = [n, n + 31, n + 62].map((index) => index % everybody.length);
    contest(writers.map((w) => event('note', everybody[w], `${n}`, { by: w }, grounds(joins[w]))));
  }
  for (let n = 0; n < 19; n++) {
    const leave = { membership: 'leave' };
    contest([undefined, event('m.room.member', everybody[n], everybody[n], leave, grounds(joins[n]))]);
  }
  const levelled = (level) =>
    event(
      'm.room.power_levels',
      founder,
      '',
      { users: { [founder]: 100, [everybody[0]]: level }, events: { note: 0 } },
      grounds(entry),
    );
  contest([undefined, levelled(10), levelled(20)]);
  const roots = sets.map((set) => changed(common, set));
  const table = new EventTable(events);
  const times = [];
  const finding = [];
  for (let round = 0; round < 12; round++) {
    const began = performance.now();
    const conflicted = new Map(conflicts(reader, roots).map(({ key, values }) => [key, values]));
    const found = performance.now();
    const result = resolveStates({
      version,
      events: table,
      graph: table,
      conflict: {
        setCount: roots.length,
        conflicted,
        unconflicted(type, stateKey) {
          const key = stateKeyText(type, stateKey);
          return conflicted.has(key) ? undefined : lookup(reader, roots[0], key);
        },
        *unconflictedIds() {
          for (const [key, id] of entries(reader, roots[0])) if (!conflicted.has(key)) yield id;
        },
      },
    });
    times.push(performance.now() - began);
    finding.push(found - began);
    if (conflicted.size !== 50 || result.size < 50)
      throw new Error(`${conflicted.size} keys are in conflict.`);
  }
  return {
    'resolved (ms)': median(times),
    'the first (ms)': times[0],
    'finding conflicts (ms)': median(finding),
  };
}

const chains = {
  name: 'auth-chain',
  what: 'auth-chain difference of near tips in 100,000 events',
  data: true,
  figures: { 'found (ms)': below(20), 'the first (ms)': lower() },
  measure: (bench) =>
    bench.load(import.meta.filename, 'difference', { root: bench.root, events: bench.sized(100_000, 1000) })
      .result,
};

/** A chain of so many events with two branches of fifty at its end, every event citing the create event as well. */
async function difference({ root, events }) {
  const path = 'src/protocol/state-resolution/auth-chain-difference.js';
  const { authChainDifference } = await built(root, path);
  const cited = new Map([['e0', []]]);
  for (let n = 1; n < events - 100; n++) cited.set(`e${n}`, ['e0', `e${n - 1}`]);
  const fork = `e${events - 101}`;
  for (const branch of ['a', 'b']) {
    for (let n = 0; n < 50; n++) cited.set(`${branch}${n}`, ['e0', n === 0 ? fork : `${branch}${n - 1}`]);
  }
  const orders = new Map([...cited.keys()].map((id, nth) => [id, nth]));
  const graph = { order: (id) => orders.get(id), authEvents: (id) => cited.get(id) };
  const times = Array.from({ length: 20 }, () => {
    const began = performance.now();
    const { size } = authChainDifference([['a49'], ['b49']], graph);
    if (size !== 98) throw new Error(`The difference has ${size} events.`);
    return performance.now() - began;
  });
  return { 'found (ms)': median(times), 'the first (ms)': times[0] };
}

export const rows = [checking, resolution, chains];

export const loads = { check, resolve, difference };
