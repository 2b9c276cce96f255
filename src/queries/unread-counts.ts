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
import type { ReadSide } from './read-side.js';

export interface UnreadCounts {
  readonly notifications: number;
  /** Those of them that are highlighted. */
  readonly highlights: number;
}

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
 * Cost: two reads, and a look at each listed event back to what is read of all threads, a thousand or so at most; the pages
 * where that is beyond the newest block, which all who ask share as far as they are the room's.
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
    addShared(await side.sharedPages.of(room));
  }
  return { ...tally.counts, threads: tally.threads, changed: changedAt(listed) };
}

/** Whether anything of the shared list may be for the member: where nobody else has spoken, it is all of their own. */
export function hasShared({ member, room }: Listed): boolean {
  return member.follows.length > 0 && room.speaker !== member.user_id;
}

/** Whether an event of the shared list is for the member, where their own does not have it. */
export function isListedShared({ member }: Listed, [, ordinal]: NotifiedEvent): boolean {
  return isFollowed(member.follows, ordinal);
}

/** Whether an event of the member's own list is listed still: it goes as the shared one's do, when a block begins. */
export function isListedOwn({ room }: Listed, event: NotifiedEvent): boolean {
  return !isOld(event, room.recent[0]?.[1] ?? 0);
}

/** Whether the member may be told of more than the newest block of the shared list. */
export function mayHavePages({ member: { follows }, room: { recent } }: Listed): boolean {
  return (recent[0]?.[1] ?? 0) > (follows[0]?.[0] ?? 0);
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
  #counts: UnreadCounts = { notifications: 0, highlights: 0 };

  constructor(member: NotificationCount) {
    this.#member = member;
  }

  get counts(): UnreadCounts {
    return this.#counts;
  }

  /** Counts events of a list that are for the member, from the newest back; false where all that is older is read. */
  add(events: Events, isTheirs: (event: NotifiedEvent) => boolean): boolean {
    const { read } = this.#member;
    for (let i = events.length - 1; i >= 0; i--) {
      const event = events[i];
      if (event === undefined) continue;
      if (covers(read, event)) return false;
      if (isTheirs(event) && !isReadBy(this.#member, event)) this.#count(event);
    }
    return events.length > 0;
  }

  #count(event: NotifiedEvent): void {
    const [, , , root = ''] = event;
    const highlight = Number(isHighlighted(event));
    this.#counts = plus(this.#counts, highlight);
    if (root !== '') this.threads.set(root, plus(this.threads.get(root), highlight));
  }
}

function plus(counts: UnreadCounts | undefined, highlight: number): UnreadCounts {
  return {
    notifications: (counts?.notifications ?? 0) + 1,
    highlights: (counts?.highlights ?? 0) + highlight,
  };
}
