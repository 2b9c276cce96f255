import { randomUUID } from 'node:crypto';
import type { Clock } from '../runtime/clock.js';
import { ReadStoreUnavailableError } from './errors.js';
import type { MongoCatalogue } from './mongodb-catalogue.js';
import type { MongoCommands } from './mongodb-commands.js';
import type { Changes } from './mongodb-documents.js';
import { journalParts } from './mongodb-journal.js';
import {
  commit,
  drop,
  finish,
  giveUp,
  pendingOf,
  physicalName,
  type Commit,
  type PendingWrite,
  type State,
} from './mongodb-state.js';
import type { Serving } from './store.js';

/**
 * The longest that a write may take from its journal to its end (milliseconds): a slower one is given up, to be
 * done again by whoever writes next. Much shorter than journals and traces of deleted documents are kept.
 */
const LONGEST_WRITE = 10 * 60_000;

/**
 * Writes of several documents, on a server that changes one at a time:
 *
 * 1. the journal: all that is to be written, in documents of its own;
 * 2. the commit: a compare-and-set on the state, which checks the checkpoints and names the journal as pending;
 * 3. the documents, each unless it is as new already;
 * 4. the end: a compare-and-set that moves the checkpoints, and has the journal pending no more;
 * 5. the journal is removed.
 *
 * What dies before 2 has done nothing, and what dies after it is done again from 3 by whoever finds it.
 */
export class MongoWriting {
  readonly #commands: MongoCommands;
  readonly #catalogue: MongoCatalogue;
  readonly #clock: Clock;
  readonly #removals = new Set<Promise<void>>();

  constructor(commands: MongoCommands, catalogue: MongoCatalogue, clock: Clock) {
    this.#commands = commands;
    this.#catalogue = catalogue;
    this.#clock = clock;
  }

  /** @throws CheckpointConflictError before any document is changed */
  async write(write: readonly Changes[], checkpoints: Commit['checkpoints']): Promise<void> {
    // Nothing is put into a database that is not ours.
    await this.#catalogue.known();
    const parts = journalParts(write);
    const limit = this.#clock.monotonic() + LONGEST_WRITE;
    if (parts.length === 0) {
      await this.#commit({ checkpoints, collections: write, journal: undefined }, limit);
      return;
    }
    const journal = { journal: randomUUID(), parts: parts.length };
    for (const [i, part] of parts.entries()) await this.#commands.putPart(journal.journal, i, part);
    const state = await this.#commit({ checkpoints, collections: write, journal }, limit).catch(
      (error: unknown) => {
        // It may be in, where the answer is lost.
        if (!(error instanceof ReadStoreUnavailableError)) this.#remove(journal);
        throw error;
      },
    );
    for (const part of parts) await this.#apply(part, state, limit);
    await this.#finish(journal);
  }

  /**
   * Sees to it that of these versions' writes everything or nothing is there: those under way are in or never will be,
   * and those that are in are completed.
   */
  async settle(versions: readonly Pick<Serving, 'projection' | 'version'>[]): Promise<State> {
    const state = await this.#catalogue.settled();
    const pending = pendingOf(state, versions);
    for (const each of pending) await this.#complete(each, state);
    return pending.length === 0 ? state : this.#catalogue.known();
  }

  async drop(version: Pick<Serving, 'projection' | 'version'>): Promise<void> {
    await this.#unhindered((state) => drop(state, version));
  }

  /** Waits for what is still to be removed. */
  async close(): Promise<void> {
    await Promise.all(this.#removals);
  }

  #commit(wanted: Commit, limit: number): Promise<State> {
    return this.#unhindered((state) => {
      this.#check(limit);
      return commit(state, wanted);
    });
  }

  /** Changes the state; writes that are in the way are completed first. */
  async #unhindered(change: (state: State) => State | PendingWrite[] | undefined): Promise<State> {
    while (true) {
      const { hindrances, state } = await this.#catalogue.change((before) => {
        const changed = change(before) ?? before;
        if (Array.isArray(changed)) return { result: { hindrances: changed, state: before } };
        return { next: changed === before ? undefined : changed, result: { hindrances: [], state: changed } };
      });
      if (hindrances.length === 0) return state;
      for (const pending of hindrances) await this.#complete(pending, state);
    }
  }

  /** Does a committed write from its journal, again or to its end. @param state in which it is pending */
  async #complete({ journal, parts }: PendingWrite, state: State): Promise<void> {
    const limit = this.#clock.monotonic() + LONGEST_WRITE;
    for (let i = 0; i < parts; i++) {
      const part = await this.#commands.part(journal, i);
      if (part === undefined) {
        // Somebody else has completed it; or it is lost, and what it was half of is built anew.
        await this.#catalogue.change((now) => ({ next: giveUp(now, journal), result: undefined }));
        return;
      }
      await this.#apply(part, state, limit);
    }
    await this.#finish({ journal, parts });
  }

  /**
   * @param state in which the write is committed: by then its versions are there, and one that is dropped and begun
   *   again after it was completed by others has collections of other names
   */
  async #apply(write: readonly Changes[], state: State, limit: number): Promise<void> {
    const outcomes = await Promise.allSettled(
      write.map(async ({ changes, position, version, ...shape }) => {
        const physical = physicalName(state, shape, version);
        if (physical === undefined) return;
        await this.#commands.prepareCollection(physical, shape.indexes);
        this.#check(limit);
        await this.#commands.change(physical, changes, position);
      }),
    );
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  async #finish(journal: Omit<PendingWrite, 'checkpoints'>): Promise<void> {
    await this.#catalogue.change((state) => ({ next: finish(state, journal.journal), result: undefined }));
    this.#remove(journal);
  }

  /** Nothing waits for it, and nothing is lost where it fails: MongoDB removes it a day later. */
  #remove({ journal, parts }: Omit<PendingWrite, 'checkpoints'>): void {
    const removal = this.#commands.removeParts(journal, parts).catch(() => undefined);
    this.#removals.add(removal);
    void removal.then(() => this.#removals.delete(removal));
  }

  #check(limit: number): void {
    if (this.#clock.monotonic() <= limit) return;
    throw new ReadStoreUnavailableError('The write took too long: it is done again.');
  }
}
