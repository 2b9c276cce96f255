import {
  notificationCounts,
  notifiedPages,
  notifiedRoomPages,
  type NotificationCount,
  type NotificationRoom,
  type NotifiedEvent,
} from '../src/read-models/collections.js';
import { blockOf, isOld, MOST_NOTIFIED } from '../src/read-models/notified-events.js';
import type { Range } from '../src/read-models/store.js';
import type { Documents } from './projection.js';

/**
 * How events are listed that notify somebody: in blocks, the newest in its owner's document, each other one on a page.
 * The owner is a member, or a room, whose list is that of all who have the predefined settings. What is stored follows
 * from which events there are, and from nothing else.
 */
export interface EventList {
  readonly recent: readonly NotifiedEvent[];
  /** Pages by their blocks, in their order. Where there are any, the newest block is not empty. */
  readonly pages: Pages;
}

interface Pages {
  find(range: Omit<Range, 'prefix'>): Promise<readonly Page[]>;
  put(page: Page): void;
  delete(block: number): void;
}

interface Page {
  readonly block: number;
  readonly events: readonly NotifiedEvent[];
}

/** A list's newest block as it is now, and whether pages became others. */
export interface ChangedList {
  readonly recent: readonly NotifiedEvent[];
  readonly isPaged: boolean;
}

export function memberList({ user_id, room_id, recent }: NotificationCount, documents: Documents): EventList {
  const prefix = [user_id, room_id];
  return {
    recent,
    pages: {
      find: (range) => documents.find(notifiedPages, { ...range, prefix }),
      put: ({ block, events }) => {
        documents.put(notifiedPages, { user_id, room_id, block, events });
      },
      delete: (block) => {
        documents.delete(notifiedPages, [user_id, room_id, block]);
      },
    },
  };
}

export function roomList({ room_id, recent }: NotificationRoom, documents: Documents): EventList {
  return {
    recent,
    pages: {
      find: (range) => documents.find(notifiedRoomPages, { ...range, prefix: [room_id] }),
      put: ({ block, events }) => {
        documents.put(notifiedRoomPages, { room_id, block, events });
      },
      delete: (block) => {
        documents.delete(notifiedRoomPages, [room_id, block]);
      },
    },
  };
}

/** Lists one more event, the room's newest. Costs a page, and a read of what is too old, for the first of a block. */
export async function withEvent({ recent, pages }: EventList, event: NotifiedEvent): Promise<ChangedList> {
  const [first] = recent;
  const [, ordinal] = event;
  if (first === undefined || blockOf(first[1]) === blockOf(ordinal)) {
    return { recent: [...recent, event], isPaged: false };
  }
  pages.put({ block: blockOf(first[1]), events: recent });
  const old = await pages.find({ to: [blockOf(ordinal - MOST_NOTIFIED)] });
  takeFromPages(old, (listed) => isOld(listed, ordinal), pages);
  return { recent: [event], isPaged: true };
}

/** Lists one event no longer; undefined where it was not. Costs a read, where it is none of the newest. */
export async function withoutEvent(list: EventList, ordinal: number): Promise<ChangedList | undefined> {
  const [first] = list.recent;
  if (first === undefined) return undefined;
  const block = blockOf(ordinal);
  const pages = block < blockOf(first[1]) ? await list.pages.find({ from: [block], to: [block] }) : [];
  return without(list, ([, of]) => of === ordinal, pages);
}

/** Which events go: those up to a number, single ones, and those that are too old when the room has `newest` events. */
export interface Going {
  readonly upTo: number;
  readonly gone: ReadonlySet<number>;
  readonly newest: number;
}

/**
 * Lists events no longer, and what is too old by now neither; afterwards the list is that of the events that are left,
 * however these came to be left. Undefined where nothing goes. Costs a read for what is old, and one for each block
 * with events that go.
 */
export async function withoutEvents(list: EventList, going: Going): Promise<ChangedList | undefined> {
  const { upTo, gone, newest } = going;
  if (list.recent.length === 0) return undefined;
  const first = blockOf(Math.max(upTo, newest - MOST_NOTIFIED));
  const pages = [...(await list.pages.find(Number.isFinite(first) ? { to: [first] } : {}))];
  const blocks = new Set([...gone].map(blockOf).filter((block) => block > first));
  for (const block of blocks) pages.push(...(await list.pages.find({ from: [block], to: [block] })));
  return without(list, (event) => event[1] <= upTo || gone.has(event[1]) || isOld(event, newest), pages);
}

/** The user has left the room: nothing of it is listed. */
export async function removeCounts(counts: NotificationCount, documents: Documents): Promise<void> {
  const { pages } = memberList(counts, documents);
  for (const { block } of await pages.find({})) pages.delete(block);
  documents.delete(notificationCounts, [counts.user_id, counts.room_id]);
}

async function without(
  { recent, pages }: EventList,
  goes: (event: NotifiedEvent) => boolean,
  looked: readonly Page[],
): Promise<ChangedList | undefined> {
  let isPaged = takeFromPages(looked, goes, pages);
  let left: readonly NotifiedEvent[] = recent.filter((event) => !goes(event));
  if (left.length === recent.length) return isPaged ? { recent, isPaged } : undefined;
  if (left.length === 0) {
    const [last] = await pages.find({ reverse: true, limit: 1 });
    if (last !== undefined) {
      pages.delete(last.block);
      left = last.events;
      isPaged = true;
    }
  }
  return { recent: left, isPaged };
}

function takeFromPages(
  looked: readonly Page[],
  goes: (event: NotifiedEvent) => boolean,
  pages: Pages,
): boolean {
  let isPaged = false;
  for (const { block, events } of looked) {
    const left = events.filter((event) => !goes(event));
    if (left.length === events.length) continue;
    isPaged = true;
    if (left.length === 0) pages.delete(block);
    else pages.put({ block, events: left });
  }
  return isPaged;
}
