import { serverName } from '../protocol/identifiers.js';
import { memberships, profiles, roomSummaries, type Membership } from '../read-models/collections.js';
import type { ReadSide } from './read-side.js';

/** A user in the results, with the profile by which the client shows them. */
export interface FoundUser {
  readonly user_id: string;
  readonly display_name?: string;
  readonly avatar_url?: string;
}

export interface FoundUsers {
  readonly results: readonly FoundUser[];
  /** Whether there may be more. */
  readonly limited: boolean;
}

/** There is no index of names, so a search looks at members; at no more than this many, and rooms. */
const MOST_MEMBERS = 20_000;
const MOST_ROOMS = 5000;
const MOST_RESULTS = 100;

/**
 * Searches user IDs and display names of those whom a user can see (Client-Server API, User Directory): they share a
 * room, or are in one that is public or world-readable. All words of the term must be found, in any case of letters;
 * best matches first. Costs a read of the members of these rooms, within bounds: the searcher's own rooms first.
 */
export async function searchUsers(
  side: ReadSide,
  viewerId: string,
  term: string,
  limit: number,
): Promise<FoundUsers> {
  const words = term.toLowerCase().split(/\s+/).filter(Boolean);
  const found = new Map<string, { readonly member: Membership; readonly rank: number }>();
  let left = MOST_MEMBERS;
  for (const roomId of await visibleRooms(side, viewerId)) {
    const members = await side.store
      .collection(memberships)
      .find({ prefix: [roomId, 'join'], limit: left }, 'room');
    for (const member of members) {
      const rank = rankOf(member, words);
      const known = found.get(member.user_id);
      if (rank > (known?.rank ?? 0) && member.user_id !== viewerId)
        found.set(member.user_id, { member, rank });
    }
    left -= members.length;
    if (left <= 0) break;
  }
  const ranked = [...found.values()].sort((a, b) => b.rank - a.rank);
  const most = Math.min(limit, MOST_RESULTS);
  const results = await shown(
    side,
    ranked.slice(0, most).map(({ member }) => member),
  );
  return { results, limited: ranked.length > most || left <= 0 };
}

/** The rooms that a user has joined, then those that anybody may look into. */
async function visibleRooms(side: ReadSide, viewerId: string): Promise<Set<string>> {
  const own = [...(await side.joinedRooms.of(viewerId)).values()].filter(
    ({ membership }) => membership === 'join',
  );
  const rooms = new Set(own.map(({ room_id: roomId }) => roomId));
  for (const room of await side.store.collection(roomSummaries).find({ prefix: [], limit: MOST_ROOMS })) {
    if (room.join_rule === 'public' || room.history_visibility === 'world_readable') rooms.add(room.room_id);
  }
  return rooms;
}

/** 0 for no match; more for one at a name's beginning, most for the whole of it. */
function rankOf({ user_id: userId, displayname }: Membership, words: readonly string[]): number {
  const id = userId.toLowerCase();
  const name = displayname?.toLowerCase() ?? '';
  if (words.length === 0 || !words.every((word) => id.includes(word) || name.includes(word))) return 0;
  const term = words.join(' ');
  if (name === term || id === term || id.startsWith(`@${term}:`)) return 3;
  return name.startsWith(term) || id.startsWith(`@${term}`) ? 2 : 1;
}

/** Our own users by their profile, others by what they are in a room that the searcher sees. */
async function shown(side: ReadSide, members: readonly Membership[]): Promise<FoundUser[]> {
  const own = await side.store.collection(profiles).getMany(members.map(({ user_id }) => [user_id]));
  return members.map((member, i) => {
    const isOwn = serverName(member.user_id) === side.serverName;
    const { displayname, avatar_url } = isOwn ? (own[i]?.fields ?? {}) : member;
    return {
      user_id: member.user_id,
      ...(typeof displayname === 'string' ? { display_name: displayname } : {}),
      ...(typeof avatar_url === 'string' ? { avatar_url } : {}),
    };
  });
}
