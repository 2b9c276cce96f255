import {
  notificationCounts,
  notificationRooms,
  notifiedPages,
  type NotificationCount,
  type NotificationRoom,
  type NotifiedEvent,
} from '../read-models/collections.js';
import {
  blockOf,
  covers,
  isFollowed,
  isHighlighted,
  isOld,
  isReadBy,
} from '../read-models/notified-events.js';
import type { CountedEvents, UnreadCounts } from './counted-events.js';
import type { ReadSide } from './read-side.js';

export type { UnreadCounts };

/** What a user has not read of a room that they have joined, of what notifies them. */
export interface UnreadRoom extends UnreadCounts {
  /** By thread root, those threads that have any; they are part of the counts above, which are the room's. */
  readonly threads: ReadonlyMap<string, UnreadCounts>;
  /** When the counts became what they are, or a little later. */
  readonly changed: number;
}

/** Whose lists and marks are asked. */
export interface Listed {
  readonly member: NotificationCount;
  readonly room: NotificationRoom;
}

type Events = readonly NotifiedEvent[];

/**
 * The unread counts of a room (Client-Server API, Receiving notifications), as of now; undefined where the user has not
 * joined it.
 *
 * Cost: two reads, and a look at each event of the newest block back to what is read of all threads. Where that is beyond
 * the block, the pages: the room's are shared by all who ask, and counted without looking at each of their events, unless
 * some of them are in the member's own list, or the shared one did not count all the time.
 */
export async function unreadCounts(
  side: Pick<ReadSide, 'store' | 'sharedPages'>,
  userId: string,
  roomId: string,
): Promise<UnreadRoom | undefined> {
  // The room first: what is read, and of one's own, is then as new as what is listed, or newer.
  const room = await side.store.collection(notificationRooms).get([roomId]);
  const member = await side.store.collection(notificationCounts).get([userId, roomId]);
  if (room === undefined || member === undefined) return undefined;
  const listed = { member, room };
  const tally = new Tally(member);
  const own = new Set<number>();
  const addOwn = (events: Events) =>
    tally.add(events, (event) => {
      own.add(event[1]);
      return isListedOwn(listed, event);
    });
  if (addOwn(member.recent)) addOwn(await ownPages(side, member));
  const addShared = (events: Events) =>
    tally.add(events, (event) => isListedShared(listed, event) && !own.has(event[1]));
  if (hasShared(listed) && addShared(room.recent) && mayHavePages(listed)) {
    const pages = await side.sharedPages.of(room);
    const [stretch] = member.follows;
    const last = pages.events.at(-1)?.[1] ?? 0;
    const isPlain = member.follows.length === 1 && stretch?.[1] === undefined && !hasUpTo(own, last);
    if (isPlain) tally.addCounted(pages, stretch?.[0] ?? 0);
    else addShared(pages.events);
  }
  return { ...tally.counts, threads: tally.threads, changed: changedAt(listed) };
}

/** Whether anything of the shared list may be for the member: where nobody else has spoken, it is all of their own. */
export function hasShared({ member, room }: Listed): boolean {
  return member.follows.length > 0 && room.speaker !== member.user_id;
}

/** Whether an event of the shared list is for the member, where their own does not have it. */
export function isListedShared({ member }: Listed, event: NotifiedEvent): boolean {
  return isFollowed(member.follows, event[1]);
}

/** Whether an event of the member's own list is listed still: it goes as the shared one's do, when a block begins. */
export function isListedOwn({ room }: Listed, event: NotifiedEvent): boolean {
  return !isOld(event, room.recent[0]?.[1] ?? 0);
}

/** Whether the member may be told of more than the newest block of the shared list. */
export function mayHavePages({ member: { follows }, room: { recent } }: Listed): boolean {
  return (recent[0]?.[1] ?? 0) > (follows[0]?.[0] ?? 0);
}

function hasUpTo(ordinals: ReadonlySet<number>, last: number): boolean {
  for (const ordinal of ordinals) if (ordinal <= last) return true;
  return false;
}

function changedAt(listed: Listed): number {
  const { member, room } = listed;
  const newest = room.recent.findLast((event) => isListedShared(listed, event)) ?? room.recent[0];
  return Math.max(
    member.position,
    room.removed,
    member.recent.at(-1)?.[0] ?? -1,
    (hasShared(listed) ? newest?.[0] : undefined) ?? -1,
  );
}

async function ownPages(
  { store }: Pick<ReadSide, 'store'>,
  { user_id, room_id, recent }: NotificationCount,
): Promise<Events> {
  const range = { prefix: [user_id, room_id], before: [blockOf(recent[0]?.[1] ?? 0)] };
  return (await store.collection(notifiedPages).find(range)).flatMap(({ events }) => events);
}

/** Counts what a member has not read. */
class Tally {
  readonly threads = new Map<string, UnreadCounts>();
  readonly #member: NotificationCount;
  #notifications = 0;
  #highlights = 0;

  constructor(member: NotificationCount) {
    this.#member = member;
  }

  get counts(): UnreadCounts {
    return { notifications: this.#notifications, highlights: this.#highlights };
  }

  /** Counts events of a list that are for the member, from the newest back; false where all that is older is read. */
  add(events: Events, isTheirs: (event: NotifiedEvent) => boolean): boolean {
    const { read } = this.#member;
    for (let i = events.length - 1; i >= 0; i--) {
      const event = events[i];
      if (event === undefined) continue;
      if (covers(read, event)) return false;
      if (isReadBy(this.#member, event) || !isTheirs(event)) continue;
      this.#count(event[3] ?? '', { notifications: 1, highlights: Number(isHighlighted(event)) });
    }
    return events.length > 0;
  }

  addCounted(events: CountedEvents, after: number): void {
    for (const [root, counts] of events.unread(this.#member, after)) this.#count(root, counts);
  }

  #count(root: string, { notifications, highlights }: UnreadCounts): void {
    this.#notifications += notifications;
    this.#highlights += highlights;
    if (root === '') return;
    const before = this.threads.get(root);
    this.threads.set(root, {
      notifications: (before?.notifications ?? 0) + notifications,
      highlights: (before?.highlights ?? 0) + highlights,
    });
  }
}
