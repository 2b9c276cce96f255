import { LRUCache } from 'lru-cache';
import { notifiedRoomPages, type NotificationRoom } from '../read-models/collections.js';
import { blockOf } from '../read-models/notified-events.js';
import type { ReadStore } from '../read-models/store.js';
import { CountedEvents } from './counted-events.js';
import type { Positions } from './wait.js';

const NO_EVENTS = new CountedEvents([]);

interface Kept {
  readonly paged: number;
  readonly reading: Promise<CountedEvents>;
}

/** Events that are kept, in all rooms; each takes some hundred bytes. */
const MOST_EVENTS = 200_000;
/** What a room takes beside its events, in events. */
const ROOM_SIZE = 5;

/**
 * The pages of rooms' shared lists, kept while they are what they were: a thousand people who are told of a room at once
 * read them once.
 */
export class SharedPages {
  readonly #store: ReadStore;
  readonly #positions: Pick<Positions, 'processed'>;
  readonly #kept = new LRUCache<string, Kept>({ maxSize: MOST_EVENTS });

  constructor(store: ReadStore, positions: Pick<Positions, 'processed'>) {
    this.#store = store;
    this.#positions = positions;
  }

  /**
   * The events before those of the newest block, oldest first.
   *
   * @param room as it was read, before this is asked: a block that has become a page since is not read twice
   */
  async of({ room_id: roomId, paged, recent }: NotificationRoom): Promise<CountedEvents> {
    const [first] = recent;
    if (first === undefined || paged === undefined) return NO_EVENTS;
    const kept = this.#kept.get(roomId);
    if (kept?.paged === paged) return kept.reading;
    const reading = this.#read(roomId, blockOf(first[1]));
    // Not every store shows a write's documents all at once: until it is through, pages may be missing.
    if (paged > this.#positions.processed) return reading;
    const keeping: Kept = { paged, reading };
    this.#kept.set(roomId, keeping, { size: ROOM_SIZE });
    try {
      const counted = await reading;
      if (this.#kept.peek(roomId) === keeping) {
        this.#kept.set(roomId, keeping, { size: ROOM_SIZE + counted.events.length });
      }
      return counted;
    } catch (error) {
      if (this.#kept.peek(roomId) === keeping) this.#kept.delete(roomId);
      throw error;
    }
  }

  async #read(roomId: string, block: number): Promise<CountedEvents> {
    const range = { prefix: [roomId], before: [block] };
    const pages = await this.#store.collection(notifiedRoomPages).find(range);
    return new CountedEvents(pages.flatMap(({ events }) => events));
  }
}
