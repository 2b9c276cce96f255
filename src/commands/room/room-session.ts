import type { NewRecord } from '../../log/log.js';
import type { RecordBody } from '../../log/records.js';
import { MatrixError } from '../../protocol/errors.js';
import { parseStateKeyText, stateKeyText, type RoomEvent, type StateKey } from '../../protocol/events.js';
import type { SigningKey } from '../../protocol/keys.js';
import { roomVersion, type RoomVersion } from '../../protocol/room-versions.js';
import type { Hash } from '../../room-state/node.js';
import type { NodeReader, NodeStore } from '../../room-state/nodes.js';
import type { EventPlace, RoomGraph, RoomIndex, RoomSnapshot } from '../../room-state/room-index.js';
import { entries, lookup, update } from '../../room-state/trie.js';
import { evolveRoom, isEventRecord, placeOf, type EventRecord } from '../aggregates/room.js';
import type { CommandPorts } from '../handle.js';
import type { RoomEvents } from './room-events.js';
import { sendKey } from './send-key.js';

/** What commands on rooms need of the world. */
export interface RoomPorts extends CommandPorts {
  readonly serverName: string;
  readonly signingKey: SigningKey;
  readonly index: RoomIndex;
  readonly nodes: NodeStore;
  /** The same nodes, decoded and cached. */
  readonly reader: NodeReader;
  readonly events: RoomEvents;
}

/** What is not in the log yet comes after everything that is. */
const UNLOGGED = 2 ** 52;

/**
 * A room while commands are decided on it: its newest state, with what was decided but is not in the log yet.
 * Looking something up is synchronous, so that a decision is a plain function; what it looks at is loaded before.
 */
