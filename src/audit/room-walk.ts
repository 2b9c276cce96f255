import { roomStream } from '../commands/aggregates/room.js';
import { Rooms } from '../commands/room/rooms.js';
import { DivergedStateError } from '../commands/room/state-nodes.js';
import type { RoomPorts, RoomSession } from '../commands/room/room-session.js';
import type { LoggedRecord } from '../log/log.js';
import { MissingNodeError } from '../room-state/nodes.js';
import { AuditError } from './errors.js';
import { openRoom, takeIn } from './replay.js';

/** What a long reading tells of itself, and what ends it: `onRevision` may throw. */
export interface WalkOptions {
  readonly onRevision?: (revision: number) => void;
}

/** A room on its way through its own stream, and how many records of it were damaged. */
export interface Walk {
  readonly rooms: Rooms;
  readonly session: RoomSession;
  damaged: number;
}

/**
 * Reads a room's stream from its start, and gives each record when the room is as it was before it; the record is
 * taken in when the next one is asked for, or at the end.
 *
 * @throws AuditError where there is no such room, or its states cannot be made
 */
export async function* walkRoom(
  ports: RoomPorts,
  walk: Walk,
  options: WalkOptions = {},
): AsyncGenerator<LoggedRecord> {
  const { session } = walk;
  let found = false;
  for await (const batch of ports.log.read(roomStream(session.roomId))) {
    walk.damaged += batch.damaged.length;
    for (const record of batch.records) {
      found = true;
      yield record;
      await takeInOrSay(walk, record);
    }
    options.onRevision?.(batch.records.at(-1)?.revision ?? 0);
  }
  if (!found) throw new AuditError(`No room ${session.roomId} is known here.`);
}

export function startWalk(ports: RoomPorts, roomId: string): Walk {
  return { rooms: new Rooms(ports), session: openRoom(ports, roomId), damaged: 0 };
}

/** @throws AuditError naming the record whose states cannot be made */
export async function takeInOrSay({ rooms, session, damaged }: Walk, record: LoggedRecord): Promise<void> {
  try {
    await takeIn(rooms, session, record);
  } catch (error) {
    if (!(error instanceof DivergedStateError || error instanceof MissingNodeError)) throw error;
    const why = damaged > 0 ? ` (${damaged} records before it are damaged)` : '';
    throw new AuditError(
      `The state cannot be followed beyond position ${record.position}${why}: ${error.message} ` +
        `"engram verify --room '${session.roomId}'" tells more.`,
    );
  }
}
