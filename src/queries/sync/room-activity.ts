import { LRUCache } from 'lru-cache';
import { receipts, roomSummaries } from '../../read-models/collections.js';
import type { ReadStore } from '../../read-models/store.js';
import type { Notifier } from '../notifier.js';

const MOST_ROOMS = 100_000;

/** When something last happened in a room that its members see: a look-up per room and poll, not a read. */
export class RoomActivity {
  readonly #store: ReadStore;
  readonly #kept = new LRUCache<string, number>({ max: MOST_ROOMS });

  constructor(store: ReadStore, notifier: Notifier) {
    this.#store = store;
    notifier.wakes.subscribe(({ rooms, position }) => {
      if (position === undefined) return;
      for (const roomId of rooms) this.#kept.set(roomId, position);
    });
  }

  /** The position of the last thing that happened, or one a little later. */
  async of(roomId: string): Promise<number> {
    const kept = this.#kept.get(roomId);
    if (kept !== undefined) return kept;
    const summary = await this.#store.collection(roomSummaries).get([roomId]);
    const [receipt] = await this.#store
      .collection(receipts)
      .find({ prefix: [roomId], reverse: true, limit: 1 }, 'changed');
    const position = Math.max(summary?.last_position ?? -1, receipt?.position ?? -1);
    // What happened while we read is newer, and stays.
    const since = this.#kept.get(roomId);
    if (since !== undefined) return since;
    this.#kept.set(roomId, position);
    return position;
  }

  /** What is known without reading; `undefined`: ask `of`. */
  known(roomId: string): number | undefined {
    return this.#kept.get(roomId);
  }
}
