import { expect } from 'vitest';
import type { JsonValue } from '../../src/protocol/json.js';
import { matrixPath, type MatrixClient } from '../support/matrix-client.js';
import { until } from '../support/until.js';
import type { Follower } from './follower.js';
import { insist, type Gate } from './gate.js';
import type { Ledger, SentEvent } from './ledger.js';
import type { Rooms } from './load.js';
import { at, entriesAt, isClientEvent, listAt, pageBack, type ClientEvent } from './reading.js';

/** Acknowledged events that are asked for by their ID after each kill. */
const SAMPLES = 5;

export interface Checked {
  readonly gate: Gate;
  readonly ledger: Ledger;
  readonly rooms: Rooms;
  readonly clients: readonly MatrixClient[];
  readonly follower: Follower;
  /** Rooms that somebody made, and that were found to be whole: ID -> name. */
  readonly whole: Map<string, string>;
  /** What was read of each room; between whole checks only what came after it is read. */
  readonly timelines: Map<string, readonly ClientEvent[]>;
}

/** Holds the server to the ledger: every acknowledged thing is there, in order, once. `all`: rooms without news too. */
export async function checkEverything(checked: Checked, sinceTick: number, all: boolean): Promise<void> {
  const { ledger } = checked;
  if (all) {
    checked.whole.clear();
    checked.timelines.clear();
  }
  // First, since it waits for what still comes into the rooms.
  await checkValues(checked);
  const byRoom = new Map<string, SentEvent[]>();
  for (const event of ledger.events) {
    const events = byRoom.get(event.roomId);
    if (events === undefined) byRoom.set(event.roomId, [event]);
    else events.push(event);
  }
  for (const [roomId, events] of byRoom) {
    if (all || events.some(({ acknowledged }) => (acknowledged?.at ?? 0) > sinceTick)) {
      await checkRoom(checked, roomId, events);
    }
  }
  await checkSamples(checked);
  await checkReceipts(checked);
  await checkMadeRooms(checked);
}

async function checkRoom(checked: Checked, roomId: string, sent: readonly SentEvent[]): Promise<void> {
  const { rooms, follower } = checked;
  const timeline = await readRoom(checked, roomId);
  expect(timeline[0]?.type).toBe('m.room.create');
  const ids = timeline.map((event) => event.event_id);
  expect(new Set(ids).size).toBe(ids.length);

  checkPresence(timeline, sent);
  checkOrder(ids, sent);
  checkDisplayNames(timeline);
  if (roomId === rooms.hall) {
    expect(await follower.seenUntil(roomId, ids.at(-1) ?? '')).toEqual(ids);
  }
}

async function readRoom(
  { gate, ledger, rooms, clients, timelines }: Checked,
  roomId: string,
): Promise<readonly ClientEvent[]> {
  const reader = clients.find(({ userId }) => userId === readerOf(rooms, ledger, roomId));
  if (reader === undefined) throw new Error(`Nobody reads ${roomId}.`);
  const before = timelines.get(roomId) ?? [];
  const last = before.at(-1)?.event_id;
  const newer = await pageBack(gate, reader, roomId, undefined, (event) => event.event_id === last);
  const timeline = [...before, ...newer];
  timelines.set(roomId, timeline);
  return timeline;
}

function readerOf(rooms: Rooms, ledger: Ledger, roomId: string): string | undefined {
  if (roomId === rooms.hall) return rooms.host;
  const chamber = rooms.chambers.find((room) => room.roomId === roomId);
  return chamber?.members[0] ?? [...ledger.rooms.values()].find((room) => room.roomId === roomId)?.creator;
}

/** Everything acknowledged is there, everything that is there was sent, and the repeated did not become two. */
function checkPresence(timeline: readonly ClientEvent[], sent: readonly SentEvent[]): void {
  const byId = new Map(timeline.map((event) => [event.event_id, event]));
  const counts = new Map<JsonValue | undefined, number>();
  for (const event of timeline) {
    const mark = markOf(event);
    if (mark !== undefined) counts.set(mark, (counts.get(mark) ?? 0) + 1);
  }
  const redacted = new Set(sent.filter(({ kind }) => kind === 'redaction').map(({ mark }) => mark));
  const missing: string[] = [];
  const wrongCount: string[] = [];
  for (const { acknowledged, mark, kind, attempts, sender } of sent) {
    const event = acknowledged === undefined ? undefined : byId.get(acknowledged.eventId);
    if (event?.sender !== sender) missing.push(mark);
    else if (redacted.has(event.event_id)) expect(event.content).toEqual({});
    else {
      expect(markOf(event)).toBe(mark);
      const count = counts.get(mark) ?? 0;
      // Setting state has no transaction ID: what was repeated may be there as often as it was asked for.
      if (count < 1 || count > (kind === 'state' ? attempts : 1)) wrongCount.push(`${mark}: ${count}`);
    }
    counts.delete(mark);
  }
  expect(missing).toEqual([]);
  expect(wrongCount).toEqual([]);
  // Nothing is left over: an event that nobody sent, or that was written twice under another mark.
  expect([...counts.keys()]).toEqual([]);
}

/** What makes an event one of the ledger's. */
function markOf({ type, content }: ClientEvent): JsonValue | undefined {
  if (type === 'm.room.redaction') return content['redacts'];
  return ['m.room.message', 'crash.redacted', 'crash.state'].includes(type) ? content['body'] : undefined;
}

