import type { ServerResponse } from 'node:http';
import type { Clock } from '../../runtime/clock.js';
import { isGone } from '../gone.js';
import { TokenBuckets, type Rate } from './token-buckets.js';

/** Refusals that a client gets at once, and in the long run; the rest it waits for. */
const AT_ONCE: Rate = { per_second: 10, burst: 20 };
/** Milliseconds. */
const LONGEST = 30_000;

/**
 * Refusals that are held back. Who waits as long as they are told to is told at once; who asks on and on gets their
 * refusals one after the other, however many connections they ask over, and so costs little more than the
 * connections themselves.
 */
export class Refusals {
  readonly #clock: Clock;
  readonly #buckets: TokenBuckets;
  readonly #held = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#buckets = new TokenBuckets(clock);
  }

  get held(): number {
    return this.#held.size;
  }

  /** Resolves when the client may be told that it is refused. */
  async turn(client: string, response: ServerResponse): Promise<void> {
    const wait = this.#buckets.reserve(AT_ONCE, client, LONGEST);
    if (wait === 0 || isGone(response)) return;
    await new Promise<void>((resolve) => {
      const release = () => {
        timer.cancel();
        response.off('close', release);
        this.#held.delete(release);
        resolve();
      };
      const timer = this.#clock.after(wait, release);
      response.once('close', release);
      this.#held.add(release);
    });
  }

  /** Tells everybody now. */
  releaseAll(): void {
    for (const release of this.#held) release();
  }
}
