import { describe, test } from 'vitest';
import { ReadStoreUnavailableError } from '../../src/read-models/errors.js';
import { MongoCommands } from '../../src/read-models/mongodb-commands.js';
import type { Change } from '../../src/read-models/mongodb-documents.js';
import { MongoLink } from '../../src/read-models/mongodb-link.js';
import { MongoReadStore, openMongoReadStore } from '../../src/read-models/mongodb.js';
import type { ReadStore } from '../../src/read-models/store.js';
import { systemClock } from '../../src/runtime/clock.js';
import { MONGODB_URL, NO_MONGODB, testDatabase } from '../support/mongodb.js';
import { readStoreContract } from './read-store.js';

if (MONGODB_URL === '') {
  describe('read store: mongodb', () => {
    test.skip(`passes the contract${NO_MONGODB}`, () => undefined);
  });
} else {
  readStoreContract('mongodb', async () => {
    const database = await testDatabase();
    const opened: ReadStore[] = [];
    const keep = (store: ReadStore): ReadStore => {
      opened.push(store);
      return store;
    };
    const open = async () => keep(await openMongoReadStore({ url: database.url }));
    return {
      store: await open(),
      reopen: async () => {
        for (const store of opened.splice(0)) await store.close();
        return open();
      },
      another: open,
      dying: async (steps) =>
        keep(
          new MongoReadStore(new DyingCommands(new MongoLink(database.url, systemClock), steps), systemClock),
        ),
      close: async () => {
        for (const store of opened.splice(0)) await store.close();
        await database.remove();
      },
    };
  });
}

/** Commands of a process that is killed after so many durable steps: nothing that it asks for later is done. */
class DyingCommands extends MongoCommands {
  #left: number;

  constructor(link: MongoLink, steps: number) {
    super(link);
    this.#left = steps;
  }

  override replaceState(...args: Parameters<MongoCommands['replaceState']>): Promise<boolean> {
    return this.#step(() => super.replaceState(...args));
  }

  override prepareCollection(...args: Parameters<MongoCommands['prepareCollection']>): Promise<void> {
    return this.#step(() => super.prepareCollection(...args));
  }

  override async change(physical: string, changes: readonly Change[], position: number): Promise<void> {
    for (const change of changes) await this.#step(() => super.change(physical, [change], position));
  }

  override putPart(...args: Parameters<MongoCommands['putPart']>): Promise<void> {
    return this.#step(() => super.putPart(...args));
  }

  override removeParts(...args: Parameters<MongoCommands['removeParts']>): Promise<void> {
    return this.#step(() => super.removeParts(...args));
  }

  #step<T>(command: () => Promise<T>): Promise<T> {
    if (this.#left-- <= 0) return Promise.reject(new ReadStoreUnavailableError('killed'));
    return command();
  }
}
