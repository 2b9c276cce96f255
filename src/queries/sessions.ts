import { LRUCache } from 'lru-cache';
import { accessTokens, refreshTokens, type AccessToken } from '../read-models/collections.js';
import { ReadStoreUnavailableError } from '../read-models/errors.js';
import type { ReadSide } from './read-side.js';

/** Access tokens that are remembered to be in use; the oldest give way. */
const MOST_IN_USE = 100_000;

/** Access tokens that are good for commands while the read models are away. */
const MOST_SEEN = 10_000;

/** How long a request may wait for the tokens to be as new as what clients were told, in milliseconds. */
const PATIENCE = 10_000;

/**
 * Whose tokens are whose. A look-up costs one read; it waits for the read models only where they may lack what
 * matters: a token that is not known may just have been given out, one that is may just have been taken back.
 */
export class Sessions {
  readonly #side: ReadSide;
  /** Hashes of access tokens that expire, from their first use on. */
  readonly #inUse = new Set<string>();
  /** By their hashes, as the read models had them last. */
  readonly #seen = new LRUCache<string, AccessToken>({ max: MOST_SEEN });
  #ended = -1;

  constructor(side: ReadSide) {
    this.#side = side;
  }

  /** Tells of a command that took tokens back, before it is answered: no later request gets in by them. */
  ended(position: number): void {
    if (position > this.#ended) this.#ended = position;
  }

  /**
   * The session of an access token, by the token's hash. While the read models cannot be reached, commands go on for
   * those who were seen lately, unless tokens were taken back since.
   *
   * @throws ReadModelsBehindError where it cannot be said: a client that is told its token is unknown logs out
   */
  async byAccessToken(hash: string): Promise<AccessToken | undefined> {
    try {
      const found = await this.#lookUp(hash);
      if (found !== undefined) this.#seen.set(hash, found);
      else this.#seen.delete(hash);
      return found;
    } catch (error) {
      const seen = error instanceof ReadStoreUnavailableError ? this.#seen.get(hash) : undefined;
      if (seen === undefined || this.#ended > this.#side.positions.processed) throw error;
      return seen;
    }
  }

  async #lookUp(hash: string): Promise<AccessToken | undefined> {
    const { store, barrier, positions } = this.#side;
    if (this.#ended > positions.processed) await barrier.reached(PATIENCE);
    const collection = store.collection(accessTokens);
    let found = await collection.get([hash]);
    if (found === undefined) {
      await barrier.reached(PATIENCE);
      found = await collection.get([hash]);
    }
    if (found?.expires_at !== undefined) this.#used(found);
    return found;
  }

  /** Whether a request was made with an access token that expires since the server started. */
  isInUse(hash: string): boolean {
    return this.#inUse.has(hash);
  }

  #used({ token_hash: hash }: AccessToken): void {
    if (this.#inUse.has(hash)) return;
    this.#inUse.add(hash);
    const [oldest] = this.#inUse;
    if (oldest !== undefined && this.#inUse.size > MOST_IN_USE) this.#inUse.delete(oldest);
  }

  /** Whose a refresh token is or was, by its hash. @throws ReadModelsBehindError */
  async ownerOfRefreshToken(hash: string): Promise<string | undefined> {
    await this.#side.barrier.reached(PATIENCE);
    return (await this.#side.store.collection(refreshTokens).get([hash]))?.user_id;
  }
}
