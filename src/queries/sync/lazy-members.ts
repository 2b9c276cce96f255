import { LRUCache } from 'lru-cache';
import type { StateEvent } from '../../read-models/collections.js';

const MOST_DEVICE_ROOMS = 20_000;

/**
 * Which member events a device was sent, so that lazy loading does not send them with every message again
 * (Client-Server API, Lazy-loading room members). Forgotten at will: then some are sent twice.
 */
export class LazyMembers {
  readonly #sent = new LRUCache<string, Map<string, string>>({ max: MOST_DEVICE_ROOMS });

  /** Those of these member events that the device does not have yet; they count as sent from now on. */
  unsent(device: string, roomId: string, members: readonly StateEvent[]): StateEvent[] {
    const key = `${device}\n${roomId}`;
    const sent = this.#sent.get(key) ?? new Map<string, string>();
    this.#sent.set(key, sent);
    return members.filter(({ state_key: userId, event_id: eventId }) => {
      if (sent.get(userId) === eventId) return false;
      sent.set(userId, eventId);
      return true;
    });
  }

  /** The device begins anew with this room. */
  reset(device: string, roomId: string): void {
    this.#sent.delete(`${device}\n${roomId}`);
  }
}
