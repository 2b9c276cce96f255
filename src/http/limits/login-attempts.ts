import { LRUCache } from 'lru-cache';
import { MatrixError } from '../../protocol/errors.js';
import { addressKey } from './address-key.js';
import type { RateLimits } from './rate-limits.js';

/** Accounts with the addresses from which they have logged in. */
const MOST_KNOWN = 100_000;

/**
 * Keeps passwords from being guessed. Wrong ones are counted by account and by address, whether there is such an
 * account or not; an address from which the account has logged in counts for itself, so that nobody can lock the
 * owner out by guessing from elsewhere.
 */
export class LoginAttempts {
  readonly #rates: RateLimits;
  readonly #known = new LRUCache<string, true>({ max: MOST_KNOWN });

  constructor(rates: RateLimits) {
    this.#rates = rates;
  }

  /**
   * Checks a password, if that may be tried. Each try counts as a failure until it has turned out to be none, so many
   * at once get no further than one after the other.
   *
   * @param account its user ID, or what was given for one
   * @param check refuses with M_FORBIDDEN, or resolves to `undefined`, where the password is wrong
   * @throws MatrixError M_LIMIT_EXCEEDED
   */
  async checked<T>(account: string, address: string, check: () => Promise<T>): Promise<T> {
    const pair = `${account} ${addressKey(address)}`;
    const counted = this.#known.has(pair) ? [pair] : [account, addressKey(address)];
    this.#takeAll(counted);
    let result: T;
    try {
      result = await check();
    } catch (error) {
      const isWrong = error instanceof MatrixError && error.code === 'M_FORBIDDEN';
      if (!isWrong) this.#giveBack(counted);
      throw error;
    }
    if (result === undefined) return result;
    this.#giveBack(counted);
    this.#known.set(pair, true);
    return result;
  }

  #takeAll(keys: readonly string[]): void {
    for (const [nth, key] of keys.entries()) {
      try {
        this.#rates.take('failed_logins', key);
      } catch (error) {
        this.#giveBack(keys.slice(0, nth));
        throw error;
      }
    }
  }

  #giveBack(keys: readonly string[]): void {
    for (const key of keys) this.#rates.giveBack('failed_logins', key);
  }
}
