import { emptyRoom, evolveRoom, isEventRecord, type EventRecord } from '../commands/aggregates/room.js';
import { eventOf, RoomEvents } from '../commands/room/room-events.js';
import { RoomSession, type RoomPorts } from '../commands/room/room-session.js';
import type { Rooms } from '../commands/room/rooms.js';
import { materialise } from '../commands/room/state-nodes.js';
import type { Log, LoggedRecord } from '../log/log.js';
import type { RecordBody } from '../log/records.js';
import type { RoomEvent } from '../protocol/events.js';
import { generateSigningKey } from '../protocol/keys.js';
import type { NodeStore } from '../room-state/nodes.js';
import { CachedNodes } from '../room-state/nodes.js';
import type { RoomIndex } from '../room-state/room-index.js';
import { systemClock } from '../runtime/clock.js';
import { systemRandom } from '../runtime/random.js';

/** A store of nodes and places for an audit alone: empty at first, thrown away after. */
export type Scratch = NodeStore & RoomIndex;

const EVENT_CACHE_BYTES = 64 * 1024 * 1024;

export type EventLogged = LoggedRecord & EventRecord;

export function isEventLogged(record: LoggedRecord): record is EventLogged {
  return isEventRecord<LoggedRecord & RecordBody>(record);
}

/**
 * What the write side's decisions need, over a log that is only read and a store of the audit's own: nothing that
 * a running server uses is touched.
 */
export function auditPorts(log: Log, scratch: Scratch, serverName: string): RoomPorts {
  return {
    log,
    serverName,
    index: scratch,
    nodes: scratch,
    reader: new CachedNodes(scratch),
    events: new RoomEvents(log, scratch, EVENT_CACHE_BYTES),
    clock: systemClock,
    random: systemRandom,
    // An audit signs nothing: a key that nobody knows.
    signingKey: generateSigningKey((length) => systemRandom.bytes(length)),
  };
}

/** The room as the scratch store has it: where records of it were taken in, after the last of these. */
export function openRoom(ports: RoomPorts, roomId: string): RoomSession {
  return new RoomSession(ports, ports.index.snapshot(roomId) ?? emptyRoom(roomId));
}

/**
 * Moves a room on by a record as it was written: states are made from its deltas, nothing is decided again.
 * Records of a room are to be taken in all, and in their order.
 *
 * @param rooms of the same ports: what fills the index
 * @throws DivergedStateError where its deltas lead to other roots than it names, and then nothing is taken in
 */
export async function takeIn(
  rooms: Rooms,
  session: RoomSession,
  record: LoggedRecord,
  event?: RoomEvent,
): Promise<void> {
  if (isEventLogged(record)) {
    materialise(session, record, session.snapshot.graph?.root);
    session.ports.events.remember(event ?? eventOf(record));
  }
  await takeInUnmade(rooms, session, record);
}

/** The same without the states' nodes: for records of which they cannot be made. */
export async function takeInUnmade(rooms: Rooms, session: RoomSession, record: LoggedRecord): Promise<void> {
  session.snapshot = evolveRoom(session.snapshot, record, record.revision);
  await rooms.index(session, record);
}
