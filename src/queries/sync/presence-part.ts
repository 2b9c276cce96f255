import type { Presence } from '../../ephemeral/presence.js';
import { memberships } from '../../read-models/collections.js';
import type { ReadSide } from '../read-side.js';
import type { SyncPass } from './request.js';
import type { RoomsPart } from './rooms-part.js';

/** The presence of people who share a room with the viewer, and their own, where it changed (Client-Server API, Presence). */
export async function presencePart(
  side: ReadSide,
  pass: SyncPass,
  rooms: Pick<RoomsPart, 'entered' | 'newcomers'>,
): Promise<string[]> {
  const filter = pass.filter.presence;
  if (filter.matchesNothing || !filter.matchesType('m.presence')) return [];
  const changed = new Set(side.presence.changedUsers(pass.since?.ephemeral ?? 0));
  const newcomers = await newlyShared(side, pass, rooms);
  const texts: string[] = [];
  for (const userId of new Set([...changed, ...newcomers])) {
    if (pass.ignored.has(userId) || !filter.matches({ type: 'm.presence', sender: userId, content: {} }))
      continue;
    const isSeen =
      userId === pass.viewer.userId || newcomers.has(userId) || (await shareRoom(side, pass, userId));
    if (!isSeen) continue;
    texts.push(presenceEvent(userId, side.presence.of(userId), pass.now));
  }
  return texts;
}

/** How many people of a room that was just entered are told of: in larger ones who is there shows by and by. */
const MOST_OF_A_ROOM = 100;

/** People who share a room with the viewer only since the last answer, whether or not anything is known of them. */
async function newlyShared(
  side: ReadSide,
  pass: SyncPass,
  { entered, newcomers }: Pick<RoomsPart, 'entered' | 'newcomers'>,
): Promise<Set<string>> {
  if (pass.since === undefined) return new Set();
  const found = new Set(newcomers);
  for (const roomId of entered) {
    const range = { prefix: [roomId, 'join'], limit: MOST_OF_A_ROOM };
    for (const { user_id: userId } of await side.store.collection(memberships).find(range, 'room'))
      found.add(userId);
  }
  return found;
}

/** Looks in memory where both are reading, as those whose presence changes mostly are. */
async function shareRoom(side: ReadSide, pass: SyncPass, userId: string): Promise<boolean> {
  const theirs = await side.joinedRooms.of(userId);
  const [few, many] = theirs.size < pass.rooms.size ? [theirs, pass.rooms] : [pass.rooms, theirs];
  for (const [roomId, { membership }] of few) {
    if (membership === 'join' && many.get(roomId)?.membership === 'join') return true;
  }
  return false;
}

function presenceEvent(userId: string, presence: Presence, now: number): string {
  return JSON.stringify({ type: 'm.presence', sender: userId, content: presenceContent(presence, now) });
}

/** Presence as clients see it. */
export function presenceContent(presence: Presence, now: number): Record<string, unknown> {
  return {
    presence: presence.state,
    ...(presence.lastActiveAt === undefined
      ? {}
      : { last_active_ago: Math.max(0, now - presence.lastActiveAt) }),
    ...(presence.statusMessage === undefined ? {} : { status_msg: presence.statusMessage }),
    currently_active: presence.currentlyActive,
  };
}
