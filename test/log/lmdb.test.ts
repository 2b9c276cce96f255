import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { LogFormatError } from '../../src/log/errors.js';
import { LmdbLog, openLmdbLog } from '../../src/log/lmdb.js';
import { openLmdbLogForReading } from '../../src/log/lmdb-reader.js';
import type { Log, RecordBatch } from '../../src/log/log.js';
import { NO_STREAM, START } from '../../src/log/position.js';
import { RecordLog } from '../../src/log/record-log.js';
import { SealKeys } from '../../src/log/seal-keys.js';
import { systemClock } from '../../src/runtime/clock.js';
import { systemRandom } from '../../src/runtime/random.js';
import { aRecord, collect, nameOf } from '../contracts/log/tools.js';
import { compiled } from '../support/compiled.js';
import { temporaryFolder } from '../support/folder.js';
import { lmdbHarness } from '../support/lmdb-log.js';
import { ManualClock } from '../support/manual-clock.js';

const folders: { readonly path: string; remove(): void }[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) folder.remove();
});
function newFolder(): string {
  const folder = temporaryFolder();
  folders.push(folder);
  return join(folder.path, 'log');
}

const clock = new ManualClock();
const random = systemRandom;
const keys = SealKeys.ephemeral(random);

function openAt(folder: string): ReturnType<typeof openLmdbLog> {
  return openLmdbLog({ folder, clock, random, keys });
}

describe('the folder', () => {
  test('is made private, and holds the log alone', async () => {
    const folder = newFolder();
    await (await openAt(folder)).close();
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(['format.json', 'log.mdb']));
  });

  test('is refused when it is foreign, newer, or not readable as a log', async () => {
    const foreign = newFolder();
    mkdirSync(foreign);
    writeFileSync(join(foreign, 'letter.txt'), 'dear');
    await expect(openAt(foreign)).rejects.toThrow(/something else than a log/);
    expect(readdirSync(foreign)).toStrictEqual(['letter.txt']);

    for (const [format, message] of [
      ['{"magic":"engram-log","format":3}', /has format 3; this program knows format 2/],
      ['{"magic":"other","format":1}', /does not say/],
      ['not json', /does not say/],
    ] as const) {
      const folder = newFolder();
      mkdirSync(folder);
      writeFileSync(join(folder, 'format.json'), format);
      const opening = openAt(folder);
      await expect(opening).rejects.toBeInstanceOf(LogFormatError);
      await expect(opening).rejects.toThrow(message);
      expect(existsSync(join(folder, 'log.mdb'))).toBe(false);
    }

    const broken = newFolder();
    mkdirSync(broken);
    writeFileSync(join(broken, 'format.json'), '{"magic":"engram-log","format":1}');
    writeFileSync(join(broken, 'log.mdb'), 'x'.repeat(10_000));
    await expect(openAt(broken)).rejects.toThrow(/is not a database/);

    const cut = newFolder();
    const log = await openAt(cut);
    for (let i = 0; i < 5; i++) await log.append('user-a', i - 1, [aRecord('a', 100_000)]);
    await log.close();
    truncateSync(join(cut, 'log.mdb'), 200_000);
    await expect(openAt(cut)).rejects.toThrow(/is cut off/);
  });

  test('is refused while this process holds it, and free afterwards', async () => {
    const folder = newFolder();
    const log = await openAt(folder);
    await expect(openAt(folder)).rejects.toThrow(/in use by this process/);
    await log.append('user-a', NO_STREAM, [aRecord('a')]);
    await log.close();
    for (let i = 0; i < 3; i++) {
      const again = await openAt(folder);
      expect(again.head).toBe(1);
      await again.close();
    }
    expect(readdirSync(folder).filter((name) => name.startsWith('lock'))).toHaveLength(1);
  });
});

