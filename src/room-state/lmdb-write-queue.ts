import type { Database, RootDatabase } from 'lmdb';

/** What a key is in LMDB: bytes, or parts that lmdb-js brings into order. */
export type TableKey = Buffer | string | (string | number)[];
export type Table = Database<Buffer, TableKey>;

/** A change that is to be committed; without a value the key is removed. */
export interface Change {
  readonly table: Table;
  readonly key: TableKey;
  readonly value: Buffer | undefined;
  /** Called when it is committed. */
  readonly done: () => void;
}

/** Milliseconds after which a disk that was full is looked at again. */
const LOOK_AGAIN = 1000;

/**
 * Commits changes in the background and in the order in which they came, many at once. What cannot be written (the
 * disk is full) stays in the queue, with all that comes after it, and is tried again: what is on the disk is always
 * the state of one moment. A write that failed within LMDB is the last one: the rest stays in memory.
 */
export class WriteQueue {
  readonly #root: RootDatabase<Buffer, TableKey>;
  readonly #objection: () => string | undefined;
  readonly #onError: (error: unknown) => void;
  #changes: Change[] = [];
  #draining: Promise<void> | undefined;
  #again: NodeJS.Timeout | undefined;
  #failed = false;
  #told = false;

  /**
   * @param objection says why nothing had better be written now
   * @param onError is told when writing stops
   */
  constructor(
    root: RootDatabase<Buffer, TableKey>,
    objection: () => string | undefined,
    onError: (error: unknown) => void,
  ) {
    this.#root = root;
    this.#objection = objection;
    this.#onError = onError;
  }

  push(change: Change): void {
    this.#changes.push(change);
    if (this.#failed || this.#again !== undefined) return;
    this.#draining ??= this.#drain();
  }

  /** Forgets what is not committed yet, once nothing is under way. */
  async discard(): Promise<void> {
    this.#changes = [];
    await this.#draining;
    this.#changes = [];
  }

  /** Commits what it can, and resolves when nothing is under way. */
  async finish(): Promise<void> {
    clearTimeout(this.#again);
    this.#again = undefined;
    if (this.#changes.length > 0 && !this.#failed) this.#draining ??= this.#drain();
    await this.#draining;
    clearTimeout(this.#again);
  }

  async #drain(): Promise<void> {
    // Changes of the same turn of the event loop are committed together.
    await Promise.resolve();
    while (this.#changes.length > 0 && (await this.#commit()));
    this.#draining = undefined;
  }

  /** @returns whether to go on */
  async #commit(): Promise<boolean> {
    const objection = this.#objection();
    if (objection !== undefined) {
      this.#tell(new Error(objection));
      this.#again = setTimeout(() => {
        this.#again = undefined;
        this.#draining ??= this.#drain();
      }, LOOK_AGAIN);
      this.#again.unref();
      return false;
    }
    const changes = this.#changes;
    this.#changes = [];
    try {
      await this.#root.batch(() => {
        for (const { table, key, value } of changes) {
          void (value === undefined ? table.remove(key) : table.put(key, value));
        }
      });
    } catch (error) {
      this.#changes = [...changes, ...this.#changes];
      this.#failed = true;
      swallowCommitError(error);
      this.#tell(error);
      return false;
    }
    this.#told = false;
    for (const { done } of changes) done();
    return true;
  }

  #tell(error: unknown): void {
    if (!this.#told) this.#onError(error);
    this.#told = true;
  }
}

/** lmdb rejects a second promise with the cause; unheard, it would end the process. */
function swallowCommitError(error: unknown): void {
  if (error instanceof Error && 'commitError' in error && error.commitError instanceof Promise) {
    error.commitError.catch(() => undefined);
  }
}
