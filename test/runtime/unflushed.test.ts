import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openLmdbReadStore } from '../../src/read-models/lmdb.js';
import { RoomStateDamagedError } from '../../src/room-state/errors.js';
import { LmdbRoomState } from '../../src/room-state/lmdb.js';
import { DerivedFolder } from '../../src/runtime/derived-folder.js';
import { bootName } from '../../src/runtime/lmdb-check.js';
import { flushLeft, leaveUnflushed, lossOf } from '../../src/runtime/unflushed.js';
import { temporaryFolder } from '../support/folder.js';

const canTell = bootName() !== undefined;

describe.skipIf(!canTell)(
  `a file that is not flushed${canTell ? '' : ', skipped, because this system does not name its boots: run it on Linux'}`,
  () => {
    let folder: ReturnType<typeof temporaryFolder>;
    let file: string;
    beforeEach(() => {
      folder = temporaryFolder();
      file = join(folder.path, 'data.mdb');
    });
    afterEach(() => {
      folder.remove();
    });

    /** As if the machine had been started again since. */
    const restart = () => {
      expect(existsSync(`${file}-unflushed`)).toBe(true);
      writeFileSync(`${file}-unflushed`, 'another boot');
    };

    test('is believed while the machine runs, and once it was flushed', () => {
      writeFileSync(file, 'something');
      expect(leaveUnflushed(file)).toBe(true);
      expect(lossOf(file)).toBeUndefined();
      expect(leaveUnflushed(file)).toBe(true);
      flushLeft(file);
      expect(existsSync(`${file}-unflushed`)).toBe(false);
      expect(lossOf(file)).toBeUndefined();
    });

    test('is lost when the machine has ended meanwhile, and its folder is made again', () => {
      writeFileSync(file, 'something');
      leaveUnflushed(file);
      restart();
      expect(lossOf(file)).toMatch(/^was not flushed/);
      const derived = new DerivedFolder(folder.path, 'data.mdb', { tables: [] });
      expect(derived.dropDamaged(false)).toMatch(/data\.mdb was not flushed before the machine ended/);
      expect(existsSync(folder.path)).toBe(false);
    });

    test('of read models is refused then, and said to be ours; closed in time it is good', async () => {
      await openLmdbReadStore(folder.path).close();
      await openLmdbReadStore(folder.path).close();
      const left = openLmdbReadStore(folder.path);
      restart();
      for (const options of [{}, { shared: true }, { readOnly: true }]) {
        expect(() => openLmdbReadStore(folder.path, options)).toThrow(
          /was not flushed before the machine ended.*delete/,
        );
      }
      await left.close();
      await openLmdbReadStore(folder.path).close();
    });

    test('of read models that several processes write is flushed by each write', async () => {
      const store = openLmdbReadStore(folder.path, { shared: true });
      expect(existsSync(`${file}-unflushed`)).toBe(false);
      await store.close();
    });

    test('of room state is refused then, too', async () => {
      await new LmdbRoomState(folder.path).close();
      const left = new LmdbRoomState(folder.path);
      restart();
      expect(() => new LmdbRoomState(folder.path)).toThrow(RoomStateDamagedError);
      await left.close();
    });
  },
);
