import { summaryMembers, type SummaryMember } from '../src/read-models/collections.js';
import type { Documents } from './projection.js';

/** The part of a summary that its members make. */
export interface MemberSummary {
  readonly joined: number;
  readonly invited: number;
  readonly heroes: readonly string[];
  readonly former_heroes: readonly string[];
}

/** A user's new membership; undefined where they have no member event any more. */
export interface MemberChange {
  readonly userId: string;
  readonly membership: string | undefined;
}

/** One more than the five that clients are given: one of them may be the reader. */
const HEROES = 6;

/**
 * The summary after memberships changed by one record. Heroes are the first who joined or were invited; those who
 * left or were banned stand in where nobody is left but the reader (Client-Server API, GET /sync, m.heroes).
 *
 * Cost: a document per change; a look into the order only when the first of it may have changed.
 */
export async function changeMembers(
  roomId: string,
  before: MemberSummary,
  changes: readonly MemberChange[],
  at: { readonly position: number; readonly index: number },
  documents: Documents,
): Promise<MemberSummary> {
  let { joined, invited } = before;
  let isReordered = false;
  const left = new Set<string>();
  for (const { userId, membership } of changes) {
    const old = await documents.get(summaryMembers, [roomId, userId]);
    if (old?.membership === membership) continue;
    joined += Number(membership === 'join') - Number(old?.membership === 'join');
    invited += Number(membership === 'invite') - Number(old?.membership === 'invite');
    const standing = membership === undefined ? undefined : standingOf(membership);
    if (membership === undefined || standing === undefined) {
      documents.delete(summaryMembers, [roomId, userId]);
    } else {
      const since = old?.standing === standing ? old : at;
      const { position, index } = since;
      documents.put(summaryMembers, {
        room_id: roomId,
        user_id: userId,
        membership,
        standing,
        position,
        index,
      });
    }
    if (standing === old?.standing) continue;
    isReordered = true;
    if (standing !== 'active') left.add(userId);
  }
  if (!isReordered) return { ...before, joined, invited };
  const isComplete = before.heroes.length === HEROES && !before.heroes.some((hero) => left.has(hero));
  return {
    joined,
    invited,
    // Who comes, comes last.
    heroes: isComplete ? before.heroes : await first(roomId, 'active', documents),
    former_heroes: joined + invited > 1 ? [] : await first(roomId, 'former', documents),
  };
}

function standingOf(membership: string): SummaryMember['standing'] {
  if (membership === 'join' || membership === 'invite') return 'active';
  return membership === 'leave' || membership === 'ban' ? 'former' : 'other';
}

async function first(
  roomId: string,
  standing: SummaryMember['standing'],
  documents: Documents,
): Promise<string[]> {
  const range = { prefix: [roomId, standing], limit: HEROES };
  return (await documents.find(summaryMembers, range, 'order')).map(({ user_id }) => user_id);
}
