import {
  notificationCounts,
  notificationEntries,
  type NotificationCount,
  type NotificationEntry,
  type UnreadCounts,
} from '../src/read-models/collections.js';
import type { Documents } from './projection.js';

/** The thread of events that are in none (Client-Server API, Threaded read receipts). */
export const MAIN = 'main';

/**
 * How many events of a room are kept as unread for a user, and how many are let go at once where there are more: of
 * an account that nobody uses, no room should gather entries for ever, and clients show no such numbers.
 */
const MOST_UNREAD = 1000;
const LET_GO = 100;

const NONE: UnreadCounts = { notifications: 0, highlights: 0 };

/** Adds an unread event to its user's counts. Costs two writes. */
export async function addUnread(
  counts: NotificationCount,
  entry: NotificationEntry,
  position: number,
  documents: Documents,
): Promise<void> {
  documents.put(notificationEntries, entry);
  const next = counted(counts, [entry], 1, position);
  documents.put(notificationCounts, next);
  if (next.notifications < MOST_UNREAD + LET_GO) return;
  const all = await documents.find(notificationEntries, { prefix: [next.user_id, next.room_id] });
  // The oldest, but those that are highlighted last.
  const order = [...all.filter(({ highlight }) => !highlight), ...all.filter(({ highlight }) => highlight)];
  removeUnread(next, order.slice(0, LET_GO), position, documents);
}

/** Takes entries away from the counts that they are part of. Costs a write for each, and one. */
export function removeUnread(
  counts: NotificationCount,
  entries: readonly NotificationEntry[],
  position: number,
  documents: Documents,
): void {
  if (entries.length === 0) return;
  for (const entry of entries) {
    documents.delete(notificationEntries, [entry.user_id, entry.room_id, entry.position, entry.index]);
  }
  documents.put(notificationCounts, counted(counts, entries, -1, position));
}

/**
 * Marks events as read: up to a position, all if none is given; those of one thread, or of the room where the
 * thread is `null`.
 */
export async function markRead(
  counts: NotificationCount,
  { upTo, thread }: { readonly upTo?: number; readonly thread: string | null },
  position: number,
  documents: Documents,
): Promise<void> {
  if (counts.notifications === 0) return;
  const prefix = [counts.user_id, counts.room_id];
  const range = upTo === undefined ? { prefix } : { prefix, to: [upTo] };
  const entries = await documents.find(notificationEntries, range);
  const read = thread === null ? entries : entries.filter(({ thread_id }) => thread_id === thread);
  removeUnread(counts, read, position, documents);
}

/** The user has left the room: nothing of it is counted. */
export async function removeCounts(counts: NotificationCount, documents: Documents): Promise<void> {
  const { user_id, room_id } = counts;
  for (const { position, index } of await documents.find(notificationEntries, {
    prefix: [user_id, room_id],
  })) {
    documents.delete(notificationEntries, [user_id, room_id, position, index]);
  }
  documents.delete(notificationCounts, [user_id, room_id]);
}

/** The counts with these entries, or without them. */
function counted(
  counts: NotificationCount,
  entries: readonly NotificationEntry[],
  by: 1 | -1,
  position: number,
): NotificationCount {
  const { user_id, room_id, member_event, displayname, settings } = counts;
  const threads = new Map(Object.entries(counts.threads ?? {}));
  let room: UnreadCounts = counts;
  for (const { highlight, thread_id } of entries) {
    room = plus(room, highlight, by);
    if (thread_id === MAIN) continue;
    const thread = plus(threads.get(thread_id) ?? NONE, highlight, by);
    if (thread.notifications === 0) threads.delete(thread_id);
    else threads.set(thread_id, thread);
  }
  return {
    user_id,
    room_id,
    notifications: room.notifications,
    highlights: room.highlights,
    ...(threads.size === 0 ? {} : { threads: Object.fromEntries(threads) }),
    position,
    member_event,
    ...(displayname === undefined ? {} : { displayname }),
    settings,
  };
}

function plus({ notifications, highlights }: UnreadCounts, highlight: boolean, by: 1 | -1): UnreadCounts {
  return { notifications: notifications + by, highlights: highlights + (highlight ? by : 0) };
}
