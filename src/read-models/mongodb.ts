import { systemClock, type Clock, type Timer } from '../runtime/clock.js';
import { canonicalText } from './canonical.js';
import { ReadModelNotReadyError, ReadStoreUnavailableError } from './errors.js';
import { MongoCatalogue } from './mongodb-catalogue.js';
import { documentOf, MongoCollection, type Reading } from './mongodb-collection.js';
import { MongoCommands } from './mongodb-commands.js';
import { changesOf } from './mongodb-documents.js';
import { MongoLink } from './mongodb-link.js';
import {
  checkpointOf,
  checkpointsOf,
  isLeftOver,
  physicalName,
  serve,
  shapeOf,
  versionName,
  type State,
} from './mongodb-state.js';
import { Turns } from './mongodb-turns.js';
import { MongoWriting } from './mongodb-writing.js';
import type {
  Checkpoint,
  Collection,
  CollectionDefinition,
  Document,
  DocumentWrite,
  Key,
  Lease,
  ReadStore,
  Serving,
} from './store.js';

export interface MongoReadStoreOptions {
  /** A connection string. It names the database, which is ours alone; `engram` where it names none. */
  readonly url: string;
  readonly clock?: Clock;
}

/**
 * Milliseconds before a dropped version's collections are removed: longer than the longest query, since one may have
 * begun when that version still served.
 */
const REMOVED_AFTER = 60_000;

/** Documents read at once for a dump. */
const DUMP_CHUNK = 500;

/**
 * The read store in a database of a MongoDB server, replica set or cluster, shared by any number of processes.
 *
 * Opens nothing by itself: the server need not be there. What is asked of it meanwhile fails with
 * ReadStoreUnavailableError, within seconds at first, then at once, and works again as soon as it is back.
 * A database of something else, or of another format, is refused by the first use, with ReadStoreFormatError.
 *
 * @throws ReadStoreFormatError for a URL that cannot be used
 */
export async function openMongoReadStore({
  url,
  clock = systemClock,
}: MongoReadStoreOptions): Promise<ReadStore> {
  return new MongoReadStore(new MongoCommands(new MongoLink(url, clock)), clock);
}

/** The read store over the commands that it gives; see `openMongoReadStore`. */
export class MongoReadStore implements ReadStore {
  readonly #commands: MongoCommands;
  readonly #catalogue: MongoCatalogue;
  readonly #writing: MongoWriting;
  readonly #clock: Clock;
  /** By version: a projection sees no part of a write, so its reads and writes take turns. */
  readonly #turns = new Turns();
  /** Versions, by name, of whose last write nobody knows whether it is in. */
  readonly #unsettled = new Set<string>();
  #removal: Timer | undefined;
  #closed = false;

  constructor(commands: MongoCommands, clock: Clock) {
    this.#commands = commands;
    this.#clock = clock;
    this.#catalogue = new MongoCatalogue(commands);
    this.#writing = new MongoWriting(commands, this.#catalogue, clock);
    // What a process that was killed has dropped.
    this.#scheduleRemoval();
  }

