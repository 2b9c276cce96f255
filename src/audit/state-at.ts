import type { RoomPorts, RoomSession } from '../commands/room/room-session.js';
import type { LoggedRecord } from '../log/log.js';
import type { Hash } from '../room-state/node.js';
import { entries, EMPTY_ROOT } from '../room-state/trie.js';
import { AuditError } from './errors.js';
import { isEventLogged } from './replay.js';
import { startWalk, takeInOrSay, walkRoom, type WalkOptions } from './room-walk.js';
import type { Point } from './points.js';
import { summaryOf, type EventSummary } from './summary.js';

/** A state of the room, and where it was found. */
export interface Located {
  /** Root of the state: after the event, or the current one as of the position or time. */
  readonly root: Hash;
  /** Of the last record that the state includes; -1 before the room's first. */
  readonly position: number;
  readonly revision: number;
}

export interface RoomAt {
  readonly session: RoomSession;
  /** In the order of the points. */
  readonly located: readonly Located[];
  /** Records of the room that could not be read: what they changed is missing. */
  readonly damaged: number;
}

/**
 * Finds the states at these points; without one, the newest. Reads the room's stream once, no further than it has to.
 *
 * @throws AuditError where there is no such room, or no such event in its graph
 */
export async function locate(
  ports: RoomPorts,
  roomId: string,
  points: readonly (Point | undefined)[],
  options: WalkOptions = {},
): Promise<RoomAt> {
  const walk = startWalk(ports, roomId);
  const { session } = walk;
  const found = new Map<number, Located>();
  let last: Located = { root: EMPTY_ROOT, position: -1, revision: -1 };
  let outlier: string | undefined;
  for await (const record of walkRoom(ports, walk, options)) {
    for (const [index, point] of points.entries()) {
      if (!found.has(index) && isBeyond(point, record)) found.set(index, last);
    }
    if (found.size === points.length) break;
    const named = new Set(points.flatMap((point, index) => (isAt(point, record) ? [index] : [])));
    if (named.size > 0 && record.type === 'room.event.outlier') outlier = record.data.event_id;
    else if (named.size > 0 && isEventLogged(record) && 'state_after' in record.data) {
      const { state_after: root } = record.data;
      for (const index of named) {
        found.set(index, { root, position: record.position, revision: record.revision });
      }
      if (found.size === points.length) {
        await takeInOrSay(walk, record);
        break;
      }
    }
    last = { root: rootAfter(session, record), position: record.position, revision: record.revision };
  }
  const located = points.map((point, index) => {
    const at = found.get(index);
    if (at !== undefined) return at;
    if (point?.kind === 'event') {
      throw new AuditError(
        outlier === point.eventId
          ? `The event ${point.eventId} is known without its place in the room: there is no state at it.`
          : `No event ${point.eventId} of the room ${roomId} is known here.`,
      );
    }
    return last;
  });
  return { session, located, damaged: walk.damaged };
}

/** Whether a position or time lies before a record. */
function isBeyond(point: Point | undefined, record: LoggedRecord): boolean {
  if (point?.kind === 'position') return record.position > point.position;
  return point?.kind === 'time' && record.metadata.received_at > point.time;
}

function isAt(point: Point | undefined, record: LoggedRecord): boolean {
  return point?.kind === 'event' && isEventLogged(record) && record.data.event_id === point.eventId;
}

function rootAfter(session: RoomSession, record: LoggedRecord): Hash {
  const root = record.type === 'room.event.accepted' ? record.data.current?.root : undefined;
  return root ?? session.snapshot.graph?.root ?? EMPTY_ROOT;
}

/** Every event of a state, by type and state key. */
export async function stateEvents(session: RoomSession, root: Hash): Promise<EventSummary[]> {
  const found: EventSummary[] = [];
  for (const [, id] of entries(session.ports.reader, root)) {
    await session.load([id]);
    found.push(summaryOf(session, session.requireEvent(id)));
    session.settle();
  }
  return found.sort((a, b) => compare(a.type, b.type) || compare(a.state_key ?? '', b.state_key ?? ''));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
