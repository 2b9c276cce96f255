import type { Config } from '../../config.js';
import { MatrixError } from '../../protocol/errors.js';
import type { Clock } from '../../runtime/clock.js';
import { TokenBuckets, type Rate } from './token-buckets.js';

/** A limit of the configuration. */
export type RateLimit = Exclude<keyof Config['rate_limits'], 'enabled'>;

/** Whoever is refused more often than this does not wait as long as they are told to. */
const PATIENT: Rate = { per_second: 1, burst: 20 };
/** Their refusals are held back, in milliseconds, so that asking in a loop asks no more than once in that time. */
const HELD_FOR = 1000;
const MOST_HELD = 2000;

/**
 * How often clients may ask (`rate_limits` of the configuration; specification: Client-Server API, Rate limiting).
 * Refusing costs a look-up.
 */
export class RateLimits {
  readonly #rates: Config['rate_limits'];
  readonly #clock: Clock;
  readonly #buckets: TokenBuckets;
  #held = 0;

  constructor(rates: Config['rate_limits'], clock: Clock) {
    this.#rates = rates;
    this.#clock = clock;
    this.#buckets = new TokenBuckets(clock);
  }

  /**
   * Counts what a client does.
   *
   * @param client whom it counts for: a user, a device or an address
   * @throws MatrixError M_LIMIT_EXCEEDED
   */
  take(limit: RateLimit, client: string, cost = 1): void {
    const wait = this.#wait(limit, client, cost);
    if (wait > 0) throw limitExceeded(wait);
  }

  /** As `take`; who asks on and on all the same is made to wait for the refusal. */
  async enforce(limit: RateLimit, client: string): Promise<void> {
    const wait = this.#wait(limit, client, 1);
    if (wait === 0) return;
    const isPatient = this.#buckets.take(PATIENT, `refused ${client}`) === 0;
    if (!isPatient && this.#held < MOST_HELD) await this.#hold();
    throw limitExceeded(wait);
  }

  /** For what turned out to be no abuse. */
  giveBack(limit: RateLimit, client: string): void {
    if (this.#rates.enabled) this.#buckets.giveBack(this.#rates[limit], `${limit} ${client}`);
  }

  #wait(limit: RateLimit, client: string, cost: number): number {
    return this.#rates.enabled ? this.#buckets.take(this.#rates[limit], `${limit} ${client}`, cost) : 0;
  }

  async #hold(): Promise<void> {
    this.#held++;
    await new Promise<void>((resolve) => this.#clock.after(HELD_FOR, resolve));
    this.#held--;
  }
}

/** @param wait milliseconds until it is worth asking again */
export function limitExceeded(wait: number): MatrixError {
  return new MatrixError('M_LIMIT_EXCEEDED', 'Too many requests: wait before you ask again.', {
    fields: { retry_after_ms: wait },
  });
}
