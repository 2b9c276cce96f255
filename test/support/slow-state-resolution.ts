import { createHash } from 'node:crypto';
import { stateKeyText, type RoomEvent } from '../../src/protocol/events.js';
import { powerLevels, userLevel } from '../../src/protocol/power-levels.js';
import type { RoomVersion } from '../../src/protocol/room-versions.js';
import type { Authorise } from '../../src/protocol/state-resolution/index.js';

/**
 * State resolution written straight from the text of the specification (Room Version 1, 2 and 12, State
 * resolution), with whole sets and whole auth chains and no thought of cost: what the fast one is measured by.
 */
export interface SlowRoom {
  readonly version: RoomVersion;
  readonly events: ReadonlyMap<string, RoomEvent>;
  readonly rejected: ReadonlySet<string>;
  readonly authorise: Authorise;
}

type StateMap = ReadonlyMap<string, string>;
type EventSet = ReadonlySet<RoomEvent>;

export function slowResolve(room: SlowRoom, sets: readonly StateMap[]): Map<string, string> {
  return room.version.stateResolution === 'v1' ? slowV1(room, sets) : slowV2(room, sets);
}

// ---- Vocabulary --------------------------------------------------------------------------------------------

function theEvent(room: SlowRoom, id: string): RoomEvent {
  const event = room.events.get(id);
  if (event === undefined) throw new Error(`The test room has no event ${id}`);
  return event;
}

function keyOf(event: RoomEvent): string {
  return stateKeyText(event.type, event.stateKey ?? '');
}

function authEventsOf(room: SlowRoom, event: RoomEvent): RoomEvent[] {
  return event.authEvents.map((id) => theEvent(room, id));
}

/** "The set containing all of E's auth events, all of their auth events, and so on recursively." */
function authChain(room: SlowRoom, event: RoomEvent, chain = new Set<RoomEvent>()): Set<RoomEvent> {
  for (const auth of authEventsOf(room, event)) {
    if (!chain.has(auth)) {
      chain.add(auth);
      authChain(room, auth, chain);
    }
  }
  return chain;
}

function union<T>(sets: readonly ReadonlySet<T>[]): Set<T> {
  return new Set(sets.flatMap((set) => [...set]));
}

function intersection<T>(sets: readonly ReadonlySet<T>[]): Set<T> {
  return new Set([...union(sets)].filter((item) => sets.every((set) => set.has(item))));
}

function minus<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): Set<T> {
  return new Set([...a].filter((item) => !b.has(item)));
}

function idLess(x: RoomEvent, y: RoomEvent): boolean {
  return Buffer.compare(Buffer.from(x.eventId), Buffer.from(y.eventId)) < 0;
}

/** The create event that version 12's room IDs imply. */
function impliedCreate(room: SlowRoom, event: RoomEvent): RoomEvent[] {
  const implied = !room.version.auth.createInAuthEvents && event.type !== 'm.room.create';
  return implied ? [theEvent(room, event.roomId.replace('!', '$'))] : [];
}

function findByKey(events: readonly RoomEvent[], type: string, stateKey: string): RoomEvent | undefined {
  return events.find((event) => event.type === type && event.stateKey === stateKey);
}

// ---- Versions 2 to 12 --------------------------------------------------------------------------------------

function slowV2(room: SlowRoom, sets: readonly StateMap[]): Map<string, string> {
  const v21 = room.version.stateResolution === 'v2.1';
  const keys = union(sets.map((set) => new Set(set.keys())));

  const unconflicted = new Map<string, string>();
  const conflictedStateSet = new Set<RoomEvent>();
  for (const key of keys) {
    const values = sets.map((set) => set.get(key));
    const [value] = values;
    if (value !== undefined && values.every((other) => other === value)) unconflicted.set(key, value);
    else for (const id of values) if (id !== undefined) conflictedStateSet.add(theEvent(room, id));
  }

  const chains = sets.map((set) => union([...set.values()].map((id) => authChain(room, theEvent(room, id)))));
  const authDifference = minus(union(chains), intersection(chains));

  const subgraph = v21 ? conflictedStateSubgraph(room, conflictedStateSet) : new Set<RoomEvent>();
  const fullConflictedSet = union([conflictedStateSet, authDifference, subgraph]);

  // Step 1
  const powerEvents = [...fullConflictedSet].filter(isPowerEvent);
  const inTheirChains = union(powerEvents.map((event) => authChain(room, event)));
  const x = union([new Set(powerEvents), intersection([inTheirChains, fullConflictedSet])]);
  // Step 2
  const start = v21 ? new Map<string, string>() : unconflicted;
  const partial = iterativeAuthChecks(room, start, reverseTopologicalPowerOrdering(room, x));
  // Step 3
  const remaining = minus(fullConflictedSet, x);
  const levels = partial.get(stateKeyText('m.room.power_levels', ''));
  const p = levels === undefined ? undefined : theEvent(room, levels);
  // Step 4
  const result = iterativeAuthChecks(room, partial, mainlineOrdering(room, p, remaining));
  // Step 5
  for (const [key, id] of unconflicted) result.set(key, id);
  return result;
}

function isPowerEvent(event: RoomEvent): boolean {
  switch (event.type) {
    case 'm.room.power_levels':
    case 'm.room.join_rules':
      return true;
    case 'm.room.member': {
      const membership = event.content['membership'];
      return (membership === 'leave' || membership === 'ban') && event.sender !== event.stateKey;
    }
    default:
      return false;
  }
}

