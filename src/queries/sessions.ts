import { accessTokens, refreshTokens, type AccessToken } from '../read-models/collections.js';
import {
  ReadModelNotReadyError,
  ReadModelsBehindError,
  ReadStoreUnavailableError,
} from '../read-models/errors.js';
import type { ReadSide } from './read-side.js';

/** How long a request may wait for the tokens to be as new as what clients were told, in milliseconds. */
const PATIENCE = 10_000;

/** Whose a token is. */
export type Session = Pick<AccessToken, 'user_id' | 'device_id' | 'kind' | 'expires_at'>;

/** Asks the log whose an access token is; undefined where it cannot say. */
export type AskLog = (accessToken: string) => Promise<Session | undefined>;

/**
 * Whose tokens are whose. A look-up costs one read; it waits for the read models only where they may lack what
 * matters: a token that is not known may just have been given out, one that is may just have been taken back.
 * Where the read models cannot say, the log is asked, so that commands go on without them.
 */
export class Sessions {
  readonly #side: ReadSide;
  readonly #askLog: AskLog;
  #ended = -1;

  constructor(side: ReadSide, askLog: AskLog) {
    this.#side = side;
    this.#askLog = askLog;
  }

  /** Tells of a command that took tokens back, before it is answered: no later request gets in by them. */
  ended(position: number): void {
    if (position > this.#ended) this.#ended = position;
  }

  /**
   * The session of an access token, by the token's hash.
   *
   * @throws ReadModelsBehindError and others where it cannot be said: a client that is told its token is unknown logs
   *   out
   */
  async byAccessToken(hash: string, token: string): Promise<Session | undefined> {
    const { store, barrier, positions } = this.#side;
    try {
      // What another process has taken back is known from the log alone.
      if (barrier.isShared || this.#ended > positions.processed) {
        const session = await this.#askLog(token);
        if (session !== undefined) return session;
        await barrier.reached(PATIENCE);
      }
      const collection = store.collection(accessTokens);
      const found = await collection.get([hash]);
      if (found !== undefined) return found;
      await barrier.reached(PATIENCE);
      return await collection.get([hash]);
    } catch (error) {
      const session = isForLater(error) ? await this.#askLog(token) : undefined;
      if (session === undefined) throw error;
      return session;
    }
  }

  /** Whose a refresh token is or was, by its hash. @throws ReadModelsBehindError */
  async ownerOfRefreshToken(hash: string): Promise<string | undefined> {
    await this.#side.barrier.reached(PATIENCE);
    return (await this.#side.store.collection(refreshTokens).get([hash]))?.user_id;
  }
}

/** The read models cannot say it now. */
function isForLater(error: unknown): boolean {
  return (
    error instanceof ReadStoreUnavailableError ||
    error instanceof ReadModelNotReadyError ||
    error instanceof ReadModelsBehindError
  );
}
