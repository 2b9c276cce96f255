import type { Presence } from '../ephemeral/presence.js';
import { presenceContent } from './sync/presence-part.js';

/**
 * An event as the endpoints before `/sync` give it: `user_id` beside `sender`, which came later. Their clients know
 * nothing else (Client-Server API r0, Migrating from v1).
 *
 * @param text in client format
 */
export function oldEvent(text: string, sender: string): string {
  return `${text.slice(0, -1)},"user_id":${JSON.stringify(sender)}}`;
}

/** Somebody's presence as these endpoints give it. */
export function oldPresence(userId: string, presence: Presence, now: number): string {
  const content = { user_id: userId, ...presenceContent(presence, now) };
  return JSON.stringify({ type: 'm.presence', sender: userId, content });
}

/** What is no event of a room's timeline, such as receipts and account data; with its room, where it is of one. */
export function oldNotice(type: string, content: string, roomId = ''): string {
  const room = roomId === '' ? '' : `"room_id":${JSON.stringify(roomId)},`;
  return `{"type":${JSON.stringify(type)},${room}"content":${content}}`;
}
