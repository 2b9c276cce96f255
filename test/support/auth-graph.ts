import type { AuthGraph } from '../../src/protocol/state-resolution/index.js';

/** An auth graph drawn by hand: events oldest first, each with its auth events. Counts what is looked at. */
export class DrawnGraph implements AuthGraph {
  readonly visited = new Set<string>();
  readonly #events: ReadonlyMap<string, readonly string[]>;
  readonly #orders: ReadonlyMap<string, number>;

  constructor(events: readonly (readonly [id: string, authEvents: readonly string[]])[]) {
    this.#events = new Map(events);
    this.#orders = new Map(events.map(([id], index) => [id, index]));
  }

  order(id: string): number | undefined {
    this.visited.add(id);
    return this.#orders.get(id);
  }

  authEvents(id: string): readonly string[] | undefined {
    this.visited.add(id);
    return this.#events.get(id);
  }
}

/** `e0 <- e1 <- e2 ...`: every event has the one before it as its auth event. */
export function chain(length: number): [string, string[]][] {
  return Array.from({ length }, (_, index) => [`e${index}`, index === 0 ? [] : [`e${index - 1}`]]);
}
