import {
  notificationCounts,
  notificationRooms,
  notifiedInvitations,
  notifiedPages,
  notifiedRoomPages,
  type NotificationCount,
  type NotifiedEvent,
} from '../read-models/collections.js';
import { blockOf, isReadBy } from '../read-models/notified-events.js';
import type { CollectionDefinition, Document, Key } from '../read-models/store.js';
import type { Courtesy } from '../runtime/courtesy.js';
import type { ReadSide } from './read-side.js';
import { hasShared, isListedOwn, isListedShared, mayHavePages, type Listed } from './unread-counts.js';

/** An event that has notified a user, or everybody in its room: its sender, too. */
export interface Notified {
  readonly roomId: string;
  readonly event: NotifiedEvent;
  readonly isRead: boolean;
}

/** Where an event is among those that notify a user: its position in the log, and its number in its room, as events of one commit share a position. */
export interface NotifiedPlace {
  readonly position: number;
  readonly ordinal: number;
}

/** Events of one room, none of them newer than `newest`; `read` gives them, and the older ones that follow. */
interface Source {
  readonly newest: number;
  readonly read: () => Promise<{ readonly found: readonly Candidate[]; readonly older: Source | undefined }>;
}

interface Candidate extends Notified {
  /** Of the user's own list, which goes before the shared one. */
  readonly isOwn: boolean;
}

type Side = Pick<ReadSide, 'store'>;
type Events = readonly NotifiedEvent[];

/** Documents that are read at once. */
const BATCH = 50;

/**
 * The events that have notified a user and are listed still, before a place if one is given, newest first. They lie room
 * by room, so this merges: it reads what has the newest events of every room that the user has joined, and of what is
 * older no more than is asked for. All that are newer than the place are read too.
 */
export async function* notifiedBefore(
  side: Side,
  userId: string,
  place: NotifiedPlace | undefined,
  courtesy: Courtesy,
): AsyncGenerator<Notified> {
  /** Those that may have the newest events last, as all that waits here. */
  const sources = [
    ...(await invitations(side, userId, courtesy)),
    ...(await joinedRooms(side, userId, courtesy)),
  ].sort((a, b) => a.newest - b.newest);
  const waiting: Candidate[] = [];
  let given: Candidate | undefined;
  for (;;) {
    const source = sources.pop();
    const newest = source?.newest ?? -1;
    for (let last = waiting.at(-1); last !== undefined && last.event[0] > newest; last = waiting.at(-1)) {
      waiting.pop();
      if (given !== undefined && isSame(last, given)) continue;
      given = last;
      yield last;
    }
    if (source === undefined) return;
    const { found, older } = await source.read();
    const eligible = found.filter(({ event }) => place === undefined || isBefore(event, place));
    if (eligible.length > 0) {
      waiting.push(...eligible);
      waiting.sort(compare);
    }
    if (older !== undefined) {
      const at = sources.findLastIndex((other) => other.newest <= older.newest);
      sources.splice(at + 1, 0, older);
    }
    await courtesy.turn();
  }
}

function isBefore([at, number]: NotifiedEvent, { position, ordinal }: NotifiedPlace): boolean {
  return at < position || (at === position && number < ordinal);
}

/** Oldest first; of the same event what the user's own list says last. */
function compare(a: Candidate, b: Candidate): number {
  return (
    a.event[0] - b.event[0] ||
    a.event[1] - b.event[1] ||
    (a.roomId === b.roomId ? Number(a.isOwn) - Number(b.isOwn) : a.roomId < b.roomId ? -1 : 1)
  );
}

function isSame(a: Candidate, b: Candidate): boolean {
  return a.roomId === b.roomId && a.event[1] === b.event[1];
}

async function invitations(side: Side, userId: string, courtesy: Courtesy): Promise<Source[]> {
  const sources: Source[] = [];
  for await (const { position, room_id: roomId, event } of all(side, notifiedInvitations, userId)) {
    const found = [{ roomId, event, isRead: false, isOwn: true }];
    sources.push({ newest: position, read: () => Promise.resolve({ found, older: undefined }) });
    await courtesy.turn();
  }
  return sources;
}

async function joinedRooms(side: Side, userId: string, courtesy: Courtesy): Promise<Source[]> {
  const sources: Source[] = [];
  let members: NotificationCount[] = [];
  const look = async () => {
    const keys = members.map(({ room_id }) => [room_id]);
    const rooms = await side.store.collection(notificationRooms).getMany(keys);
    for (const [n, member] of members.entries()) {
      const room = rooms[n];
      if (room !== undefined) sources.push(...listsOf(side, { member, room }));
    }
    members = [];
    await courtesy.turn();
  };
  for await (const member of all(side, notificationCounts, userId)) {
    members.push(member);
    if (members.length === BATCH) await look();
  }
  await look();
  return sources;
}

/** The member's own list of a room, and the shared one as far as it is for them. */
function listsOf({ store }: Side, listed: Listed): Source[] {
  const { member, room } = listed;
  const { user_id: userId, room_id: roomId } = member;
  const candidates = (events: Events, isOwn: boolean) =>
    events
      .filter((event) => (isOwn ? isListedOwn(listed, event) : isListedShared(listed, event)))
      .map((event) => ({ roomId, event, isRead: isReadBy(member, event), isOwn }));
  const last = { reverse: true, limit: 1 };
  const own = list(
    member.recent,
    (events) => candidates(events, true),
    (block) => store.collection(notifiedPages).find({ ...last, prefix: [userId, roomId], before: [block] }),
  );
  const shared = list(
    hasShared(listed) ? room.recent : [],
    (events) => candidates(events, false),
    async (block) =>
      mayHavePages(listed)
        ? store.collection(notifiedRoomPages).find({ ...last, prefix: [roomId], before: [block] })
        : [],
  );
  return [...own, ...shared];
}

/** A list by its newest block, and the pages before it. */
function list(
  recent: Events,
  candidates: (events: Events) => readonly Candidate[],
  pageBefore: (block: number) => Promise<readonly { readonly block: number; readonly events: Events }[]>,
): Source[] {
  /** What is older than a block: none of it newer than what the block begins with. */
  const olderThan = (newest: number, block: number): Source => ({
    newest,
    read: async () => {
      const [page] = await pageBefore(block);
      if (page === undefined) return { found: [], older: undefined };
      const older = olderThan(page.events[0]?.[0] ?? newest, page.block);
      return { found: candidates(page.events), older };
    },
  });
  const [first, newest] = [recent[0], recent.at(-1)];
  if (first === undefined || newest === undefined) return [];
  const found = candidates(recent);
  const older = olderThan(first[0], blockOf(first[1]));
  return [{ newest: newest[0], read: () => Promise.resolve({ found, older }) }];
}

/** All documents of a collection of which the keys begin with a user and a room. */
async function* all<D extends Document & { room_id: string }>(
  { store }: Side,
  definition: CollectionDefinition<D>,
  userId: string,
): AsyncGenerator<D> {
  let after: Key | undefined;
  for (;;) {
    const range = { prefix: [userId], ...(after === undefined ? {} : { after }), limit: BATCH };
    const found = await store.collection(definition).find(range);
    yield* found;
    const last = found.at(-1);
    if (last === undefined || found.length < BATCH) return;
    after = [last.room_id];
  }
}