/** All that lies on a path of auth_events between two conflicted events, these included. */
function conflictedStateSubgraph(room: SlowRoom, conflicted: EventSet): Set<RoomEvent> {
  const chains = new Map([...conflicted].map((event) => [event, authChain(room, event)]));
  const subgraph = new Set<RoomEvent>();
  for (const [from, below] of chains) {
    for (const to of conflicted) {
      if (!below.has(to)) continue;
      subgraph.add(from).add(to);
      for (const between of below) if (authChain(room, between).has(to)) subgraph.add(between);
    }
  }
  return subgraph;
}

function senderPower(room: SlowRoom, event: RoomEvent): number {
  const auth = [...authEventsOf(room, event), ...impliedCreate(room, event)];
  const levels = findByKey(auth, 'm.room.power_levels', '');
  const create = findByKey(auth, 'm.room.create', '');
  return userLevel(powerLevels(levels, create, room.version), event.sender);
}

function reverseTopologicalPowerOrdering(room: SlowRoom, set: EventSet): RoomEvent[] {
  const less = (x: RoomEvent, y: RoomEvent): boolean => {
    const [powerX, powerY] = [senderPower(room, x), senderPower(room, y)];
    if (powerX !== powerY) return powerX > powerY;
    if (x.originServerTs !== y.originServerTs) return x.originServerTs < y.originServerTs;
    return idLess(x, y);
  };
  const sorted: RoomEvent[] = [];
  const left = new Set(set);
  while (left.size > 0) {
    const free = [...left].filter((event) => intersection([authChain(room, event), left]).size === 0);
    const smallest = free.reduce((best, event) => (less(event, best) ? event : best));
    sorted.push(smallest);
    left.delete(smallest);
  }
  return sorted;
}

/** e_1, e_2, ...: the power level events that one comes to from e, without e. */
function powerLevelsBefore(room: SlowRoom, event: RoomEvent): RoomEvent[] {
  const next = findByKey(authEventsOf(room, event), 'm.room.power_levels', '');
  return next === undefined ? [] : [next, ...powerLevelsBefore(room, next)];
}

function mainlineOrdering(room: SlowRoom, p: RoomEvent | undefined, set: EventSet): RoomEvent[] {
  const mainline = p === undefined ? [] : [p, ...powerLevelsBefore(room, p)];
  const position = (event: RoomEvent): number => {
    const first = powerLevelsBefore(room, event).find((level) => mainline.includes(level));
    return first === undefined ? Infinity : mainline.indexOf(first);
  };
  return [...set].sort((x, y) => {
    if (position(x) !== position(y)) return position(x) > position(y) ? -1 : 1;
    if (x.originServerTs !== y.originServerTs) return x.originServerTs - y.originServerTs;
    return idLess(x, y) ? -1 : 1;
  });
}

function iterativeAuthChecks(
  room: SlowRoom,
  initial: StateMap,
  sorted: readonly RoomEvent[],
): Map<string, string> {
  const usable = (event: RoomEvent): boolean => !room.rejected.has(event.eventId);
  const state = new Map(initial);
  for (const event of sorted.filter(usable)) {
    const auth = [...authEventsOf(room, event), ...impliedCreate(room, event)].filter(usable);
    const verdict = room.authorise(event, room.version, {
      get: (type, stateKey) => {
        const id = state.get(stateKeyText(type, stateKey));
        const present = id === undefined ? undefined : theEvent(room, id);
        return present !== undefined && usable(present) ? present : findByKey(auth, type, stateKey);
      },
    });
    if (verdict.allowed) state.set(keyOf(event), event.eventId);
  }
  return state;
}

// ---- Version 1 ---------------------------------------------------------------------------------------------

function slowV1(room: SlowRoom, sets: readonly StateMap[]): Map<string, string> {
  const r = new Map<string, string>();
  const conflicts = new Map<string, RoomEvent[]>();
  for (const key of union(sets.map((set) => new Set(set.keys())))) {
    const ids = new Set(sets.flatMap((set) => set.get(key) ?? []));
    const events = [...ids]
      .map((id) => theEvent(room, id))
      .filter(({ eventId }) => !room.rejected.has(eventId));
    if (events.length > 1) conflicts.set(key, events);
    else for (const { eventId } of events) r.set(key, eventId);
  }

  const sha1 = (event: RoomEvent): string => createHash('sha1').update(event.eventId).digest('hex');
  const allowed = (event: RoomEvent, state: StateMap): boolean =>
    room.authorise(event, room.version, {
      get: (type, stateKey) => {
        const id = state.get(stateKeyText(type, stateKey));
        return id === undefined ? undefined : theEvent(room, id);
      },
    }).allowed;

  for (const type of ['m.room.power_levels', 'm.room.join_rules', 'm.room.member']) {
    const before = new Map(r);
    for (const [key, events] of conflicts) {
      if (events[0]?.type !== type) continue;
      const list = events.toSorted((x, y) =>
        x.depth !== y.depth ? x.depth - y.depth : sha1(x) < sha1(y) ? 1 : -1,
      );
      const own = new Map(before);
      for (const [index, event] of list.entries()) {
        if (index > 0 && !allowed(event, own)) break;
        own.set(key, event.eventId);
        r.set(key, event.eventId);
      }
    }
  }
  const before = new Map(r);
  for (const [key, events] of conflicts) {
    if (r.has(key)) continue;
    const list = events.toSorted((x, y) =>
      x.depth !== y.depth ? y.depth - x.depth : sha1(x) < sha1(y) ? -1 : 1,
    );
    const winner = list.find((event) => allowed(event, before)) ?? list.at(-1);
    if (winner !== undefined) r.set(key, winner.eventId);
  }
  return r;
}
