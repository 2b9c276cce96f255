import type { RecordBody } from '../../log/records.js';
import type { EventPlace, RoomSnapshot, Standing } from '../../room-state/room-index.js';
import { EMPTY_ROOT } from '../../room-state/trie.js';

/** The name of a room's stream. */
export function roomStream(roomId: string): string {
  return `room-${roomId}`;
}

/** The records that hold an event, by what was decided about it. */
const STANDINGS = {
  'room.event.accepted': 'accepted',
  'room.event.soft_failed': 'soft_failed',
  'room.event.rejected': 'rejected',
  'room.event.outlier': 'outlier',
} as const satisfies Record<string, Standing>;

export type EventRecord = Extract<RecordBody, { type: keyof typeof STANDINGS }>;

export function isEventRecord<R extends RecordBody>(record: R): record is R & EventRecord {
  return record.type in STANDINGS;
}

/** A room of which nothing has been recorded. */
export function emptyRoom(roomId: string): RoomSnapshot {
  return { roomId, revision: -1, visibility: 'private', graph: undefined };
}

/** The room after one more record of its stream. */
export function evolveRoom(room: RoomSnapshot, record: RecordBody, revision: number): RoomSnapshot {
  switch (record.type) {
    case 'room.event.accepted': {
      const { event, event_id, room_version, current, extremities } = record.data;
      const depth = typeof event['depth'] === 'number' ? event['depth'] : 0;
      const graph = room.graph ?? {
        version: room_version,
        createEventId: event_id,
        root: EMPTY_ROOT,
        depth: 0,
      };
      return {
        ...room,
        revision,
        graph: {
          ...graph,
          root: current?.root ?? graph.root,
          extremities,
          depth: Math.max(graph.depth, depth),
        },
      };
    }
    case 'room.visibility.changed':
      return { ...room, revision, visibility: record.data.visibility };
    default:
      return { ...room, revision };
  }
}

/** Where a record's event is, for the room index. Event references are `[id, hashes]` pairs up to room version 2. */
export function placeOf(
  record: EventRecord,
  at: { revision: number; index: number; position: number },
): EventPlace {
  const { data } = record;
  const references = Array.isArray(data.event['auth_events']) ? (data.event['auth_events'] as unknown[]) : [];
  const refused =
    record.type === 'room.event.outlier' ? record.data.rejected : 'rule' in data ? data : undefined;
  return {
    revision: at.revision,
    index: at.index,
    position: at.position,
    standing: STANDINGS[record.type],
    stateBefore: 'state_before' in data ? data.state_before : EMPTY_ROOT,
    stateAfter: 'state_after' in data ? data.state_after : EMPTY_ROOT,
    depth: typeof data.event['depth'] === 'number' ? data.event['depth'] : 0,
    authEvents: references.map((reference) => String(Array.isArray(reference) ? reference[0] : reference)),
    ...(refused === undefined ? {} : { refusal: { rule: refused.rule, reason: refused.reason } }),
  };
}
