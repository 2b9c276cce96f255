import { afterEach, beforeEach, describe } from 'vitest';
import { crashesContract } from './read-store-crashes.js';
import { documentsContract } from './read-store-documents.js';
import { leasesContract } from './read-store-leases.js';
import type { Opened, ReadStoreHarness } from './read-store-notes.js';
import { writingContract } from './read-store-writing.js';

/** The whole contract of ReadStore; an adapter's test file is a call of this. */
export function readStoreContract(name: string, open: () => Promise<ReadStoreHarness>): void {
  describe(`read store: ${name}`, () => {
    const at = {} as Opened;

    beforeEach(async () => {
      at.harness = await open();
      at.store = at.harness.store;
    });

    afterEach(async () => {
      await at.harness.close();
    });

    documentsContract(at);
    writingContract(at);
    crashesContract(at);
    leasesContract(at);
  });
}
