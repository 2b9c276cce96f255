import {
  notificationCounts,
  unreadPages,
  type NotificationCount,
  type UnreadCounts,
  type UnreadEvent,
} from '../src/read-models/collections.js';
import type { Range } from '../src/read-models/store.js';
import type { Documents } from './projection.js';

/** The thread of events that are in none (Client-Server API, Threaded read receipts). */
export const MAIN = 'main';

/** So many unread events are in the document of the counts; when there are, they become a page. */
const PAGE = 32;

/**
 * How many events of a room are kept as unread for a user, and how many are let go at once where there are more: of
 * an account that nobody uses, no room should gather events for ever, and clients show no such numbers.
 */
const MOST_UNREAD = 1000;
const LET_GO = 100;

const NONE: UnreadCounts = { notifications: 0, highlights: 0 };

/** Counts one more event. Costs a write, and now and then a page. */
export async function addUnread(
  counts: NotificationCount,
  added: { position: number; index: number; highlight: boolean; thread: string },
  documents: Documents,
): Promise<void> {
  const { position, index, highlight, thread } = added;
  const place = [position, index, highlight ? 1 : 0] as const;
  const event: UnreadEvent = thread === MAIN ? place : [...place, thread];
  const next = counted(counts, [event], 1, [...counts.recent, event], position);
  documents.put(notificationCounts, next);
  const [first] = next.recent;
  if (first === undefined || next.recent.length < PAGE) return;
  const { user_id, room_id, recent: events } = next;
  documents.put(unreadPages, { user_id, room_id, position: first[0], index: first[1], events });
  const paged = { ...next, recent: [] };
  documents.put(notificationCounts, paged);
  if (paged.notifications >= MOST_UNREAD + LET_GO) await letGo(paged, position, documents);
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
  const isRead = ([at, , , of = MAIN]: UnreadEvent) =>
    (upTo === undefined || at <= upTo) && (thread === null || of === thread);
  await remove(counts, isRead, upTo === undefined ? {} : { to: [upTo] }, position, documents);
}

/** Counts one event no longer, if it was. */
export async function forgetUnread(
  counts: NotificationCount,
  event: { readonly position: number; readonly index: number },
  position: number,
  documents: Documents,
): Promise<void> {
  const isIt = ([at, index]: UnreadEvent) => at === event.position && index === event.index;
  // The page that it would be on.
  const range = { to: [event.position, event.index], reverse: true, limit: 1 };
  await remove(counts, isIt, range, position, documents);
}

/** The user has left the room: nothing of it is counted. */
export async function removeCounts(
  { user_id, room_id }: NotificationCount,
  documents: Documents,
): Promise<void> {
  for (const { position, index } of await documents.find(unreadPages, { prefix: [user_id, room_id] })) {
    documents.delete(unreadPages, [user_id, room_id, position, index]);
  }
  documents.delete(notificationCounts, [user_id, room_id]);
}

/** The oldest events go, but those that are highlighted last. */
async function letGo(counts: NotificationCount, position: number, documents: Documents): Promise<void> {
  let left = Math.min(LET_GO, counts.notifications - counts.highlights);
  const plain = left;
  const next = await remove(
    counts,
    ([, , highlight]) => highlight === 0 && left-- > 0,
    {},
    position,
    documents,
  );
  left = LET_GO - plain;
  if (left > 0) await remove(next, () => left-- > 0, {}, position, documents);
}

/**
 * Takes events away from the counts, asking of each, from the oldest on: of those on the pages of a range, and of
 * the recent ones.
 */
async function remove(
  counts: NotificationCount,
  goes: (event: UnreadEvent) => boolean,
  range: Omit<Range, 'prefix'>,
  position: number,
  documents: Documents,
): Promise<NotificationCount> {
  const { user_id, room_id } = counts;
  const gone: UnreadEvent[] = [];
  const stays = (event: UnreadEvent) => {
    if (!goes(event)) return true;
    gone.push(event);
    return false;
  };
  if (counts.notifications > counts.recent.length) {
    const prefix = [user_id, room_id];
    for (const page of await documents.find(unreadPages, { ...range, prefix })) {
      const events = page.events.filter(stays);
      if (events.length === 0) documents.delete(unreadPages, [...prefix, page.position, page.index]);
      else if (events.length < page.events.length) documents.put(unreadPages, { ...page, events });
    }
  }
  const recent = counts.recent.filter(stays);
  if (gone.length === 0) return counts;
  const next = counted(counts, gone, -1, recent, position);
  documents.put(notificationCounts, next);
  return next;
}

/** The counts with these events, or without them. */
function counted(
  counts: NotificationCount,
  events: readonly UnreadEvent[],
  by: 1 | -1,
  recent: readonly UnreadEvent[],
  position: number,
): NotificationCount {
  const { user_id, room_id, member_event, displayname, settings } = counts;
  const threads = new Map(Object.entries(counts.threads ?? {}));
  let room: UnreadCounts = counts;
  for (const [, , highlight, root] of events) {
    room = plus(room, highlight, by);
    if (root === undefined) continue;
    const thread = plus(threads.get(root) ?? NONE, highlight, by);
    if (thread.notifications === 0) threads.delete(root);
    else threads.set(root, thread);
  }
  return {
    user_id,
    room_id,
    notifications: room.notifications,
    highlights: room.highlights,
    ...(threads.size === 0 ? {} : { threads: Object.fromEntries(threads) }),
    position,
    recent,
    member_event,
    ...(displayname === undefined ? {} : { displayname }),
    settings,
  };
}

function plus({ notifications, highlights }: UnreadCounts, highlight: 0 | 1, by: 1 | -1): UnreadCounts {
  return { notifications: notifications + by, highlights: highlights + highlight * by };
}
