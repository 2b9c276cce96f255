import {
  notificationCounts,
  notifiedPages,
  type NotificationCount,
  type NotifiedEvent,
  type NotifiedPage,
  type UnreadCounts,
} from '../src/read-models/collections.js';
import {
  asRead,
  isHighlighted,
  isRead,
  notifiedEvent,
  type KeptDecision,
} from '../src/read-models/notified-events.js';
import type { Range } from '../src/read-models/store.js';
import type { Documents } from './projection.js';

/** The thread of events that are in none (Client-Server API, Threaded read receipts). */
export const MAIN = 'main';

/** So many numbers of a room's events make a block. */
const BLOCK = 32;

/**
 * Among how many of a room's newest events one must be to be listed: of an account that nobody uses, no room
 * should gather events for ever, and clients show no such numbers. What goes by the room's events, whatever they are
 * and whom they notify, is the same when some of them have lost their content.
 */
const MOST_NOTIFIED = 1000;
const MOST_HIGHLIGHTED = 10_000;

const NONE: UnreadCounts = { notifications: 0, highlights: 0 };

/**
 * How the events are kept that notify a user, read ones too: in blocks, the newest in the document of the counts, each
 * other one on a page. What is stored follows from which events there are, and which of them are read, and from
 * nothing else.
 */
function blockOf(ordinal: number): number {
  return Math.floor(ordinal / BLOCK);
}

/** What becomes of an event: it stays as it is, is another, or goes. */
type Change = (event: NotifiedEvent) => NotifiedEvent | undefined;

/** Lists one more event, the room's newest, as unread. Costs a write, and for the first of a block a page. */
export async function addNotified(
  counts: NotificationCount,
  added: { position: number; ordinal: number; decision: KeptDecision; thread: string },
  documents: Documents,
): Promise<void> {
  const { position, ordinal, decision, thread } = added;
  const event = notifiedEvent(position, ordinal, decision, thread === MAIN ? '' : thread);
  const [first] = counts.recent;
  if (first === undefined || blockOf(first[1]) === blockOf(ordinal)) {
    documents.put(notificationCounts, counted(counts, [event], 1, [...counts.recent, event], position));
    return;
  }
  putPage(counts, blockOf(first[1]), counts.recent, documents);
  const next = counted(counts, [event], 1, [event], position);
  documents.put(notificationCounts, next);
  const old = await pagesIn(counts, { to: [blockOf(ordinal - MOST_NOTIFIED)] }, documents);
  await rewrite(next, without(isOld(ordinal)), old, position, documents);
}

/**
 * Marks events as read: up to a position, all if none is given; those of one thread, or of the room where the
 * thread is `null`. Costs a write, and the pages that have unread events, where there are such.
 */
export async function markRead(
  counts: NotificationCount,
  { upTo, thread }: { readonly upTo?: number; readonly thread: string | null },
  position: number,
  documents: Documents,
): Promise<void> {
  const { user_id, room_id, recent, notifications } = counts;
  if (notifications === 0) return;
  const change: Change = (event) => {
    const [at, , , root = ''] = event;
    const isMeant = (upTo === undefined || at <= upTo) && (thread === null || (root || MAIN) === thread);
    return isRead(event) || !isMeant ? event : asRead(event);
  };
  const isPaged = notifications > recent.reduce((count, event) => count + Number(!isRead(event)), 0);
  const range = { prefix: [user_id, room_id] };
  const pages = isPaged ? await documents.find(notifiedPages, range, 'unread') : [];
  await rewrite(counts, change, pages, position, documents);
}

/** Lists one event no longer, if it was. Costs a read, where it is none of the newest. */
export async function forgetNotified(
  counts: NotificationCount,
  ordinal: number,
  position: number,
  documents: Documents,
): Promise<void> {
  const block = blockOf(ordinal);
  const [first] = counts.recent;
  if (first === undefined) return;
  const pages =
    block < blockOf(first[1]) ? await pagesIn(counts, { from: [block], to: [block] }, documents) : [];
  await rewrite(
    counts,
    without(([, of]) => of === ordinal),
    pages,
    position,
    documents,
  );
}

/**
 * Lists events no longer, those up to a number and single ones, and what is too old by now neither, and says that the
 * counts have changed even where they have not: afterwards they are those of the events that are left, however these
 * came to be left. Costs a read for what is old, and one for each block with events that go.
 */
