import { ReadStoreUnavailableError } from '../../src/read-models/errors.js';
import { openLmdbReadStore } from '../../src/read-models/lmdb.js';
import type { ReadStore } from '../../src/read-models/store.js';
import { FaultyReadStore } from '../support/faulty-store.js';
import { temporaryFolder } from '../support/folder.js';
import type { SuspendedStore } from './read-store-notes.js';
import { readStoreContract } from './read-store.js';

readStoreContract('lmdb', async () => {
  const folder = temporaryFolder();
  const opened: ReadStore[] = [];
  const open = (): ReadStore => {
    const store = openLmdbReadStore(folder.path);
    opened.push(store);
    return store;
  };
  return {
    store: open(),
    reopen: async () => {
      for (const store of opened.splice(0)) await store.close();
      return open();
    },
    another: async () => open(),
    // By the same handle: LMDB in one process does not take several that write at once.
    dying: async (steps) => dyingAfter(steps, opened.at(-1) ?? open()),
    suspended: async (steps) => suspendedAfter(steps, opened.at(-1) ?? open()),
    close: async () => {
      for (const store of opened.splice(0)) await store.close();
      folder.remove();
    },
  };
});

/** A write is one transaction: it dies before its commit, or after it and before it is answered. */
function dyingAfter(steps: number, store: ReadStore): ReadStore {
  const kill = (): never => {
    throw new ReadStoreUnavailableError('killed');
  };
  if (steps === 0) return new FaultyReadStore(store, { beforeWrite: kill });
  if (steps === 1) return new FaultyReadStore(store, { afterWrite: kill });
  return store;
}

/** It stops before its transaction, or after it. */
function suspendedAfter(steps: number, store: ReadStore): SuspendedStore {
  let stop: (() => void) | undefined;
  let goOn: (() => void) | undefined;
  const stopped = new Promise<void>((resolve) => (stop = resolve));
  const going = new Promise<void>((resolve) => (goOn = resolve));
  const wait = async (): Promise<void> => {
    stop?.();
    await going;
  };
  const slow = new (class extends FaultyReadStore {
    override async write(...args: Parameters<ReadStore['write']>): Promise<void> {
      if (steps === 0) await wait();
      await super.write(...args);
      if (steps === 1) await wait();
    }
  })(store, {});
  return { store: slow, stopped, goOn: () => goOn?.() };
}
