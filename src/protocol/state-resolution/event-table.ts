import type { RoomEvent } from '../events.js';
import type { AuthGraph, EventSource } from './sources.js';

const NO_IDS: ReadonlySet<string> = new Set();

/**
 * Events held in memory as the source and the auth graph of a resolution. Their order is found from their auth
 * events: an event stands one above the highest of those that are there.
 */
export class EventTable implements EventSource, AuthGraph {
  readonly #events: ReadonlyMap<string, RoomEvent>;
  readonly #rejected: ReadonlySet<string>;
  readonly #orders = new Map<string, number>();
  readonly #citedBy = new Map<string, string[]>();

  /**
   * @param events in any order
   * @param rejected the IDs of those that were rejected on receipt
   */
  constructor(events: Iterable<RoomEvent>, rejected: ReadonlySet<string> = NO_IDS) {
    this.#events = new Map([...events].map((event) => [event.eventId, event]));
    this.#rejected = rejected;
    for (const event of this.#events.values()) {
      if (event.stateKey === undefined) continue;
      for (const id of event.authEvents) {
        const citing = this.#citedBy.get(id);
        if (citing === undefined) this.#citedBy.set(id, [event.eventId]);
        else citing.push(event.eventId);
      }
    }
  }

  event(id: string): RoomEvent | undefined {
    return this.#events.get(id);
  }

  rejected(id: string): boolean {
    return this.#rejected.has(id);
  }

  authEvents(id: string): readonly string[] | undefined {
    return this.#events.get(id)?.authEvents;
  }

  citedBy(id: string): readonly string[] {
    return this.#citedBy.get(id) ?? [];
  }

  /** Depth first with a stack of its own: chains are longer than the call stack is deep. */
  order(start: string): number | undefined {
    if (!this.#events.has(start)) return undefined;
    const stack = [start];
    const entered = new Set<string>();
    for (let id = stack.at(-1); id !== undefined; id = stack.at(-1)) {
      const cited = (this.authEvents(id) ?? []).filter((auth) => this.#events.has(auth));
      const open = this.#orders.has(id) ? [] : cited.filter((auth) => !this.#orders.has(auth));
      if (open.length > 0) {
        // Up to room version 2 a server names its events itself, and could name them in a circle.
        if (entered.has(id)) throw new Error(`The auth events of ${id} lead back to it.`);
        entered.add(id);
        stack.push(...open);
        continue;
      }
      stack.pop();
      this.#orders.set(id, 1 + Math.max(0, ...cited.map((auth) => this.#orders.get(auth) ?? 0)));
    }
    return this.#orders.get(start);
  }
}
