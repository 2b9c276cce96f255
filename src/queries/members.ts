import { setImmediate } from 'node:timers/promises';
import { MatrixError } from '../protocol/errors.js';
import { stateKeyText } from '../protocol/events.js';
import { memberships, type StateEvent } from '../read-models/collections.js';
import type { ReadSide } from './read-side.js';
import { entries } from '../room-state/trie.js';
import { eventsById, readingLimit, rootAt } from './room-history.js';
import { parseTimelineToken } from './tokens.js';

/** `GET /rooms/{roomId}/members` as it was asked for, checked in form. */
export interface MembersRequest {
  readonly roomId: string;
  /** A token; absent: now. */
  readonly at: string | undefined;
  readonly membership: string | undefined;
  readonly notMembership: string | undefined;
}

/** So many members are read at once, in some milliseconds; then others have a turn. */
const PIECE = 500;

/**
 * The member events of a room's state as JSON texts, now, or as of a token; for former members at most as of when they left. Piece by
 * piece: some rooms have more members than one would hold in memory for each who asks. One read for each member, in bulk.
 *
 * @throws MatrixError M_FORBIDDEN, M_INVALID_PARAM before the first piece
 */
export async function* members(
  side: ReadSide,
  userId: string,
  request: MembersRequest,
): AsyncGenerator<string[]> {
  const { roomId, at } = request;
  const { until } = await readingLimit(side, userId, roomId);
  const end = until ?? side.positions.processed;
  const place = at === undefined ? undefined : parseTimelineToken(at, 'at', side.epoch);
  const position = Math.min(place ?? end, end);
  const root = await rootAt(side, roomId, position);
  let ids: string[] = [];
  const piece = async () => {
    const found = await eventsById(side, roomId, ids);
    ids = [];
    return found.filter((event) => isWanted(event, request)).map(({ json }) => json);
  };
  for (const [, id] of entries(side.nodes, root, { only: stateKeyText('m.room.member', '') })) {
    if (ids.push(id) < PIECE) continue;
    yield await piece();
    await setImmediate();
  }
  yield await piece();
}

/** The specification joins the two by "or". */
function isWanted(event: StateEvent, { membership, notMembership }: MembersRequest): boolean {
  if (membership === undefined && notMembership === undefined) return true;
  return (
    (membership !== undefined && event.membership === membership) ||
    (notMembership !== undefined && event.membership !== notMembership)
  );
}

export interface JoinedMember {
  readonly display_name: string | null;
  readonly avatar_url: string | null;
}

/**
 * `GET /rooms/{roomId}/joined_members`: who is in the room now. What a member does not have is `null`, as clients
 * know it from Synapse.
 *
 * @throws MatrixError M_FORBIDDEN
 */
export async function joinedMembers(
  side: ReadSide,
  userId: string,
  roomId: string,
): Promise<Record<string, JoinedMember>> {
  const own = (await side.joinedRooms.of(userId)).get(roomId);
  if (own?.membership !== 'join') {
    throw new MatrixError('M_FORBIDDEN', 'Only members of the room may see who is in it.');
  }
  const found = await side.store.collection(memberships).find({ prefix: [roomId, 'join'] }, 'room');
  return Object.fromEntries(
    found.map(({ user_id, displayname, avatar_url }) => [
      user_id,
      { display_name: displayname ?? null, avatar_url: avatar_url ?? null },
    ]),
  );
}
