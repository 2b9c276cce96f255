import { accessTokens, refreshTokens, type AccessToken } from '../read-models/collections.js';
import type { ReadSide } from './read-side.js';

/** How long a request may wait for the tokens to be as new as what clients were told, in milliseconds. */
const PATIENCE = 10_000;

/**
 * Whose tokens are whose. A look-up costs one read; it waits for the read models only where they may lack what
 * matters: a token that is not known may just have been given out, one that is may just have been taken back.
 */
export class Sessions {
  readonly #side: ReadSide;
  #ended = -1;

  constructor(side: ReadSide) {
    this.#side = side;
  }

  /** Tells of a command that took tokens back, before it is answered: no later request gets in by them. */
  ended(position: number): void {
    if (position > this.#ended) this.#ended = position;
  }

  /**
   * The session of an access token, by the token's hash.
   *
   * @throws ReadModelsBehindError where it cannot be said: a client that is told its token is unknown logs out
   */
  async byAccessToken(hash: string): Promise<AccessToken | undefined> {
    const { store, barrier, positions } = this.#side;
    if (this.#ended > positions.processed) await barrier.reached(PATIENCE);
    const collection = store.collection(accessTokens);
    let found = await collection.get([hash]);
    if (found === undefined) {
      await barrier.reached(PATIENCE);
      found = await collection.get([hash]);
    }
    return found;
  }

  /** Whose a refresh token is or was, by its hash. @throws ReadModelsBehindError */
  async ownerOfRefreshToken(hash: string): Promise<string | undefined> {
    await this.#side.barrier.reached(PATIENCE);
    return (await this.#side.store.collection(refreshTokens).get([hash]))?.user_id;
  }
}
