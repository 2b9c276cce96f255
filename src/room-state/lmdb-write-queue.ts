import type { Database, RootDatabase } from 'lmdb';

/** What a key is in LMDB: bytes, or parts that lmdb-js brings into order. */
export type TableKey = Buffer | string | (string | number)[];
export type Table = Database<Buffer, TableKey>;

/** A change that is to be committed. */
export interface Change {
  readonly table: Table;
  readonly key: TableKey;
  /** Asked for when it is written; undefined removes the key. */
  readonly value: () => Buffer | undefined;
  /** Called when it is committed. */
  readonly done: () => void;
}

/** Milliseconds in which changes are gathered: what changes again meanwhile is written once. */
const GATHER = 50;
/** So many changes are committed at once, in some milliseconds. */
const MOST_CHANGES = 1000;
/** Milliseconds after which a disk that was full is looked at again. */
const LOOK_AGAIN = 1000;

/**
 * Commits changes some time later, many at once, in one synchronous transaction: handing it to lmdb's own thread and
 * back costs more than the write. What cannot be written (the disk is full) stays in the queue, with all that comes
 * after it, and is tried again: what is in the file is always the state of one moment. A write that failed within LMDB
 * is the last one: the rest stays in memory.
 */
export class WriteQueue {
  readonly #root: RootDatabase<Buffer, TableKey>;
  readonly #objection: () => string | undefined;
  readonly #onError: (error: unknown) => void;
  #changes: Change[] = [];
  #timer: NodeJS.Timeout | undefined;
  #full = false;
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
    if (this.#failed) return;
    if (this.#changes.length >= MOST_CHANGES && !this.#full) this.commit();
    else this.#commitIn(GATHER);
  }

  /** Forgets what is not committed yet. */
  discard(): void {
    this.#changes = [];
    this.#stop();
  }

  /** Commits what there is, if it can. */
  commit(): void {
    this.#stop();
    if (this.#changes.length === 0 || this.#failed) return;
    const objection = this.#objection();
    this.#full = objection !== undefined;
    if (objection !== undefined) {
      this.#commitIn(LOOK_AGAIN);
      this.#tell(new Error(objection));
      return;
    }
    try {
      this.#root.transactionSync(() => {
        for (const { table, key, value } of this.#changes) {
          const bytes = value();
          void (bytes === undefined ? table.remove(key) : table.put(key, bytes));
        }
      });
    } catch (error) {
      this.#failed = true;
      this.#tell(error);
      return;
    }
    this.#told = false;
    const changes = this.#changes;
    this.#changes = [];
    for (const { done } of changes) done();
  }

  /** Commits what it can for the last time. */
  finish(): void {
    this.commit();
    this.#stop();
  }

  #commitIn(milliseconds: number): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.commit();
    }, milliseconds);
    this.#timer.unref();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #tell(error: unknown): void {
    if (!this.#told) this.#onError(error);
    this.#told = true;
  }
}
