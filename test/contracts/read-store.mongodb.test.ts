import { describe, test } from 'vitest';
import { ReadStoreUnavailableError } from '../../src/read-models/errors.js';
import { openMongoReadStore } from '../../src/read-models/mongodb.js';
import type { ReadStore } from '../../src/read-models/store.js';
import { MONGODB_URL, NO_MONGODB, testDatabase } from '../support/mongodb.js';
import { steppingStore } from '../support/stepping-commands.js';
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
          steppingStore(database.url, (command, step) =>
            step < steps ? command() : Promise.reject(new ReadStoreUnavailableError('killed')),
          ),
        ),
      suspended: async (steps) => {
        let stop: (() => void) | undefined;
        let goOn: (() => void) | undefined;
        const stopped = new Promise<void>((resolve) => (stop = resolve));
        const going = new Promise<void>((resolve) => (goOn = resolve));
        const store = steppingStore(database.url, async (command, step) => {
          if (step === steps) stop?.();
          // Those that are on their way beside it stop as well.
          if (step >= steps) await going;
          return command();
        });
        return { store: keep(store), stopped, goOn: () => goOn?.() };
      },
      close: async () => {
        for (const store of opened.splice(0)) await store.close();
        await database.remove();
      },
    };
  });
}
