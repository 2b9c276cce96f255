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

/** So many numbers of a room's events make a block. */
const BLOCK = 32;

/**
 * Among how many of a room's newest events one must be to count as unread: of an account that nobody uses, no room
 * should gather events for ever, and clients show no such numbers. What goes by the room's events, whatever they are
 * and whom they notify, is the same when some of them have lost their content.
 */
const MOST_UNREAD = 1000;
const MOST_HIGHLIGHTED = 10_000;

const NONE: UnreadCounts = { notifications: 0, highlights: 0 };

/**
 * How a user's unread events are kept: in blocks, the newest in the document of the counts, each other one on a page.
 * What is stored follows from which events are unread, and from nothing else.
 */
function blockOf([, ordinal]: UnreadEvent): number {
  return Math.floor(ordinal / BLOCK);
}

/** Counts one more event, the room's newest. Costs a write, and for the first of a block a page. */
export async function addUnread(
  counts: NotificationCount,
  added: { position: number; ordinal: number; highlight: boolean; thread: string },
  documents: Documents,
): Promise<void> {
  const { position, ordinal, highlight, thread } = added;
  const place = [position, ordinal, highlight ? 1 : 0] as const;
  const event: UnreadEvent = thread === MAIN ? place : [...place, thread];
  const [first] = counts.recent;
  if (first === undefined || blockOf(first) === blockOf(event)) {
    documents.put(notificationCounts, counted(counts, [event], 1, [...counts.recent, event], position));
    return;
  }
  const { user_id, room_id, recent: events } = counts;
  documents.put(unreadPages, { user_id, room_id, block: blockOf(first), events });
  const next = counted(counts, [event], 1, [event], position);
  documents.put(notificationCounts, next);
  const old = { to: [Math.floor((ordinal - MOST_UNREAD) / BLOCK)] };
  await remove(next, isOld(ordinal), old, position, documents);
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
  await remove(counts, isRead, {}, position, documents);
}

/** Counts one event no longer, if it was. */
export async function forgetUnread(
  counts: NotificationCount,
  ordinal: number,
  position: number,
  documents: Documents,
): Promise<void> {
  const block = [Math.floor(ordinal / BLOCK)];
  await remove(counts, ([, of]) => of === ordinal, { from: block, to: block }, position, documents);
}

/**
 * Counts events no longer, and what is too old by now neither, and says that the counts have changed even where they
 * have not: afterwards they are those of the events that are left, however these came to be left.
 */
export async function settleUnread(
  counts: NotificationCount,
  { goes, newest }: { readonly goes: (ordinal: number) => boolean; readonly newest: number },
  position: number,
  documents: Documents,
): Promise<void> {
  const old = isOld(newest);
  const next = await remove(counts, (event) => goes(event[1]) || old(event), {}, position, documents);
  documents.put(notificationCounts, { ...next, position });
}

/** The user has left the room: nothing of it is counted. */
export async function removeCounts(
  { user_id, room_id }: NotificationCount,
  documents: Documents,
): Promise<void> {
  for (const { block } of await documents.find(unreadPages, { prefix: [user_id, room_id] })) {
    documents.delete(unreadPages, [user_id, room_id, block]);
  }
  documents.delete(notificationCounts, [user_id, room_id]);
}

/** Whether too much has happened in the room after an event. */
function isOld(newest: number): (event: UnreadEvent) => boolean {
  return ([, ordinal, highlight]) => ordinal <= newest - (highlight === 1 ? MOST_HIGHLIGHTED : MOST_UNREAD);
}

/**
 * Takes events away from the counts, asking of each, from the oldest on: of those on the pages of a range of blocks,
 * and of the recent ones.
 */
async function remove(
  counts: NotificationCount,
  goes: (event: UnreadEvent) => boolean,
  range: Omit<Range, 'prefix'>,
  position: number,
  documents: Documents,
): Promise<NotificationCount> {
  const prefix = [counts.user_id, counts.room_id];
  const gone: UnreadEvent[] = [];
  const stays = (event: UnreadEvent) => {
    if (!goes(event)) return true;
    gone.push(event);
    return false;
  };
  const isPaged = counts.notifications > counts.recent.length;
  if (isPaged) {
    for (const page of await documents.find(unreadPages, { ...range, prefix })) {
      const events = page.events.filter(stays);
      if (events.length === 0) documents.delete(unreadPages, [...prefix, page.block]);
      else if (events.length < page.events.length) documents.put(unreadPages, { ...page, events });
    }
  }
  let recent = counts.recent.filter(stays);
  if (gone.length === 0) return counts;
  if (recent.length === 0 && isPaged) recent = await takeLastPage(prefix, documents);
  const next = counted(counts, gone, -1, recent, position);
  documents.put(notificationCounts, next);
  return next;
}

async function takeLastPage(prefix: readonly string[], documents: Documents): Promise<UnreadEvent[]> {
  const [last] = await documents.find(unreadPages, { prefix, reverse: true, limit: 1 });
  if (last === undefined) return [];
  documents.delete(unreadPages, [...prefix, last.block]);
  return [...last.events];
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
