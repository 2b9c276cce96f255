import { MatrixError } from '../protocol/errors.js';
import { roomSummaries, type RoomSummary } from '../read-models/collections.js';
import { isJsonObject } from '../protocol/json.js';
import { publicRoom, type PublicRoom } from './public-rooms.js';
import type { ReadSide } from './read-side.js';
import { rootAt, stateEventAt } from './room-history.js';

/** What `GET /room_summary/{roomIdOrAlias}` tells of a room. */
export interface SummaryOfRoom extends PublicRoom {
  readonly room_version: string;
  readonly encryption?: string;
  readonly allowed_room_ids?: readonly string[];
  readonly membership?: string;
}

/**
 * A room at a glance, for those who may know of it: members, those invited, everybody where the room can be joined,
 * knocked on or looked into, and members of the rooms that a restricted one names (Client-Server API, Room
 * summaries).
 *
 * @param userId absent: nobody that we know
 * @throws MatrixError M_NOT_FOUND for a room that is not there, or not for the reader to know of
 */
export async function roomSummary(
  side: ReadSide,
  userId: string | undefined,
  roomId: string,
): Promise<SummaryOfRoom> {
  const summary = await side.store.collection(roomSummaries).get([roomId]);
  const rooms = userId === undefined ? undefined : await side.joinedRooms.of(userId);
  const membership = rooms?.get(roomId)?.membership;
  const allowed = summary === undefined ? [] : await allowedRooms(side, summary);
  const isKnown =
    summary !== undefined &&
    (membership === 'join' ||
      membership === 'invite' ||
      isOpen(summary) ||
      allowed.some((other) => rooms?.get(other)?.membership === 'join'));
  if (!isKnown)
    throw new MatrixError('M_NOT_FOUND', 'There is no such room, or it is not for you to know of.');
  return {
    ...publicRoom(summary),
    room_version: summary.version,
    ...(summary.encryption === undefined ? {} : { encryption: summary.encryption }),
    ...(allowed.length === 0 ? {} : { allowed_room_ids: allowed }),
    ...(userId === undefined ? {} : { membership: membership ?? 'leave' }),
  };
}

function isOpen({ join_rule, history_visibility }: RoomSummary): boolean {
  return (
    join_rule === 'public' ||
    join_rule === 'knock' ||
    join_rule === 'knock_restricted' ||
    history_visibility === 'world_readable'
  );
}

/** The rooms whose members may join a restricted one. */
async function allowedRooms(side: ReadSide, { room_id, join_rule }: RoomSummary): Promise<string[]> {
  if (join_rule !== 'restricted' && join_rule !== 'knock_restricted') return [];
  const root = await rootAt(side, room_id, side.positions.processed);
  const event = await stateEventAt(side, room_id, root, 'm.room.join_rules', '');
  if (event === undefined) return [];
  const { content } = JSON.parse(event.json) as { content: { allow?: unknown } };
  const conditions: readonly unknown[] = Array.isArray(content.allow) ? content.allow : [];
  return conditions.flatMap((condition) =>
    isJsonObject(condition) &&
    condition['type'] === 'm.room_membership' &&
    typeof condition['room_id'] === 'string'
      ? [condition['room_id']]
      : [],
  );
}
