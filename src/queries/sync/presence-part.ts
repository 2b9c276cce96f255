import type { Presence } from '../../ephemeral/presence.js';
import { memberships } from '../../read-models/collections.js';
import type { ReadSide } from '../read-side.js';
import type { SyncPass } from './request.js';

/** The presence of people who share a room with the viewer, and their own, where it changed (Client-Server API, Presence). */
export async function presencePart(side: ReadSide, pass: SyncPass): Promise<string[]> {
  const filter = pass.filter.presence;
  if (filter.matchesNothing || !filter.matchesType('m.presence')) return [];
  const changed = side.presence.changedUsers(pass.since?.ephemeral ?? 0);
  const texts: string[] = [];
  for (const userId of changed) {
    if (pass.ignored.has(userId) || !filter.matches({ type: 'm.presence', sender: userId, content: {} }))
      continue;
    if (userId !== pass.viewer.userId && !(await shareRoom(side, pass, userId))) continue;
    texts.push(presenceEvent(userId, side.presence.of(userId), pass.now));
  }
  return texts;
}

async function shareRoom(side: ReadSide, pass: SyncPass, userId: string): Promise<boolean> {
  const theirs = await side.store.collection(memberships).find({ prefix: [userId, 'join'] }, 'user');
  return theirs.some(({ room_id: roomId }) => pass.rooms.get(roomId)?.membership === 'join');
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
