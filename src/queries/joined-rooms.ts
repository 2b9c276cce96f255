import { LRUCache } from 'lru-cache';
import { memberships, type Membership } from '../read-models/collections.js';
import type { ReadStore } from '../read-models/store.js';
import type { Notifier } from './notifier.js';

const MOST_USERS = 10_000;

/** A user's memberships by room. */
export type UserRooms = ReadonlyMap<string, Membership>;

interface Kept {
  readonly reading: Promise<UserRooms>;
  /** What was read, once it was. */
  rooms: UserRooms | undefined;
}

/**
 * The memberships of users who are reading, kept until something happens to them: a poll of an account in
 * thousands of rooms reads none of them again. A redaction may take from any of a room's: names, what invitations show.
 */
export class JoinedRooms {
  readonly #store: ReadStore;
  readonly #kept = new LRUCache<string, Kept>({ max: MOST_USERS });

  constructor(store: ReadStore, notifier: Notifier) {
    this.#store = store;
    notifier.wakes.subscribe(({ users, redacted }) => {
      for (const userId of users) this.#kept.delete(userId);
      if (redacted !== undefined && redacted.size > 0) this.#forget(redacted);
    });
  }

  of(userId: string): Promise<UserRooms> {
    const kept = this.#kept.get(userId);
    if (kept !== undefined) return kept.reading;
    const reading = this.#read(userId);
    const keeping: Kept = { reading, rooms: undefined };
    this.#kept.set(userId, keeping);
    reading.then(
      (rooms) => {
        keeping.rooms = rooms;
      },
      () => {
        if (this.#kept.get(userId) === keeping) this.#kept.delete(userId);
      },
    );
    return reading;
  }

  /** Drops those of all who have to do with one of these rooms. Costs a look-up for each who is kept, and room. */
  #forget(roomIds: ReadonlySet<string>): void {
    for (const [userId, { rooms }] of [...this.#kept.entries()]) {
      if (rooms === undefined || [...roomIds].some((roomId) => rooms.has(roomId))) this.#kept.delete(userId);
    }
  }

  async #read(userId: string): Promise<UserRooms> {
    const found = await this.#store.collection(memberships).find({ prefix: [userId] });
    return new Map(found.map((membership) => [membership.room_id, membership]));
  }
}
