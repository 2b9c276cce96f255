import { linkSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { LogFormatError } from '../../src/log/errors.js';
import type { SealedRange } from '../../src/log/log.js';
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

const ranges: fc.Arbitrary<SealedRange> = fc.oneof(
  places.map(({ stream, revision, index }) => ({
    stream,
    from: revision,
    to: revision,
    ...(index === undefined ? {} : { index }),
  })),
  fc
    .tuple(streams, revisions, revisions)
    .map(([stream, a, b]) => ({ stream, from: Math.min(a, b), to: Math.max(a, b) })),
);

function covers({ stream, from, to, index }: SealedRange, place: SealPlace): boolean {
  return (
    stream === place.stream &&
    from <= place.revision &&
    place.revision <= to &&
    (index === undefined || index === place.index)
  );
}

/** Whether `gone` is one of the staged records of a commit's place. */
function isPartOf(gone: SealedRange, place: SealPlace): boolean {
  return place.index === undefined && gone.stream === place.stream && gone.from === place.revision;
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
      fc.array(ranges, { minLength: 1, maxLength: 6 }),
      fc.array(places, { maxLength: 15 }),
      (gone, others) => {
        const file = keyFile();
        const keys = SealKeys.open(file, systemRandom);
        const asked: SealPlace[] = [...others, ...gone.flatMap(edges)];
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

/** The places at both ends of a range, and those beside them. */
function edges({ stream, from, to, index }: SealedRange): SealPlace[] {
  const revisions = [from - 1, from, to, to + 1].filter((one) => one >= 0 && one < 2 ** 32);
  return revisions.map((revision) => ({ stream, revision, ...(index === undefined ? {} : { index }) }));
}

test('nothing in the file leads to a punctured key', () => {
  const file = keyFile();
  const keys = SealKeys.open(file, systemRandom);
  const root = readFileSync(file).subarray(15, 47);
  const gone = { stream: 'room-!a', revision: 5 };
  expect(hex(SealKeys.ephemeral({ bytes: () => root }).key(gone))).toBe(hex(keys.key(gone)));
  keys.puncture([{ stream: 'room-!a', from: 5, to: 5 }]);
  expect(readFileSync(file).includes(root)).toBe(false);
  // 160 siblings of 33 bytes, a byte for each branch, and the gap.
  expect(statSync(file).size).toBeLessThan(14 + 160 * 34 + 1 + 32 + 1);
});

test('what the file was is overwritten where it lay', () => {
  const file = keyFile();
  const keys = SealKeys.open(file, systemRandom);
  const before = readFileSync(file);
  // A second name for the same place on the disk.
  linkSync(file, `${file}.before`);
  keys.puncture([{ stream: 'room-!a', from: 5, to: 5 }]);
  expect(readFileSync(`${file}.before`)).toStrictEqual(Buffer.alloc(before.length));
});

test('puncturing again what is gone writes nothing', () => {
  const file = keyFile();
  const keys = SealKeys.open(file, systemRandom);
  const places = [
    { stream: 'room-!a', from: 5, to: 900 },
    { stream: 'room-!a', from: 1000, to: 1000, index: 3 },
  ];
  keys.puncture(places);
  const written = statSync(file).ino;
  keys.puncture([...places, { stream: 'room-!a', from: 70, to: 80, index: 1 }]);
  SealKeys.open(file, systemRandom).puncture(places);
  expect(statSync(file).ino).toBe(written);
});

test('a whole account costs no more than a few events', () => {
  const file = keyFile();
  SealKeys.open(file, systemRandom).puncture([{ stream: 'user-@a:x', from: 0, to: 1_000_000_007 }]);
  expect(statSync(file).size).toBeLessThan(7_000);
});

test('records after those whose keys are gone can be sealed', () => {
  const keys = SealKeys.ephemeral(systemRandom);
  keys.puncture([{ stream: 'user-@a:x', from: 0, to: 41 }]);
  expect(keys.key({ stream: 'user-@a:x', revision: 41 })).toBeUndefined();
  expect(keys.key({ stream: 'user-@a:x', revision: 42 })).toBeDefined();
});

test('what one process destroyed, no other brings back', () => {
  const file = keyFile();
  const [one, other] = [SealKeys.open(file, systemRandom), SealKeys.open(file, systemRandom)];
  expect(other.key({ stream: 'room-!a', revision: 5 })).toBeDefined();
  one.puncture([{ stream: 'room-!a', from: 5, to: 5 }]);
  other.puncture([{ stream: 'room-!b', from: 6, to: 6 }]);
  expect(other.key({ stream: 'room-!a', revision: 5 })).toBeUndefined();
  const third = SealKeys.open(file, systemRandom);
  expect(third.key({ stream: 'room-!a', revision: 5 })).toBeUndefined();
  expect(third.key({ stream: 'room-!b', revision: 6 })).toBeUndefined();
  expect(third.key({ stream: 'room-!b', revision: 5 })).toBeDefined();
});

test('a key file put back from before is punctured again, one of another log refused', () => {
  const file = keyFile();
  const keys = SealKeys.open(file, systemRandom);
  const old = readFileSync(file);
  const gone = { stream: 'room-!a', from: 5, to: 5 };
  keys.puncture([gone]);
  writeFileSync(file, old);
  keys.puncture([gone]);
  expect(SealKeys.open(file, systemRandom).key({ stream: 'room-!a', revision: 5 })).toBeUndefined();

  const foreign = keyFile();
  SealKeys.open(foreign, systemRandom);
  writeFileSync(file, readFileSync(foreign));
  expect(() => {
    keys.puncture([{ stream: 'room-!a', from: 6, to: 6 }]);
  }).toThrow(/keys of another log/);
  expect(readFileSync(file)).toStrictEqual(readFileSync(foreign));
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
