import type { Presence } from '../../ephemeral/presence.js';
import { memberships } from '../../read-models/collections.js';
import type { ReadSide, Viewer } from '../read-side.js';
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
  const seen = await usersWithNewPresence(side, pass, rooms);
  return seen
    .filter((userId) => filter.matches({ type: 'm.presence', sender: userId, content: {} }))
    .map((userId) => presenceEvent(userId, side.presence.of(userId), pass.now));
}

/** What decides whose presence a viewer is told of. */
export interface PresenceView {
  readonly viewer: Viewer;
  readonly since: { readonly position: number; readonly ephemeral: number } | undefined;
  /** Rooms through which the viewer sees others, as far as they have joined them. */
  readonly rooms: ReadonlyMap<string, { readonly membership: string }>;
  readonly ignored: ReadonlySet<string>;
}

/** Those whose presence changed since, or who are new to the viewer: they share a room, or are the viewer. */
export async function usersWithNewPresence(
  side: ReadSide,
  view: PresenceView,
  rooms: Pick<RoomsPart, 'entered' | 'newcomers'>,
): Promise<string[]> {
  const changed = side.presence.changedUsers(view.since?.ephemeral ?? 0);
  const newcomers = await newlyShared(side, view, rooms);
  const seen: string[] = [];
  for (const userId of new Set([...changed, ...newcomers])) {
    if (view.ignored.has(userId)) continue;
    const isSeen =
      userId === view.viewer.userId || newcomers.has(userId) || (await shareRoom(side, view, userId));
    if (isSeen) seen.push(userId);
  }
  return seen;
}

/** How many people of a room that was just entered are told of: in larger ones who is there shows by and by. */
const MOST_OF_A_ROOM = 100;

/** People who share a room with the viewer only since the last answer, whether or not anything is known of them. */
async function newlyShared(
  side: ReadSide,
  view: PresenceView,
  { entered, newcomers }: Pick<RoomsPart, 'entered' | 'newcomers'>,
): Promise<Set<string>> {
  if (view.since === undefined) return new Set();
  const found = new Set(newcomers);
  for (const roomId of entered) {
    const range = { prefix: [roomId, 'join'], limit: MOST_OF_A_ROOM };
    for (const { user_id: userId } of await side.store.collection(memberships).find(range, 'room'))
      found.add(userId);
  }
  return found;
}

/** Looks in memory where both are reading, as those whose presence changes mostly are. */
async function shareRoom(side: ReadSide, { rooms }: PresenceView, userId: string): Promise<boolean> {
  const theirs = await side.joinedRooms.of(userId);
  const [few, many] = theirs.size < rooms.size ? [theirs, rooms] : [rooms, theirs];
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
