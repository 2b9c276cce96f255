import { LRUCache } from 'lru-cache';
import type { Clock } from '../../runtime/clock.js';

/** How fast a bucket fills, and how much it holds. */
export interface Rate {
  readonly per_second: number;
  readonly burst: number;
}

/** Buckets that are remembered; whoever is beyond has a full one. */
const MOST_BUCKETS = 200_000;
/** Milliseconds; what is less is rounding. */
const NO_TIME = 0.001;

/**
 * Token buckets by key, in memory. Of each only the moment is kept at which it is full again (the generic cell rate
 * algorithm), so nothing has to be filled, and a bucket that is forgotten has only become full too early. The least
 * recently used give way.
 */
export class TokenBuckets {
  readonly #clock: Clock;
  /** By key, on the monotonic clock. */
  readonly #fullAt: LRUCache<string, number>;

  constructor(clock: Clock, most = MOST_BUCKETS) {
    this.#clock = clock;
    this.#fullAt = new LRUCache({ max: most });
  }

  get size(): number {
    return this.#fullAt.size;
  }

  /**
   * Takes tokens, and answers 0; or takes none, and answers in how many milliseconds there are enough. What costs more
   * than a bucket holds takes a full one.
   */
  take({ per_second, burst }: Rate, key: string, cost = 1): number {
    const interval = 1000 / per_second;
    const now = this.#clock.monotonic();
    const before = Math.max(now, this.#fullAt.get(key) ?? 0);
    const after = before + Math.min(cost, burst) * interval;
    const wait = after - now - burst * interval;
    if (wait > NO_TIME) return Math.ceil(wait);
    this.#fullAt.set(key, after);
    return 0;
  }

  /**
   * Takes a token that may still have to flow in, and answers in how many milliseconds it has: `longest` at most, for
   * whoever has reserved that much already.
   */
  reserve({ per_second, burst }: Rate, key: string, longest: number): number {
    const interval = 1000 / per_second;
    const now = this.#clock.monotonic();
    const after = Math.max(now, this.#fullAt.get(key) ?? 0) + interval;
    const wait = after - now - burst * interval;
    if (wait > longest) return longest;
    this.#fullAt.set(key, after);
    return wait > NO_TIME ? Math.ceil(wait) : 0;
  }

  /** Gives tokens back that turned out not to be owed. */
  giveBack({ per_second }: Rate, key: string, cost = 1): void {
    const fullAt = this.#fullAt.get(key);
    if (fullAt !== undefined) this.#fullAt.set(key, fullAt - (cost * 1000) / per_second);
  }
}