export class RoomSession {
  readonly ports: RoomPorts;
  snapshot: RoomSnapshot;
  /** Events that this session made or loaded; dropped with `settle`. Shared with forks: an event is what it is. */
  readonly #events: Map<string, RoomEvent>;
  /** Places of events that are decided and not in the log yet. */
  readonly #places: Map<string, EventPlace>;
  readonly #transactions: Map<string, string>;
  /** What was looked up in the state that was asked last: a decision asks for the same again and again. */
  #found: { readonly root: Hash; readonly ids: Map<string, string | undefined> } = {
    root: '',
    ids: new Map(),
  };

  constructor(ports: RoomPorts, snapshot: RoomSnapshot, parent?: RoomSession) {
    this.ports = ports;
    this.snapshot = snapshot;
    this.#events = parent === undefined ? new Map<string, RoomEvent>() : parent.#events;
    this.#places = new Map(parent === undefined ? [] : parent.#places);
    this.#transactions = new Map(parent === undefined ? [] : parent.#transactions);
  }

  /** A copy to try out what follows from what: a command of several events decides each on those before it. */
  fork(): RoomSession {
    return new RoomSession(this.ports, this.snapshot, this);
  }

  get roomId(): string {
    return this.snapshot.roomId;
  }

  /** @throws MatrixError M_NOT_FOUND where we have no part in the room. */
  get graph(): RoomGraph {
    const { graph } = this.snapshot;
    if (graph === undefined)
      throw new MatrixError('M_NOT_FOUND', `The room ${this.roomId} is not known here.`);
    return graph;
  }

  get version(): RoomVersion {
    const version = roomVersion(this.graph.version);
    if (version === undefined)
      throw new Error(`Room ${this.roomId} has the unknown version ${this.graph.version}.`);
    return version;
  }

  /** The event ID at a key of the current state, or of another. A handful of node reads, for the first who asks. */
  stateId(type: string, stateKey: string, root: Hash = this.graph.root): string | undefined {
    if (this.#found.root !== root) this.#found = { root, ids: new Map() };
    const { ids } = this.#found;
    const key = stateKeyText(type, stateKey);
    if (ids.has(key)) return ids.get(key);
    const id = lookup(this.ports.reader, root, key);
    ids.set(key, id);
    return id;
  }

  /** The users with a membership event in the current state, whatever it says. */
  *members(): Generator<string> {
    for (const [key] of entries(this.ports.reader, this.graph.root, {
      only: stateKeyText('m.room.member', ''),
    })) {
      yield parseStateKeyText(key).stateKey;
    }
  }

  /** The event at a key of a state. It must have been loaded (`loadState`). */
  state(type: string, stateKey: string, root: Hash = this.graph.root): RoomEvent | undefined {
    const id = this.stateId(type, stateKey, root);
    return id === undefined ? undefined : this.requireEvent(id);
  }

  /** Loads the events at these keys, for `state` to find. */
  async loadState(keys: Iterable<StateKey>, root: Hash = this.graph.root): Promise<void> {
    const ids: string[] = [];
    for (const { type, stateKey } of keys) {
      const id = this.stateId(type, stateKey, root);
      if (id !== undefined) ids.push(id);
    }
    await this.load(ids);
  }

  /** Loads events by ID; those that are not there stay absent. */
  async load(ids: Iterable<string>): Promise<void> {
    for (const id of ids) {
      if (this.#events.has(id)) continue;
      const { events } = this.ports;
      // Mostly it is at hand, and a promise for each would cost more than the rest.
      const event = events.cached(this.roomId, id) ?? (await events.load(this.roomId, id));
      if (event !== undefined) this.#events.set(id, event);
    }
  }

  event(id: string): RoomEvent | undefined {
    return this.#events.get(id) ?? this.ports.events.cached(this.roomId, id);
  }

  requireEvent(id: string): RoomEvent {
    const event = this.event(id);
    if (event === undefined) throw new Error(`Event ${id} of room ${this.roomId} is not loaded.`);
    return event;
  }

  place(id: string): EventPlace | undefined {
    return this.#places.get(id) ?? this.ports.index.place(this.roomId, id);
  }

  /** The state events that name this one among their auth events, newest first. */
  *citedBy(id: string): Iterable<string> {
    for (const [by, place] of [...this.#places].reverse()) {
      if (place.authEvents.includes(id) && this.#events.get(by)?.stateKey !== undefined) yield by;
    }
    yield* this.ports.index.citedBy(this.roomId, id);
  }

  /** The event that a client's earlier send of the same transaction made. */
  sent(transactionKey: string): string | undefined {
    return (
      this.#transactions.get(transactionKey) ?? this.ports.index.transaction(this.roomId, transactionKey)
    );
  }

  /** The root of a state with these changes. The nodes are kept at once: named by content, they harm nothing. */
  changed(root: Hash, changes: ReadonlyMap<string, string | undefined>): Hash {
    const updated = update(this.ports.reader, root, changes);
    this.ports.nodes.put(updated.nodes);
    return updated.root;
  }

  /** Keeps an event at hand that was made or received for a decision. */
  hold(event: RoomEvent): void {
    this.#events.set(event.eventId, event);
  }

  /** Keeps an event that is about to be accepted, with its place: the resolution of the room's state looks at it. */
  expect(event: RoomEvent, stateBefore: Hash, stateAfter: Hash): void {
    this.hold(event);
    const revision = this.snapshot.revision + 1;
    this.#places.set(event.eventId, {
      revision,
      index: 0,
      position: UNLOGGED + revision,
      standing: 'accepted',
      stateBefore,
      stateAfter,
      depth: event.depth,
      authEvents: event.authEvents,
    });
  }

  /** Takes over the events that another session of the same room holds. */
  holdAll(other: RoomSession): void {
    for (const event of other.#events.values()) this.hold(event);
  }

  /** Moves on by a record that was decided and is not in the log yet. Its event is held. */
  evolve(record: NewRecord | RecordBody, revision = this.snapshot.revision + 1): void {
    this.snapshot = evolveRoom(this.snapshot, record, revision);
    if (!isEventRecord(record)) return;
    this.#places.set(
      record.data.event_id,
      placeOf(record, { revision, index: 0, position: UNLOGGED + revision }),
    );
    const key = sentBy(record);
    if (key !== undefined) this.#transactions.set(key, record.data.event_id);
  }

  /** What was decided is in the log and the index now. */
  settle(): void {
    for (const id of this.#places.keys()) {
      const event = this.#events.get(id);
      if (event !== undefined) this.ports.events.remember(event);
    }
    this.#events.clear();
    this.#places.clear();
    this.#transactions.clear();
  }
}

/** Who sent a record's event by which device and transaction, as the index has it. */
export function sentBy(record: EventRecord): string | undefined {
  if (record.type !== 'room.event.accepted' || record.data.transaction === undefined) return undefined;
  const { device_id, transaction_id } = record.data.transaction;
  const { type, sender } = record.data.event;
  return sendKey(type, String(sender), device_id, transaction_id);
}
