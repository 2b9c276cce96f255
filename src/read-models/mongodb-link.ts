import {
  MongoBulkWriteError,
  MongoClient,
  MongoNetworkError,
  MongoServerError,
  MongoServerSelectionError,
  type Db,
} from 'mongodb';
import type { Clock } from '../runtime/clock.js';
import { pause } from '../runtime/pause.js';
import { ReadStoreFormatError, ReadStoreUnavailableError } from './errors.js';
import { clientOptions, databaseIn, hasSecrets, withoutSecrets } from './mongodb-url.js';

/** The longest that anything asked of the server may take, whatever the driver does (milliseconds). */
const LIMIT = 20_000;
/** Between attempts to reach a server that is away (milliseconds). */
const PAUSE = 500;

const CLOSED = 'The read store is closed.';

/**
 * The way to a MongoDB server or cluster. It need not be there: whatever is asked meanwhile fails, the first within
 * the driver's times, and from then on at once, until the server is found again, which is looked for
 * all the time.
 */
export class MongoLink {
  /** The name of the database. */
  readonly database: string;
  readonly #url: string;
  readonly #client: MongoClient;
  readonly #db: Db;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  #isConnected = false;
  /** Why nothing is asked of the server now. */
  #away: string | undefined;

  /** Asks nothing of the server yet. @throws ReadStoreFormatError for a URL that is none */
  constructor(url: string, clock: Clock) {
    this.#url = url;
    this.#clock = clock;
    this.database = databaseIn(url);
    try {
      this.#client = new MongoClient(url, clientOptions(url));
      this.#db = this.#client.db(this.database);
    } catch (error) {
      throw new ReadStoreFormatError(
        `The read models' URL cannot be used: ${hasSecrets(url) ? 'it should be like' : `${reasonOf(error)}. It should be like`} ` +
          'mongodb://user:password@host:27017/database?option=value.',
      );
    }
  }

  /**
   * Asks something of the database.
   *
   * @throws ReadStoreUnavailableError for whatever goes wrong with that: its outcome is unknown
   */
  async run<T>(action: (db: Db) => Promise<T>): Promise<T> {
    if (this.#closing.signal.aborted) throw new ReadStoreUnavailableError(CLOSED);
    if (this.#away !== undefined) throw new ReadStoreUnavailableError(this.#away);
    try {
      return await this.#bounded(action);
    } catch (error) {
      if (this.#isClosing()) throw new ReadStoreUnavailableError(CLOSED);
      const reason = withoutSecrets(reasonOf(error), this.#url);
      if (this.#isConnected && !isAway(error))
        throw new ReadStoreUnavailableError(`MongoDB does not do it: ${reason}`);
      const message = `MongoDB cannot be reached: ${reason}`;
      this.#lookOut(message);
      throw new ReadStoreUnavailableError(message);
    }
  }

  /** What is under way fails. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#within(this.#client.close()).catch(() => undefined);
  }

  /** Asks nothing more of the server until it has answered again. */
  #lookOut(message: string): void {
    if (this.#away !== undefined) return;
    this.#away = message;
    void this.#return();
  }

  async #return(): Promise<void> {
    while (!this.#isClosing()) {
      try {
        await this.#bounded((db) => db.command({ ping: 1 }));
        break;
      } catch {
        await pause(this.#clock, PAUSE, this.#closing.signal);
      }
    }
    this.#away = undefined;
  }

  #isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  #bounded<T>(action: (db: Db) => Promise<T>): Promise<T> {
    return this.#within(this.#isConnected ? action(this.#db) : this.#connect().then(() => action(this.#db)));
  }

  /** The driver connects by itself, but does not try again by itself where it failed the first time. */
  async #connect(): Promise<void> {
    await this.#client.connect();
    this.#isConnected = true;
  }

  #within<T>(action: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(LIMIT, () => {
        reject(new TimeoutError());
      });
      // What comes after the limit is nobody's concern.
      void action.then(resolve, reject).finally(() => {
        timer.cancel();
      });
    });
  }
}

class TimeoutError extends Error {
  constructor() {
    super(`no answer within ${LIMIT / 1000} s`);
    this.name = 'TimeoutError';
  }
}

/** Whether the server is out of reach, rather than unwilling. */
function isAway(error: unknown): boolean {
  if (error instanceof MongoServerSelectionError || error instanceof MongoNetworkError) return true;
  // The driver puts whatever goes wrong under way into this one; what the server says has a code.
  if (error instanceof MongoBulkWriteError) return typeof error.code !== 'number';
  return error instanceof TimeoutError;
}

/** What went wrong, without what documents hold: the server's messages may quote them. */
function reasonOf(error: unknown): string {
  if (error instanceof MongoServerError && typeof error.code === 'number') {
    return `${error.codeName ?? 'error'} (code ${error.code})`;
  }
  return error instanceof Error ? error.message : String(error);
}
