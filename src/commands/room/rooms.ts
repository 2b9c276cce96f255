import { LRUCache } from 'lru-cache';
import type { LoggedRecord } from '../../log/log.js';
import type { RecordBody } from '../../log/records.js';
import { serverName } from '../../protocol/identifiers.js';
import type { EventPlace, MembershipEntry, RoomSnapshot } from '../../room-state/room-index.js';
import { MissingNodeError } from '../../room-state/nodes.js';
import { emptyRoom, evolveRoom, isEventRecord, placeOf, roomStream } from '../aggregates/room.js';
import type { Aggregate } from '../handle.js';
import { eventOf } from './room-events.js';
import { sentBy, RoomSession, type RoomPorts } from './room-session.js';
import { materialiseBeyond, rebuildNodes } from './state-nodes.js';

const STREAM_PREFIX = roomStream('').length;
/** A snapshot is small: some identifiers. Events and state nodes are in shared caches, bounded in bytes. */
const MOST_OPEN_ROOMS = 10_000;

/**
 * The rooms of the write side. A room in use is at hand; another one opens from its snapshot in the index and
 * the records after it (mostly none): milliseconds, whatever the room's age.
 */
export class Rooms implements Aggregate<RoomSession> {
  readonly #ports: RoomPorts;
  readonly #open = new LRUCache<string, RoomSnapshot>({ max: MOST_OPEN_ROOMS });

  constructor(ports: RoomPorts) {
    this.#ports = ports;
  }

  async load(stream: string): Promise<{ state: RoomSession; revision: number }> {
    const open = this.#open.get(stream);
    // A session of its own, so that what is decided and then not recorded leaves no trace.
    if (open !== undefined) return { state: this.#session(open), revision: open.revision };
    const roomId = stream.slice(STREAM_PREFIX);
    const session = this.#session(this.#ports.index.snapshot(roomId) ?? emptyRoom(roomId));
    await this.catchUp(session);
    this.#open.set(stream, session.snapshot);
    return { state: session, revision: session.snapshot.revision };
  }

  #session(snapshot: RoomSnapshot): RoomSession {
    return new RoomSession(this.#ports, snapshot);
  }

  evolve(session: RoomSession, record: RecordBody, revision: number): RoomSession {
    session.evolve(record, revision);
    return session;
  }

  async committed(stream: string, session: RoomSession, records: readonly LoggedRecord[]): Promise<void> {
    for (const record of records) await this.index(session, record);
    session.settle();
    this.#open.set(stream, session.snapshot);
  }

  evict(stream: string): void {
    this.#open.delete(stream);
  }

  /** Missing or damaged state nodes are made again from the room's records, unless one of those is damaged. */
  async repair(stream: string, error: unknown): Promise<boolean> {
    if (!(error instanceof MissingNodeError)) return false;
    this.evict(stream);
    await rebuildNodes(this.#session(emptyRoom(stream.slice(STREAM_PREFIX))));
    return this.#ports.nodes.has(error.hash);
  }

  /** Takes in the records of the room's stream that its snapshot lacks. */
  async catchUp(session: RoomSession): Promise<void> {
    const from = session.snapshot.revision + 1;
    let isGap = false;
    for await (const batch of this.#ports.log.read(roomStream(session.roomId), { from })) {
      isGap ||= batch.damaged.length > 0;
      for (const { revision } of batch.damaged) {
        if (revision !== undefined) session.snapshot = { ...session.snapshot, revision };
      }
      for (const record of batch.records) {
        const previous = session.snapshot;
        session.snapshot = evolveRoom(previous, record, record.revision);
        if (isEventRecord<LoggedRecord & RecordBody>(record)) {
          materialiseBeyond(isGap, session, record, previous.graph?.root);
          this.#ports.events.remember(eventOf(record));
        }
        await this.index(session, record);
      }
    }
  }

  /** Writes what a record adds to the index. The session is at, or beyond, the record. */
  async index(session: RoomSession, record: LoggedRecord): Promise<void> {
    const places = new Map<string, EventPlace>();
    const transactions = new Map<string, string>();
    const memberships: MembershipEntry[] = [];
    const citations: { cited: string; by: string; position: number }[] = [];
    if (isEventRecord<LoggedRecord & RecordBody>(record)) {
      const place = this.#withOthers(session.roomId, record.data.event_id, placeOf(record, record));
      places.set(record.data.event_id, place);
      if (record.data.event['state_key'] !== undefined) {
        const { position } = record;
        for (const cited of place.authEvents) citations.push({ cited, by: record.data.event_id, position });
      }
      const key = sentBy(record);
      if (key !== undefined) transactions.set(key, record.data.event_id);
      if (record.type === 'room.event.accepted') {
        for (const { type, state_key: userId, event_id } of record.data.current?.delta ?? []) {
          if (type !== 'm.room.member' || serverName(userId) !== this.#ports.serverName) continue;
          if (event_id !== null) await session.load([event_id]);
          const membership = event_id === null ? undefined : session.event(event_id)?.content['membership'];
          memberships.push({ userId, membership: typeof membership === 'string' ? membership : undefined });
        }
      }
    }
    this.#ports.index.record({ snapshot: session.snapshot, places, transactions, memberships, citations });
  }

  /** A place with those that the index has of the same event already; again, where it is the same. */
  #withOthers(roomId: string, eventId: string, place: EventPlace): EventPlace {
    const known = this.#ports.index.place(roomId, eventId);
    if (known === undefined) return place;
    const { revision, index } = known;
    const others = [{ revision, index }, ...(known.also ?? [])];
    const also = others.filter((other) => other.revision !== place.revision || other.index !== place.index);
    return also.length === 0 ? place : { ...place, also };
  }
}
