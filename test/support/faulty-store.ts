import type {
  Checkpoint,
  CollectionDefinition,
  Document,
  Lease,
  ReadStore,
} from '../../src/read-models/store.js';

/** What happens around a write or before a read; each may throw. */
export interface Faults {
  beforeRead?(): void;
  beforeWrite?(): void;
  /** The write has taken effect; throwing loses its answer. */
  afterWrite?(): void;
}

/** A read store that does what another does, with faults. */
export class FaultyReadStore implements ReadStore {
  readonly #store: ReadStore;
  readonly #faults: Faults;

  constructor(store: ReadStore, faults: Faults) {
    this.#store = store;
    this.#faults = faults;
  }

  collection<D extends Document>(definition: CollectionDefinition<D>) {
    return this.#store.collection(definition);
  }

  version<D extends Document>(definition: CollectionDefinition<D>, version: number) {
    const collection = this.#store.version(definition, version);
    const reading = async <T>(read: () => Promise<T>): Promise<T> => {
      this.#faults.beforeRead?.();
      return read();
    };
    return {
      get: (...args: Parameters<typeof collection.get>) => reading(() => collection.get(...args)),
      getMany: (...args: Parameters<typeof collection.getMany>) => reading(() => collection.getMany(...args)),
      find: (...args: Parameters<typeof collection.find>) => reading(() => collection.find(...args)),
      count: (...args: Parameters<typeof collection.count>) => reading(() => collection.count(...args)),
    };
  }

  async write(...args: Parameters<ReadStore['write']>): Promise<void> {
    this.#faults.beforeWrite?.();
    await this.#store.write(...args);
    this.#faults.afterWrite?.();
  }

  async checkpoint(projection: string, version: number): Promise<Checkpoint | undefined> {
    this.#faults.beforeRead?.();
    return this.#store.checkpoint(projection, version);
  }

  async checkpoints(): Promise<Checkpoint[]> {
    this.#faults.beforeRead?.();
    return this.#store.checkpoints();
  }

  serving() {
    return this.#store.serving();
  }

  serve(projection: string, version: number) {
    return this.#store.serve(projection, version);
  }

  drop(projection: string, version: number) {
    return this.#store.drop(projection, version);
  }

  dump<D extends Document>(definition: CollectionDefinition<D>, version: number) {
    return this.#store.dump(definition, version);
  }

  async lease(name: string): Promise<Lease | undefined> {
    this.#faults.beforeRead?.();
    return this.#store.lease(name);
  }

  async changeLease(next: Lease, expected: Lease | undefined): Promise<boolean> {
    this.#faults.beforeWrite?.();
    const changed = await this.#store.changeLease(next, expected);
    this.#faults.afterWrite?.();
    return changed;
  }

  close() {
    return this.#store.close();
  }
}
