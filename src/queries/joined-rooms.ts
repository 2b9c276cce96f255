import { LRUCache } from 'lru-cache';
import { memberships, type Membership } from '../read-models/collections.js';
import type { ReadStore } from '../read-models/store.js';
import type { Notifier } from './notifier.js';

const MOST_USERS = 10_000;

/** A user's memberships by room. */
export type UserRooms = ReadonlyMap<string, Membership>;

/**
 * The memberships of users who are reading, kept until something happens to them: a poll of an account in
 * thousands of rooms reads none of them again.
 */
export class JoinedRooms {
  readonly #store: ReadStore;
  readonly #kept = new LRUCache<string, Promise<UserRooms>>({ max: MOST_USERS });

  constructor(store: ReadStore, notifier: Notifier) {
    this.#store = store;
    notifier.wakes.subscribe(({ users }) => {
      for (const userId of users) this.#kept.delete(userId);
    });
  }

  of(userId: string): Promise<UserRooms> {
    const kept = this.#kept.get(userId);
    if (kept !== undefined) return kept;
    const read = this.#read(userId);
    this.#kept.set(userId, read);
    read.catch(() => {
      if (this.#kept.get(userId) === read) this.#kept.delete(userId);
    });
    return read;
  }

  async #read(userId: string): Promise<UserRooms> {
    const found = await this.#store.collection(memberships).find({ prefix: [userId] });
    return new Map(found.map((membership) => [membership.room_id, membership]));
  }
}
