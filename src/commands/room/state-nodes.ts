import type { LoggedRecord } from '../../log/log.js';
import type { RecordBody } from '../../log/records.js';
import { stateKeyText } from '../../protocol/events.js';
import type { Hash } from '../../room-state/node.js';
import { MissingNodeError } from '../../room-state/nodes.js';
import { EMPTY_ROOT } from '../../room-state/trie.js';
import { isEventRecord, roomStream, type EventRecord } from '../aggregates/room.js';
import type { DeltaEntry } from './resolve-state.js';
import type { RoomSession } from './room-session.js';

/** A record's deltas lead to another root than it says: the log, or this program, is wrong about the state. */
export class DivergedStateError extends Error {
  constructor(eventId: string, said: Hash, found: Hash) {
    super(`The record of ${eventId} says that its state is ${said}, but its changes lead to ${found}.`);
    this.name = 'DivergedStateError';
  }
}

/**
 * Makes the nodes of the states that a record names, from its deltas alone; nothing is resolved again. Roots
 * that are there are left alone, unless `force`: then all nodes are written anew, over missing or damaged ones.
 *
 * @param previousRoot the room's current state before the record
 * @throws DivergedStateError
 */
export function materialise(
  session: RoomSession,
  record: EventRecord,
  previousRoot: Hash = EMPTY_ROOT,
  force = false,
): void {
  if (record.type === 'room.event.outlier') return;
  const { data } = record;
  const { nodes } = session.ports;
  const make = (said: Hash, base: Hash, changes: readonly DeltaEntry[]) => {
    if (said === EMPTY_ROOT || (!force && nodes.has(said))) return;
    const found = session.changed(base, deltaMap(changes));
    if (found !== said) throw new DivergedStateError(data.event_id, said, found);
  };
  if (data.resolution !== undefined) make(data.state_before, data.resolution.base, data.resolution.delta);
  const { type, state_key } = data.event as { type?: string; state_key?: string };
  if (data.state_after !== data.state_before && type !== undefined && state_key !== undefined) {
    make(data.state_after, data.state_before, [{ type, state_key, event_id: data.event_id, replaces: null }]);
  }
  if (record.type === 'room.event.accepted' && record.data.current !== undefined) {
    make(record.data.current.root, previousRoot, record.data.current.delta);
  }
}

/**
 * As `materialise`, but for what a damaged record takes with it: states that build on its change cannot be made, and
 * whoever needs one of them meets a missing node. Everything else of the log goes on.
 *
 * @param isGap whether records of the room before this one could not be read
 * @throws DivergedStateError where nothing is missing
 */
export function materialiseBeyond(
  isGap: boolean,
  ...[session, record, previousRoot, force]: Parameters<typeof materialise>
): void {
  try {
    materialise(session, record, previousRoot, force);
  } catch (error) {
    if (error instanceof MissingNodeError || (isGap && error instanceof DivergedStateError)) return;
    throw error;
  }
}

/** Makes every node of a room's states anew from its stream, over what is missing or damaged. Costs the room's history. */
export async function rebuildNodes(session: RoomSession): Promise<void> {
  let root: Hash = EMPTY_ROOT;
  let isGap = false;
  for await (const batch of session.ports.log.read(roomStream(session.roomId))) {
    isGap ||= batch.damaged.length > 0;
    for (const record of batch.records) {
      if (!isEventRecord<LoggedRecord & RecordBody>(record)) continue;
      materialiseBeyond(isGap, session, record, root, true);
      if (record.type === 'room.event.accepted') root = record.data.current?.root ?? root;
    }
  }
}

function deltaMap(delta: readonly DeltaEntry[]): Map<string, string | undefined> {
  return new Map(
    delta.map(({ type, state_key, event_id }) => [stateKeyText(type, state_key), event_id ?? undefined]),
  );
}
