import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { LogFormatError } from '../../src/log/errors.js';
import { SealKeys, type SealPlace } from '../../src/log/seal-keys.js';
import { systemRandom } from '../../src/runtime/random.js';
import { temporaryFolder } from '../support/folder.js';

const folders: { remove(): void }[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) folder.remove();
});
function keyFile(): string {
  const folder = temporaryFolder();
  folders.push(folder);
  return join(folder.path, 'secrets', 'keys');
}

const streams = fc.constantFrom('room-!a', 'room-!b', 'user-@a:x');
const revisions = fc.oneof(fc.nat(20), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
const places: fc.Arbitrary<SealPlace> = fc.oneof(
  fc.record({ stream: streams, revision: revisions }),
  fc.record({ stream: streams, revision: revisions, index: fc.oneof(fc.nat(5), fc.nat(2 ** 24 - 1)) }),
);

function covers(punctured: SealPlace, place: SealPlace): boolean {
  return (
    punctured.stream === place.stream &&
    punctured.revision === place.revision &&
    (punctured.index === undefined || punctured.index === place.index)
  );
}

/** Whether `punctured` is one of the staged records of a commit's place. */
function isPartOf(punctured: SealPlace, place: SealPlace): boolean {
  return (
    place.index === undefined && punctured.stream === place.stream && punctured.revision === place.revision
  );
}

function hex(key: Uint8Array | undefined): string | undefined {
  return key && Buffer.from(key).toString('hex');
}

test('every place has a key of its own, whatever was asked before', () => {
  fc.assert(
    fc.property(
      fc.array(places, { minLength: 2, maxLength: 20 }),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      (asked, root) => {
        const one = SealKeys.ephemeral({ bytes: () => root });
        const keys = new Map<string, string>();
        for (const place of asked) {
          const key = hex(one.key(place));
          expect(key).toHaveLength(64);
          // A fresh instance has nothing cached.
          expect(hex(SealKeys.ephemeral({ bytes: () => root }).key(place))).toBe(key);
          keys.set(JSON.stringify([place.stream, place.revision, place.index ?? null]), key ?? '');
        }
        expect(new Set(keys.values()).size).toBe(keys.size);
      },
    ),
    { numRuns: 50 },
  );
});

test('puncturing forgets what it names and nothing else, in the file too', () => {
  fc.assert(
    fc.property(
      fc.array(places, { minLength: 1, maxLength: 6 }),
      fc.array(places, { maxLength: 15 }),
      (gone, others) => {
        const file = keyFile();
        const keys = SealKeys.open(file, systemRandom);
        const asked = [
          ...gone,
          ...others,
          ...gone.map((place) => ({ ...place, revision: (place.revision ^ 1) >>> 0 })),
        ];
        const before = asked.map((place) => hex(keys.key(place)));
        const [first, ...rest] = gone;
        if (first !== undefined) keys.puncture([first]);
        keys.puncture(rest);
        for (const held of [keys, SealKeys.open(file, systemRandom)]) {
          for (const [i, place] of asked.entries()) {
            // A key at a commit's own place, which no record has, goes with any of the commit's.
            const forgotten = gone.some((one) => covers(one, place) || isPartOf(one, place));
            expect(hex(held.key(place))).toBe(forgotten ? undefined : before[i]);
          }
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('nothing in the file leads to a punctured key', () => {
  const file = keyFile();
  const keys = SealKeys.open(file, systemRandom);
  const root = readFileSync(file).subarray(15, 47);
  const gone = { stream: 'room-!a', revision: 5 };
  expect(hex(SealKeys.ephemeral({ bytes: () => root }).key(gone))).toBe(hex(keys.key(gone)));
  keys.puncture([gone]);
  expect(readFileSync(file).includes(root)).toBe(false);
  // 160 siblings of 33 bytes, a byte for each branch, and the gap.
  expect(statSync(file).size).toBeLessThan(14 + 160 * 34 + 1 + 32 + 1);
});

test('the file is private, and refused when it is damaged or something else', () => {
  const file = keyFile();
  SealKeys.open(file, systemRandom);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(join(file, '..')).mode & 0o777).toBe(0o700);
  const bytes = readFileSync(file);
  for (let at = 0; at < bytes.byteLength; at += 7) {
    const damaged = Buffer.from(bytes);
    damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
    writeFileSync(file, damaged);
    expect(() => SealKeys.open(file, systemRandom)).toThrow(LogFormatError);
  }
  writeFileSync(file, 'short');
  expect(() => SealKeys.open(file, systemRandom)).toThrow(LogFormatError);
});

test('refuses places outside the tree', () => {
  const keys = SealKeys.ephemeral(systemRandom);
  for (const place of [
    { revision: -1 },
    { revision: 2 ** 32 },
    { revision: 1, index: 2 ** 24 },
    { revision: 0.5 },
  ]) {
    expect(() => keys.key({ stream: 's', ...place })).toThrow(RangeError);
  }
});