export async function settleNotified(
  counts: NotificationCount,
  {
    upTo,
    gone,
    newest,
  }: { readonly upTo: number; readonly gone: ReadonlySet<number>; readonly newest: number },
  position: number,
  documents: Documents,
): Promise<void> {
  const old = isOld(newest);
  const first = blockOf(Math.max(upTo, newest - MOST_NOTIFIED));
  const pages = await pagesIn(counts, Number.isFinite(first) ? { to: [first] } : {}, documents);
  const blocks = new Set([...gone].map(blockOf).filter((block) => block > first));
  for (const block of blocks)
    pages.push(...(await pagesIn(counts, { from: [block], to: [block] }, documents)));
  const change = without((event) => event[1] <= upTo || gone.has(event[1]) || old(event));
  const next = await rewrite(counts, change, pages, position, documents);
  documents.put(notificationCounts, { ...next, position });
}

/** The user has left the room: nothing of it is listed. */
export async function removeCounts(counts: NotificationCount, documents: Documents): Promise<void> {
  const { user_id, room_id } = counts;
  for (const { block } of await pagesIn(counts, {}, documents)) {
    documents.delete(notifiedPages, [user_id, room_id, block]);
  }
  documents.delete(notificationCounts, [user_id, room_id]);
}

/** Whether too much has happened in the room after an event. */
function isOld(newest: number): (event: NotifiedEvent) => boolean {
  return (event) => event[1] <= newest - (isHighlighted(event) ? MOST_HIGHLIGHTED : MOST_NOTIFIED);
}

function without(goes: (event: NotifiedEvent) => boolean): Change {
  return (event) => (goes(event) ? undefined : event);
}

function pagesIn(
  { user_id, room_id }: NotificationCount,
  range: Omit<Range, 'prefix'>,
  documents: Documents,
): Promise<NotifiedPage[]> {
  return documents.find(notifiedPages, { ...range, prefix: [user_id, room_id] });
}

/** Changes events of some pages, and of the newest block, and the counts by those that are unread no more. */
async function rewrite(
  counts: NotificationCount,
  change: Change,
  pages: readonly NotifiedPage[],
  position: number,
  documents: Documents,
): Promise<NotificationCount> {
  const settled: NotifiedEvent[] = [];
  const changed = (events: readonly NotifiedEvent[]): readonly NotifiedEvent[] => {
    let next: NotifiedEvent[] | undefined;
    for (const [n, event] of events.entries()) {
      const after = change(event);
      if (after !== event) {
        next ??= events.slice(0, n);
        if (!isRead(event)) settled.push(event);
      }
      if (after !== undefined) next?.push(after);
    }
    return next ?? events;
  };
  for (const page of pages) {
    const events = changed(page.events);
    if (events !== page.events) putPage(counts, page.block, events, documents);
  }
  let recent = changed(counts.recent);
  if (settled.length === 0 && recent === counts.recent) return counts;
  if (recent.length === 0 && counts.recent.length > 0) recent = await takeLastPage(counts, documents);
  const at = settled.length === 0 ? counts.position : position;
  const next = counted(counts, settled, -1, recent, at);
  documents.put(notificationCounts, next);
  return next;
}

/** A page has its place among all of the user's by its last event, and one among those with unread ones if it has any. */
function putPage(
  { user_id, room_id }: NotificationCount,
  block: number,
  events: readonly NotifiedEvent[],
  documents: Documents,
): void {
  const last = events.at(-1);
  if (last === undefined) {
    documents.delete(notifiedPages, [user_id, room_id, block]);
    return;
  }
  const unread = events.every(isRead) ? {} : { unread_block: block };
  documents.put(notifiedPages, { user_id, room_id, block, position: last[0], ...unread, events });
}

async function takeLastPage(
  { user_id, room_id }: NotificationCount,
  documents: Documents,
): Promise<readonly NotifiedEvent[]> {
  const range = { prefix: [user_id, room_id], reverse: true, limit: 1 };
  const [last] = await documents.find(notifiedPages, range);
  if (last === undefined) return [];
  documents.delete(notifiedPages, [user_id, room_id, last.block]);
  return last.events;
}

/** The counts with these events, or without them. */
function counted(
  counts: NotificationCount,
  events: readonly NotifiedEvent[],
  by: 1 | -1,
  recent: readonly NotifiedEvent[],
  position: number,
): NotificationCount {
  const { user_id, room_id, member_event, displayname, settings } = counts;
  const threads = new Map(Object.entries(counts.threads ?? {}));
  let room: UnreadCounts = counts;
  for (const event of events) {
    const [, , , root = ''] = event;
    const highlight = isHighlighted(event) ? 1 : 0;
    room = plus(room, highlight, by);
    if (root === '') continue;
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
