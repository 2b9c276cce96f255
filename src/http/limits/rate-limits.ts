import type { Config } from '../../config.js';
import { MatrixError } from '../../protocol/errors.js';
import type { Clock } from '../../runtime/clock.js';
import { TokenBuckets } from './token-buckets.js';

/** A limit of the configuration. */
export type RateLimit = Exclude<keyof Config['rate_limits'], 'enabled'>;

/**
 * How often clients may ask (`rate_limits` of the configuration; specification: Client-Server API, Rate limiting).
 * Refusing costs a look-up.
 */
export class RateLimits {
  readonly #rates: Config['rate_limits'];
  readonly #buckets: TokenBuckets;

  constructor(rates: Config['rate_limits'], clock: Clock) {
    this.#rates = rates;
    this.#buckets = new TokenBuckets(clock);
  }

  /**
   * Counts what a client does.
   *
   * @param client whom it counts for: a user, a device or an address
   * @throws MatrixError M_LIMIT_EXCEEDED
   */
  take(limit: RateLimit, client: string, cost = 1): void {
    const wait = this.wait(limit, client, cost);
    if (wait > 0) throw limitExceeded(wait);
  }

  /** As `take`, but answers in how many milliseconds it is worth asking again; 0 where it is counted. */
  wait(limit: RateLimit, client: string, cost = 1): number {
    return this.#rates.enabled ? this.#buckets.take(this.#rates[limit], `${limit} ${client}`, cost) : 0;
  }

  /** For what turned out to be no abuse. */
  giveBack(limit: RateLimit, client: string): void {
    if (this.#rates.enabled) this.#buckets.giveBack(this.#rates[limit], `${limit} ${client}`);
  }
}

/** @param wait milliseconds until it is worth asking again */
export function limitExceeded(wait: number): MatrixError {
  return new MatrixError('M_LIMIT_EXCEEDED', 'Too many requests: wait before you ask again.', {
    fields: { retry_after_ms: wait },
  });
}
