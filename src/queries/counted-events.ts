import type { NotificationCount, NotifiedEvent } from '../read-models/collections.js';
import { isHighlighted, isReadBy } from '../read-models/notified-events.js';

export interface UnreadCounts {
  readonly notifications: number;
  /** Those of them that are highlighted. */
  readonly highlights: number;
}

interface Thread {
  readonly events: NotifiedEvent[];
  /** How many of the events before each are highlighted; one more, for all of them. */
  readonly highlights: number[];
}

/** Events that are counted by many, for whom they are read up to different places: by thread, so that nobody looks at each. */
export class CountedEvents {
  /** Oldest first. */
  readonly events: readonly NotifiedEvent[];
  /** By root; '' for those that are in none. */
  readonly #threads = new Map<string, Thread>();

  constructor(events: readonly NotifiedEvent[]) {
    this.events = events;
    for (const event of events) {
      const root = event[3] ?? '';
      const thread = this.#threads.get(root) ?? { events: [], highlights: [0] };
      this.#threads.set(root, thread);
      thread.events.push(event);
      thread.highlights.push((thread.highlights.at(-1) ?? 0) + Number(isHighlighted(event)));
    }
  }

  /** What a member has not read of those with higher numbers than one, by thread. Costs a binary search for each thread. */
  *unread(member: NotificationCount, after: number): Generator<readonly [root: string, UnreadCounts]> {
    for (const [root, { events, highlights }] of this.#threads) {
      const first = firstWith(events, (event) => event[1] > after && !isReadBy(member, event));
      const notifications = events.length - first;
      if (notifications === 0) continue;
      yield [root, { notifications, highlights: (highlights.at(-1) ?? 0) - (highlights[first] ?? 0) }];
    }
  }
}

/** Where the first event is for which something holds that holds for all after it. */
function firstWith(events: readonly NotifiedEvent[], holds: (event: NotifiedEvent) => boolean): number {
  let [low, high] = [0, events.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const event = events[middle];
    if (event !== undefined && holds(event)) high = middle;
    else low = middle + 1;
  }
  return low;
}
