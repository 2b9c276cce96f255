import {
  notificationCounts,
  notifiedInvitations,
  notifiedPages,
  type NotifiedEvent,
} from '../read-models/collections.js';
import type { CollectionDefinition, Document, Key } from '../read-models/store.js';
import type { Courtesy } from '../runtime/courtesy.js';
import type { ReadSide } from './read-side.js';

/** An event that has notified a user. */
export interface Notified {
  readonly roomId: string;
  readonly event: NotifiedEvent;
}

/** Where an event is among those that notify a user: its position in the log, and its number in its room, as events of one commit share a position. */
export interface NotifiedPlace {
  readonly position: number;
  readonly ordinal: number;
}

/** Events of one room, none of them newer than `newest`. */
interface List {
  readonly newest: number;
  readonly roomId: string;
  readonly events: readonly NotifiedEvent[];
}

/** Lists that are read at once. */
const BATCH = 50;

/**
 * The events that have notified a user and are listed still, before a place if one is given, newest first. What is
 * unread and what was read lies room by room, so this merges: it reads the lists that may have the newest events first,
 * and no more of them than are asked for. All that are newer than the place are read too.
 */
export async function* notifiedBefore(
  side: ReadSide,
  userId: string,
  place: NotifiedPlace | undefined,
  courtesy: Courtesy,
): AsyncGenerator<Notified> {
  const sources = [
    lists(side, userId, notificationCounts, 'changed', {
      place: ({ position, room_id }) => [position, room_id],
      events: ({ recent }) => recent,
    }),
    lists(side, userId, notifiedPages, 'newest', {
      place: ({ position, room_id, block }) => [position, room_id, block],
      events: ({ events }) => events,
    }),
    lists(side, userId, notifiedInvitations, 'newest', {
      place: ({ position, room_id }) => [position, room_id],
      events: ({ event }) => [event],
    }),
  ];
  const heads = await Promise.all(sources.map(async (source) => ({ source, next: await source.next() })));
  /** Oldest first. */
  const waiting: Notified[] = [];
  for (;;) {
    const open = heads.filter(({ next }) => next.done !== true);
    const newest = Math.max(-1, ...open.map(({ next }) => (next.done === true ? -1 : next.value.newest)));
    for (let last = waiting.at(-1); last !== undefined && last.event[0] > newest; last = waiting.at(-1)) {
      waiting.pop();
      yield last;
    }
    const head = open.find(({ next }) => next.done !== true && next.value.newest === newest);
    if (head === undefined || head.next.done === true) return;
    const { roomId, events } = head.next.value;
    const eligible = events.filter((event) => place === undefined || isBefore(event, place));
    if (eligible.length > 0) {
      waiting.push(...eligible.map((event) => ({ roomId, event })));
      waiting.sort(({ event: a }, { event: b }) => a[0] - b[0] || a[1] - b[1]);
    }
    head.next = await head.source.next();
    await courtesy.turn();
  }
}

function isBefore([at, number]: NotifiedEvent, { position, ordinal }: NotifiedPlace): boolean {
  return at < position || (at === position && number < ordinal);
}

/** A user's lists of one collection, by an index that begins with the user and a position that none of their events exceeds. */
async function* lists<D extends Document & { position: number; room_id: string }>(
  side: ReadSide,
  userId: string,
  definition: CollectionDefinition<D>,
  index: string,
  of: { readonly place: (document: D) => Key; readonly events: (document: D) => readonly NotifiedEvent[] },
): AsyncGenerator<List, undefined> {
  let before: Key | undefined;
  for (;;) {
    const beyond = before === undefined ? {} : { before };
    const range = { prefix: [userId], ...beyond, reverse: true, limit: BATCH };
    const found = await side.store.collection(definition).find(range, index);
    for (const document of found) {
      yield { newest: document.position, roomId: document.room_id, events: of.events(document) };
    }
    const last = found.at(-1);
    if (last === undefined || found.length < BATCH) return undefined;
    before = of.place(last);
  }
}