describe('a byte that changes in the file', () => {
  test('costs the record that it belongs to, and nothing else', async () => {
    const harness = lmdbHarness();
    const log = await harness.open();
    const { positions } = await log.append(
      'user-a',
      NO_STREAM,
      ['a', 'b', 'c'].map((name) => aRecord(name)),
    );
    await log.close();
    await harness.corrupt(positions[1] ?? 0);

    const again = await harness.open();
    for (const batches of [again.read('user-a'), again.readAll()]) {
      expect((await collect(batches)).map(nameOf)).toStrictEqual(['a', 'c']);
    }
    expect(again.damaged).toMatchObject([{ position: positions[1], stream: 'user-a', revision: 1 }]);
    await again.close();
    await harness.dispose();
  });
});

describe('the map', () => {
  test('grows from the smallest to what is needed', async () => {
    const folder = newFolder();
    const raw = new LmdbLog({ folder, clock, random, mapSize: 65_536 });
    const log = new RecordLog(raw, { keys, random });
    for (let i = 0; i < 40; i++) await log.append('user-a', i - 1, [aRecord(`${i}`, 300_000)]);
    expect(statSync(join(folder, 'log.mdb')).size).toBeGreaterThan(12_000_000);
    const names = (await collect(log.readAll())).map(nameOf);
    expect(names).toStrictEqual(Array.from({ length: 40 }, (_, i) => `${i}`));
    await log.close();
  });
});

describe('scavenging', () => {
  test('gives back what retention hides, a bounded step at a time, and changes no stream read', async () => {
    const raw = new LmdbLog({ folder: newFolder(), clock, random });
    const log = new RecordLog(raw, { keys, random });
    await log.setRetention('counted', { maxCount: 3 });
    await log.setRetention('aged', { maxAge: 10 });
    for (let i = 0; i < 20; i++) {
      for (const stream of ['counted', 'aged', 'kept'])
        await log.append(stream, i - 1, [aRecord(`${stream}${i}`)]);
      clock.advance(1000);
    }
    const streams = async (): Promise<unknown[][]> =>
      Promise.all(
        ['counted', 'aged', 'kept'].map(async (s) => (await collect(log.read(s))).map((r) => r.revision)),
      );
    const before = await streams();
    expect(before.map((revisions) => revisions.length)).toStrictEqual([3, 10, 20]);
    expect(await collect(log.readAll())).toHaveLength(60);
    expect(await raw.scavenge(5)).toBe(5);
    expect(await collect(log.readAll())).toHaveLength(55);
    let removed = 5;
    for (let step = await raw.scavenge(8); step > 0; step = await raw.scavenge(8)) removed += step;
    expect(removed).toBe(27);
    expect(await streams()).toStrictEqual(before);
    expect((await collect(log.readAll())).map((r) => r.stream).filter((s) => s === 'kept')).toHaveLength(20);
    expect(await collect(log.readAll())).toHaveLength(33);
    await log.close();
  });

  test('happens by the way of appending', async () => {
    const log = await openAt(newFolder());
    await log.setRetention('counted', { maxCount: 1 });
    let revision = NO_STREAM;
    for (let i = 0; i < 10; i++) {
      const records = Array.from({ length: 100 }, (_, j) => aRecord(`${i}-${j}`));
      revision = (await log.append('counted', revision, records)).revision;
    }
    expect((await collect(log.readAll())).length).toBeLessThan(600);
    expect(await collect(log.read('counted'))).toHaveLength(1);
    await log.close();
  });

  test.each([
    ['a count', async (log: Log) => log.setRetention('passing', { maxCount: 10 })],
    ['an age', async (log: Log) => log.setRetention('passing', { maxAge: 60 })],
    [
      'a beginning',
      async (log: Log, revision: number) => log.setRetention('passing', { truncateBefore: revision - 10 }),
    ],
  ])('gives back the space of what %s hides: the file does not grow with what passes', async (_, retain) => {
    const folder = newFolder();
    const log = await openAt(folder);
    await log.append('kept', NO_STREAM, [aRecord('kept')]);
    let [revision, written, settled] = [NO_STREAM as number, 0, 0];
    for (let round = 0; round < 40; round++) {
      const records = Array.from({ length: 50 }, () => aRecord('passing', 8000));
      revision = (await log.append('passing', revision, records)).revision;
      written += 50 * 8000;
      clock.advance(30_000);
      await retain(log, revision);
      if (round === 19) settled = statSync(join(folder, 'log.mdb')).size;
    }
    const { size } = statSync(join(folder, 'log.mdb'));
    expect(written).toBeGreaterThan(15_000_000);
    expect(size).toBeLessThan(0.6 * written);
    expect(size).toBeLessThan(settled * 1.2);
    expect((await collect(log.readAll())).map(nameOf)).toContain('kept');
    expect((await collect(log.read('passing'))).at(-1)?.revision).toBe(revision);
    await log.close();
  });

  test('of the last record leaves the head and subscriptions right', async () => {
    const folder = newFolder();
    const raw = new LmdbLog({ folder, clock, random });
    const log = new RecordLog(raw, { keys, random });
    await log.append('user-a', NO_STREAM, [aRecord('a'), aRecord('b')]);
    await log.setRetention('user-a', { truncateBefore: 2 });
    expect(await raw.scavenge(100)).toBe(2);
    await log.close();
    const again = await openAt(folder);
    expect(again.head).toBe(2);
    const stop = new AbortController();
    for await (const batch of again.subscribe(-1, stop.signal)) {
      expect(batch).toStrictEqual({ records: [], damaged: [], position: 2 });
      stop.abort();
    }
    expect((await again.append('user-a', 1, [aRecord('c')])).positions).toStrictEqual([3]);
    await again.close();
  });
});