  /** Asks beside each read whether another version serves now, and reads again where it does. */
  collection<D extends Document>(definition: CollectionDefinition<D>): Collection<D> {
    const shape = shapeOf(definition);
    const place = (state: State): Place => {
      const serving = state.serving.find(({ projection }) => projection === definition.projection);
      if (serving === undefined) return { isReady: false, physical: undefined };
      return { isReady: true, physical: physicalName(state, shape, serving.version) };
    };
    const reading: Reading = async (read, nothing) => {
      let assumed = place(await this.#catalogue.known());
      while (true) {
        const { physical } = assumed;
        const [found, state] = await Promise.all([
          physical === undefined ? nothing : read(physical),
          this.#catalogue.layout(),
        ]);
        const actual = place(state);
        if (actual.isReady === assumed.isReady && actual.physical === physical) {
          if (!actual.isReady) throw new ReadModelNotReadyError(definition.projection);
          return found;
        }
        assumed = actual;
      }
    };
    return new MongoCollection(this.#commands, definition, reading);
  }

  /**
   * Costs one command for each read. That another process has dropped the version is seen with the next look at its
   * checkpoint, or by a write, which is refused.
   */
  version<D extends Document>(definition: CollectionDefinition<D>, version: number): Collection<D> {
    const shape = shapeOf(definition);
    const named = { projection: definition.projection, version };
    const reading: Reading = async (read, nothing) => {
      await this.#settleDoubts([named]);
      return this.#turns.shared(versionName(named), async () => {
        const physical =
          physicalName(await this.#catalogue.known(), shape, version) ??
          physicalName(await this.#catalogue.layout(), shape, version);
        return physical === undefined ? nothing : read(physical);
      });
    };
    return new MongoCollection(this.#commands, definition, reading);
  }

  /** Costs four commands one after another, with one for each collection between them; see mongodb-writing.ts. */
  async write(
    writes: readonly (DocumentWrite & { readonly projection: string; readonly version: number })[],
    checkpoints: readonly { readonly next: Checkpoint; readonly expected: number }[],
  ): Promise<void> {
    const changes = changesOf(writes, checkpoints);
    const versions = checkpoints.map(({ next }) => next);
    const names = versions.map(versionName);
    await this.#turns.exclusive(names, async () => {
      if (names.some((name) => this.#unsettled.has(name))) await this.#settle(versions);
      try {
        await this.#writing.write(changes, checkpoints);
      } catch (error) {
        if (error instanceof ReadStoreUnavailableError) for (const name of names) this.#unsettled.add(name);
        throw error;
      }
    });
  }

  async checkpoint(projection: string, version: number): Promise<Checkpoint | undefined> {
    const named = { projection, version };
    return this.#turns.exclusive([versionName(named)], async () =>
      checkpointOf(await this.#settle([named]), named),
    );
  }

  async checkpoints(): Promise<Checkpoint[]> {
    return checkpointsOf(await this.#catalogue.read());
  }

  async serving(): Promise<Serving[]> {
    return [...(await this.#catalogue.read()).serving];
  }

  async serve(projection: string, version: number): Promise<void> {
    await this.#catalogue.change((state) => ({
      next: serve(state, { projection, version }),
      result: undefined,
    }));
  }

  /** The collections themselves are removed later. */
  async drop(projection: string, version: number): Promise<void> {
    const named = { projection, version };
    await this.#turns.exclusive([versionName(named)], () => this.#writing.drop(named));
    this.#scheduleRemoval();
  }

  async *dump<D extends Document>(
    definition: CollectionDefinition<D>,
    version: number,
  ): AsyncGenerator<{ key: Key; bytes: Uint8Array }> {
    const named = { projection: definition.projection, version };
    const state = await this.#turns.exclusive([versionName(named)], () => this.#settle([named]));
    const physical = physicalName(state, shapeOf(definition), version);
    if (physical === undefined) return;
    const range = { index: undefined, reverse: false, limit: DUMP_CHUNK, high: BEYOND };
    let low = '';
    while (true) {
      const rows = await this.#commands.rowsBetween(physical, { ...range, low });
      for (const row of rows) {
        const document = documentOf(row) as D | undefined;
        if (document === undefined) continue;
        yield { key: definition.key(document), bytes: Buffer.from(canonicalText(document)) };
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < DUMP_CHUNK) return;
      // The next text there can be.
      low = `${last._id}\0`;
    }
  }

  async lease(name: string): Promise<Lease | undefined> {
    await this.#catalogue.known();
    return this.#commands.lease(name);
  }

  async changeLease(next: Lease, expected: Lease | undefined): Promise<boolean> {
    await this.#catalogue.known();
    return expected === undefined
      ? this.#commands.insertLease(next)
      : this.#commands.replaceLease(next, expected);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#removal?.cancel();
    await this.#writing.close();
    await this.#commands.close();
  }

  async #settleDoubts(versions: readonly Pick<Serving, 'projection' | 'version'>[]): Promise<void> {
    const isUnsettled = () => versions.some((version) => this.#unsettled.has(versionName(version)));
    if (!isUnsettled()) return;
    await this.#turns.exclusive(versions.map(versionName), async () => {
      if (isUnsettled()) await this.#settle(versions);
    });
  }

  async #settle(versions: readonly Pick<Serving, 'projection' | 'version'>[]): Promise<State> {
    const state = await this.#writing.settle(versions);
    for (const version of versions) this.#unsettled.delete(versionName(version));
    return state;
  }

  #scheduleRemoval(): void {
    if (this.#closed) return;
    this.#removal?.cancel();
    this.#removal = this.#clock.after(REMOVED_AFTER, () => {
      // Where it fails it is tried again after the next drop, and by the next process.
      void this.#removeLeftOvers().catch(() => undefined);
    });
  }

  async #removeLeftOvers(): Promise<void> {
    const names = await this.#commands.collectionNames();
    // Read after the names: what has been begun since then is not among them.
    const state = await this.#catalogue.read();
    for (const name of names) if (isLeftOver(state, name)) await this.#commands.dropCollection(name);
  }
}

/** Where a collection is that queries see. */
interface Place {
  readonly isReady: boolean;
  readonly physical: string | undefined;
}

/** After every key. */
const BEYOND = '\u{ffff}';