/** An event that was acknowledged before another was sent comes before it, whoever sent them. */
function checkOrder(ids: readonly string[], sent: readonly SentEvent[]): void {
  const byId = new Map(sent.map((event) => [event.acknowledged?.eventId, event]));
  let latestSent = 0;
  for (const id of ids) {
    const event = byId.get(id);
    if (event?.acknowledged === undefined) continue;
    expect(event.acknowledged.at, `${event.mark} is behind one that was sent later`).toBeGreaterThan(
      latestSent,
    );
    latestSent = Math.max(latestSent, event.sentAt);
  }
}

/** A new display name comes into each room once. */
function checkDisplayNames(timeline: readonly ClientEvent[]): void {
  const changes = timeline
    .filter(({ type, content }) => type === 'm.room.member' && content['membership'] === 'join')
    .map(({ content }) => content['displayname'])
    .filter((name) => typeof name === 'string' && name.startsWith('mark-'));
  expect(new Set(changes).size).toBe(changes.length);
}

async function checkSamples({ gate, ledger, rooms, clients }: Checked): Promise<void> {
  const inHall = ledger.events.filter(({ roomId }) => roomId === rooms.hall);
  const step = Math.max(1, Math.floor(inHall.length / SAMPLES));
  for (let index = inHall.length - 1; index >= 0; index -= step) {
    const { acknowledged, mark, kind } = inHall[index] ?? {};
    const client = clients[index % clients.length];
    if (acknowledged === undefined || kind !== 'message' || client === undefined) continue;
    const path = matrixPath`v3/rooms/${rooms.hall}/event/${acknowledged.eventId}`;
    const event = await insist(gate, client, 'GET', path);
    expect(isClientEvent(event) && [mark, undefined]).toContain(isClientEvent(event) && markOf(event));
  }
}

/** Account data, profiles, state and memberships are what was set last; the rooms follow the profiles. */
async function checkValues({ gate, ledger, rooms, clients }: Checked): Promise<void> {
  for (const { userId, path, content } of ledger.values.values()) {
    const client = clients.find((one) => one.userId === userId);
    if (client === undefined) throw new Error(`Nobody is ${userId}.`);
    expect(await insist(gate, client, 'GET', path), path).toMatchObject(content);
    const { displayname } = content;
    if (displayname === undefined) continue;
    const member = matrixPath`v3/rooms/${rooms.hall}/state/m.room.member/${userId}`;
    await until(async () => (await insist(gate, client, 'GET', member))['displayname'] === displayname);
  }
}

/** A user's receipt is at the newest event that they have acknowledged to have read. */
async function checkReceipts({ gate, ledger, rooms, clients, timelines }: Checked): Promise<void> {
  const [reader] = clients;
  if (reader === undefined) return;
  const filter = JSON.stringify({ room: { rooms: [rooms.hall], timeline: { limit: 1 } } });
  const sync = await insist(gate, reader, 'GET', 'v3/sync', { query: { filter, timeout: '0' } });
  const ephemeral = listAt(sync, 'rooms', 'join', rooms.hall, 'ephemeral', 'events');
  const posted = ephemeral.find((edu) => at(edu, 'type') === 'm.receipt');
  const order = (timelines.get(rooms.hall) ?? []).map((event) => event.event_id);
  for (const [userId, read] of ledger.receipts) {
    const newest = order.findLast((id) => read.has(id));
    const found = entriesAt(posted, 'content').filter(
      ([, types]) => at(types, 'm.read', userId) !== undefined,
    );
    expect(found.map(([id]) => id)).toEqual([newest]);
  }
}

/** A room is whole or not there; one whose making was never answered is there once at most. */
async function checkMadeRooms({ gate, ledger, rooms, clients, whole }: Checked): Promise<void> {
  const others = new Set([rooms.hall, rooms.lobby, ...rooms.chambers.map(({ roomId }) => roomId)]);
  const names: string[] = [];
  for (const client of clients) {
    const joined = listAt(await insist(gate, client, 'GET', 'v3/joined_rooms'), 'joined_rooms');
    for (const roomId of joined.map(String)) {
      if (others.has(roomId)) continue;
      const name = whole.get(roomId) ?? (await nameOfWholeRoom(gate, client, roomId));
      whole.set(roomId, name);
      names.push(name);
    }
  }
  expect(new Set(names).size).toBe(names.length);
  const made = [...ledger.rooms.keys()];
  expect(names).toEqual(expect.arrayContaining(made));
  expect(made.concat([...ledger.lostRooms])).toEqual(expect.arrayContaining(names));
}

async function nameOfWholeRoom(gate: Gate, client: MatrixClient, roomId: string): Promise<string> {
  const events = await insist(gate, client, 'GET', matrixPath`v3/rooms/${roomId}/state`);
  const found = Object.values(events).filter(isClientEvent);
  const state = new Map(found.map((event) => [event.type, event.content]));
  const name = at(state.get('m.room.name'), 'name');
  if (typeof name !== 'string') throw new Error(`${roomId} has no name.`);
  expect(state.get('crash.initial')).toEqual({ body: name });
  expect([...state.keys()]).toEqual(
    expect.arrayContaining(['m.room.create', 'm.room.member', 'm.room.power_levels', 'm.room.join_rules']),
  );
  return name;
}