describe('groups', () => {
  test('hold what arrives while the one before is being flushed', async () => {
    const groups: number[] = [];
    const observer = {
      appended(records: number, bytes: number, appendMs: number, flushMs: number) {
        groups.push(records);
        expect(bytes).toBeGreaterThan(records * 100);
        expect(appendMs).toBeGreaterThanOrEqual(flushMs);
      },
    };
    const log = await openLmdbLog({ folder: newFolder(), clock, random, keys, observer });
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => log.append(`s-${i}`, NO_STREAM, [aRecord(`${i}`)])),
    );
    expect(groups.reduce((sum, count) => sum + count, 0)).toBe(50);
    expect(groups.length).toBeLessThan(5);
    await log.close();
  });
});

describe('another process', () => {
  let program: ReturnType<typeof compiled>;
  const children: ChildProcess[] = [];
  beforeAll(() => {
    program = compiled(['src', 'test/support', 'test/contracts', 'projections']);
    symlinkSync(fileURLToPath(new URL('../../schemas', import.meta.url)), join(program.path, 'schemas'));
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });
  afterAll(() => {
    program.remove();
  });

  const script = (): string => join(program.path, 'test/support/log-writer.js');

  /** Starts a writer; `line` is called for each line that it prints. */
  function start(command: string, args: readonly string[], line: (text: string) => void): ChildProcess {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(child);
    createInterface({ input: child.stdout }).on('line', line);
    return child;
  }

  test('that is killed loses nothing acknowledged, and leaves no lock behind', async () => {
    const folder = newFolder();
    const keyFile = join(folder, '..', 'keys');
    const acknowledged = new Map<string, number>();
    for (let kill = 0; kill < 5; kill++) {
      let lines = 0;
      const child = start(process.execPath, [script(), folder, keyFile], (text) => {
        const [stream = '', revision] = text.split(' ');
        if (revision !== undefined) acknowledged.set(stream, Number(revision));
        if (++lines === 20 + 37 * kill) child.kill('SIGKILL');
      });
      await once(child, 'close');
      expect(child.signalCode).toBe('SIGKILL');

      const log = await openLmdbLog({ folder, clock, random, keys: SealKeys.open(keyFile, random) });
      for (const [stream, revision] of acknowledged) {
        const found = await collect(log.read(stream));
        expect(found.length).toBeGreaterThan(revision);
        // Appended by threes: all or nothing.
        expect(found.length % 3).toBe(0);
        expect(found.map(nameOf)).toStrictEqual(found.map((_, i) => `${stream} ${i}`));
      }
      expect(log.damaged).toStrictEqual([]);
      await log.close();
    }
    expect(acknowledged.size).toBe(4);
  });

  test('that writes is followed by one who only reads, while the map grows', async () => {
    const folder = newFolder();
    const keyFile = join(folder, '..', 'keys');
    const acknowledged = new Map<string, number>();
    let opened: () => void = () => undefined;
    const ready = new Promise<void>((resolve) => (opened = resolve));
    const child = start(process.execPath, [script(), folder, keyFile, '60000'], (text) => {
      opened();
      const [stream = '', revision] = text.split(' ');
      if (revision !== undefined) acknowledged.set(stream, Number(revision));
    });
    await ready;
    const reading = { folder, clock: systemClock, random, keys: SealKeys.open(keyFile, random) };
    const log = openLmdbLogForReading(reading);
    const seen = new Map<string, number>();
    let position = START;
    const take = (batch: RecordBatch): void => {
      for (const { stream, revision } of batch.records) {
        expect(revision).toBe((seen.get(stream) ?? NO_STREAM) + 1);
        seen.set(stream, revision);
      }
      position = batch.position;
    };
    for await (const batch of log.subscribe(START, new AbortController().signal)) {
      take(batch);
      if (position > 500) break;
    }
    child.kill('SIGKILL');
    await once(child, 'close');
    for await (const batch of log.readAll({ after: position })) take(batch);
    for (const [stream, revision] of acknowledged) expect(seen.get(stream)).toBeGreaterThanOrEqual(revision);
    expect(acknowledged.size).toBe(4);
    expect(log.damaged).toStrictEqual([]);
    await log.close();
  });

  test('that lives keeps the folder to itself', async () => {
    const folder = newFolder();
    const keyFile = join(folder, '..', 'keys');
    let opened: () => void = () => undefined;
    const ready = new Promise<void>((resolve) => (opened = resolve));
    const child = start(process.execPath, [script(), folder, keyFile], () => {
      opened();
    });
    await ready;
    await expect(openAt(folder)).rejects.toThrow(`in use by process ${child.pid ?? 0}`);
    child.kill('SIGKILL');
    await once(child, 'close');
    await (await openAt(folder)).close();
  });

  test('that runs out of space refuses to append, and has everything it acknowledged', async () => {
    const folder = newFolder();
    const keyFile = join(folder, '..', 'keys');
    const acknowledged = new Map<string, number>();
    const refused: string[][] = [];
    // A limit on the size of files stands for a full disk: writes fail with EFBIG.
    const limited = `trap '' XFSZ; ulimit -f 4000; exec "$0" "$@"`;
    const child = start(
      'bash',
      ['-c', limited, process.execPath, script(), folder, keyFile, '20000'],
      (text) => {
        const words = text.split(' ');
        if (words[0] === 'refused') refused.push(words);
        else if (words[1] !== undefined) acknowledged.set(words[0] ?? '', Number(words[1]));
      },
    );
    await once(child, 'close');
    expect(child.exitCode).toBe(0);
    expect(refused).toHaveLength(4);
    for (const words of refused) expect(words.slice(1, 3)).toStrictEqual(['LogUnavailableError', 'false']);

    const log = await openLmdbLog({ folder, clock, random, keys: SealKeys.open(keyFile, random) });
    expect(acknowledged.size).toBe(4);
    for (const [stream, revision] of acknowledged) expect(await log.revision(stream)).toBe(revision);
    expect((await log.append('after', NO_STREAM, [aRecord('a')])).revision).toBe(0);
    await log.close();
  });
});
