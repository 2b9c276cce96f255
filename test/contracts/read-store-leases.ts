import { describe, expect, test } from 'vitest';
import { ReadStoreUnavailableError } from '../../src/read-models/errors.js';
import { note, put, write, type Opened } from './read-store-notes.js';

/** Leases: documents that are changed by whoever knows them as they are. */
export function leasesContract(at: Opened): void {
  describe('leases', () => {
    const lease = (holder: string, beat: number, name = 'projections') => ({ name, holder, beat });

    test('are not there at first, and then as they were left', async () => {
      expect(await at.store.lease('projections')).toBeUndefined();
      expect(await at.store.changeLease(lease('a', 1), undefined)).toBe(true);
      expect(await at.store.lease('projections')).toEqual(lease('a', 1));
      expect(await at.store.changeLease(lease('', 2), lease('a', 1))).toBe(true);
      expect(await at.store.lease('projections')).toEqual(lease('', 2));
      expect(await at.store.lease('others')).toBeUndefined();
    });

    test.each([
      ['nobody', undefined],
      ['another holder', lease('b', 5)],
      ['a beat of before', lease('a', 4)],
      ['a beat to come', lease('a', 6)],
    ])('are not changed by who takes them for those of %s', async (_, expected) => {
      await at.store.changeLease(lease('a', 5), undefined);
      expect(await at.store.changeLease(lease('c', 7), expected)).toBe(false);
      expect(await at.store.lease('projections')).toEqual(lease('a', 5));
    });

    test('that nobody ever had are not taken from somebody', async () => {
      expect(await at.store.changeLease(lease('a', 2), lease('b', 1))).toBe(false);
      expect(await at.store.lease('projections')).toBeUndefined();
    });

    test('of any name stand for themselves', async () => {
      const names = ['a', 'A', 'a/b', 'a.b', '$a', '__proto__', 'é', ''];
      for (const [i, name] of names.entries()) {
        expect(await at.store.changeLease(lease('h', i, name), undefined)).toBe(true);
      }
      for (const [i, name] of names.entries()) {
        expect(await at.store.lease(name)).toEqual(lease('h', i, name));
      }
    });

    test('go to one of those who reach for them at once', async () => {
      const stores = [at.store, await at.harness.another(), await at.harness.another()];
      const taken = await Promise.all(
        stores.map((store, i) => store.changeLease(lease(`holder ${i}`, 1), undefined)),
      );
      expect(taken.filter(Boolean)).toHaveLength(1);
      const winner = lease(`holder ${taken.indexOf(true)}`, 1);
      for (const store of stores) expect(await store.lease('projections')).toEqual(winner);
      const raised = await Promise.all(
        stores.map((store, i) => store.changeLease(lease(`next ${i}`, 2), winner)),
      );
      expect(raised.filter(Boolean)).toHaveLength(1);
    });

    test('outlive what is dropped, and are no part of checkpoints', async () => {
      await write(at.store, put(note(['a'])));
      await at.store.changeLease(lease('a', 1), undefined);
      await at.store.drop('notebook', 1);
      expect(await at.store.checkpoints()).toEqual([]);
      const again = await at.harness.reopen();
      expect(await again.lease('projections')).toEqual(lease('a', 1));
    });

    test('of a closed store are out of reach', async () => {
      await at.store.close();
      await expect(at.store.lease('projections')).rejects.toBeInstanceOf(ReadStoreUnavailableError);
      await expect(at.store.changeLease(lease('a', 1), undefined)).rejects.toBeInstanceOf(
        ReadStoreUnavailableError,
      );
    });
  });
}
