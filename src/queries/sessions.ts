import { LRUCache } from 'lru-cache';
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

/** Sessions that are at hand. */
const MOST_KEPT = 10_000;

/**
 * Whose tokens are whose. A look-up costs one read, the first time, as long as nothing happens to the user; it waits
 * for the read models only where they may lack what matters: a token that is not known may just have been given out,
 * one that is may just have been taken back. Where the read models cannot say, the log is asked, so that commands go
 * on without them.
 */
export class Sessions {
  readonly #side: ReadSide;
  readonly #askLog: AskLog;
  readonly #kept = new LRUCache<string, Session>({
    max: MOST_KEPT,
    dispose: ({ user_id }, hash) => {
      const hashes = this.#ofUser.get(user_id);
      hashes?.delete(hash);
      if (hashes?.size === 0) this.#ofUser.delete(user_id);
    },
  });
  /** By user, the hashes of their tokens that are kept. */
  readonly #ofUser = new Map<string, Set<string>>();
  /** How often something happened to users: what was being read meanwhile is not kept. */
  #changes = 0;
  #ended = -1;

  constructor(side: ReadSide, askLog: AskLog) {
    this.#side = side;
    this.#askLog = askLog;
    side.notifier.wakes.subscribe(({ users }) => {
      if (users.size > 0) this.#changes++;
      for (const userId of users) this.#forget(userId);
    });
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
      const kept = this.#kept.get(hash);
      if (kept !== undefined) return kept;
      const changes = this.#changes;
      const collection = store.collection(accessTokens);
      const found = await collection.get([hash]);
      if (found !== undefined) {
        if (changes === this.#changes) this.#keep(hash, found);
        return found;
      }
      await barrier.reached(PATIENCE);
      return await collection.get([hash]);
    } catch (error) {
      const session = isForLater(error) ? await this.#askLog(token) : undefined;
      if (session === undefined) throw error;
      return session;
    }
  }

  #keep(hash: string, session: Session): void {
    this.#kept.set(hash, session);
    const known = this.#ofUser.get(session.user_id);
    if (known === undefined) this.#ofUser.set(session.user_id, new Set([hash]));
    else known.add(hash);
  }

  #forget(userId: string): void {
    for (const hash of [...(this.#ofUser.get(userId) ?? [])]) this.#kept.delete(hash);
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
