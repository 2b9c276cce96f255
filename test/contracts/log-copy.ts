import { afterEach, describe, expect, test } from 'vitest';
import type { RawLog } from '../../src/log/adapter.js';
import { CopyRefusedError } from '../../src/log/copy/errors.js';
import { LogCopy } from '../../src/log/copy/log-copy.js';
import { LogUnavailableError } from '../../src/log/errors.js';
import type { Log, LoggedRecord, NewRecord } from '../../src/log/log.js';
import { NO_STREAM, START } from '../../src/log/position.js';
import { RecordLog } from '../../src/log/record-log.js';
import type { SealKeys } from '../../src/log/seal-keys.js';
import { systemClock } from '../../src/runtime/clock.js';
import { systemRandom, uuid } from '../../src/runtime/random.js';
import {
  appendingBy,
  aRecord,
  collect,
  damagingBy,
  largeRecords,
  names,
  someRecords,
  type LogHarness,
} from './log/tools.js';

/** A history whose store and keys can be got at. */
export interface CopyHarness extends LogHarness {
  readonly keys: SealKeys;
}

interface Opened {
  readonly log: Log;
  readonly raw: RawLog;
  readonly keys: SealKeys;
}

function cursorMoved(position: number): NewRecord {
  const metadata = { correlation_id: 'c', received_at: 1 };
  return { id: uuid(systemRandom), type: 'cursor.moved', version: 1, data: { position }, metadata };
}

function receipt(event_position: number | null): NewRecord {
  return {
    id: uuid(systemRandom),
    type: 'receipt.posted',
    version: 1,
    data: { room_id: '!a', event_id: '$e', receipt_type: 'm.read', thread_id: null, event_position, ts: 5 },
    metadata: { correlation_id: 'c', received_at: 1 },
  };
}

/** What a record is, wherever it lies. */
function withoutPosition({ position: _, ...record }: LoggedRecord): object {
  return record;
}

/** What copying does, from any adapter to any other. */
export function logCopyContract(
  name: string,
  from: () => Promise<CopyHarness>,
  to: () => Promise<CopyHarness>,
): void {
  describe(`copying a log, ${name}`, () => {
    const opened: Log[] = [];
    const made: CopyHarness[] = [];
    afterEach(async () => {
      for (const log of opened.splice(0)) await log.close();
      for (const harness of made.splice(0)) await harness.dispose();
    });

    const harness = async (factory: () => Promise<CopyHarness>): Promise<CopyHarness> => {
      const one = await factory();
      made.push(one);
      return one;
    };
    const open = async (one: CopyHarness, keys = one.keys): Promise<Opened> => {
      const raws: RawLog[] = [];
      const direct = await one.open((raw) => {
        raws.push(raw);
        return raw;
      });
      const [raw] = raws;
      if (raw === undefined) throw new Error('The harness opened nothing.');
      opened.push(direct);
      // What was copied opens with the keys that it was sealed with.
      return { log: new RecordLog(raw, { keys, random: systemRandom }), raw, keys };
    };
    const both = async (): Promise<{
      source: Opened;
      target: Opened;
      from: CopyHarness;
      to: CopyHarness;
    }> => {
      const [here, there] = [await harness(from), await harness(to)];
      return { source: await open(here), target: await open(there, here.keys), from: here, to: there };
    };
    // A server on a busy machine may be away for a moment.
    const begin = (source: RawLog, target: RawLog, patience = 10_000): Promise<LogCopy> =>
      LogCopy.begin({ source, target, clock: systemClock, patience });
    const copy = async (source: RawLog, target: RawLog): Promise<LogCopy> => {
      const copying = await begin(source, target);
      await copying.catchUp();
      return copying;
    };

    test('takes over every record as it is, at its revision, in order', async () => {
      const { source, target } = await both();
      await source.log.append('room-!a', NO_STREAM, someRecords('a', 3));
      await source.log.append('user-b', NO_STREAM, someRecords('b', 1));
      await source.log.append('room-!a', 2, largeRecords('big'));
      await source.log.append('user-b', 0, someRecords('c', 2));
      await source.log.append('room-!a', 3, someRecords('d', 1));
      const copying = await copy(source.raw, target.raw);

      const [here, there] = [await collect(source.log.readAll()), await collect(target.log.readAll())];
      expect(there.map(withoutPosition)).toStrictEqual(here.map(withoutPosition));
      expect(there).toHaveLength(3 + 1 + 12 + 2 + 1);
      const compared = await copying.compare();
      expect(compared).toMatchObject({ damaged: 0, differing: 0, differences: [] });
      expect(compared.records).toBe(copying.counts.records);
      expect(compared.bytes).toBe(copying.counts.bytes);
      // Beside the two, the stream of the pages.
      expect(compared.streams).toBe(3);
    });

    test('goes on where it was: nothing twice, and only what is new', async () => {
      const { source, target } = await both();
      for (let i = 0; i < 30; i++)
        await source.log.append(`user-${i % 7}`, Math.floor(i / 7) - 1, [aRecord(`${i}`)]);
      expect((await copy(source.raw, target.raw)).counts.records).toBe(30);
      expect((await copy(source.raw, target.raw)).counts.records).toBe(0);
      await source.log.append('user-new', NO_STREAM, someRecords('n', 2));
      const third = await copy(source.raw, target.raw);
      expect(third.counts.records).toBe(2);
      expect(third.isResumed).toBe(true);
      expect(await names(target.log.readAll())).toStrictEqual(await names(source.log.readAll()));
    });

    test('copies more than is ever on its way at once, and goes on from before its end', async () => {
      const { source, target } = await both();
      for (let i = 0; i < 6; i++) {
        await Promise.all(
          Array.from({ length: 50 }, (_, n) =>
            source.log.append(`user-${n}`, 8 * i - 1, someRecords(`${n} ${i} `, 8)),
          ),
        );
        await copy(source.raw, target.raw);
      }
      expect(await names(target.log.readAll())).toStrictEqual(await names(source.log.readAll()));
      expect((await (await copy(source.raw, target.raw)).compare()).records).toBe(2400);
    });

    test('gives the target an epoch of its own, each time that it is copied into', async () => {
      const { source, target, to: there } = await both();
      await source.log.append('user-a', NO_STREAM, someRecords('a', 1));
      const epochs = new Set([source.raw.epoch, target.raw.epoch]);
      let last = target;
      for (let i = 0; i < 2; i++) {
        await copy(source.raw, last.raw);
        await last.log.close();
        const again = await open(there);
        epochs.add(again.raw.epoch);
        last = again;
      }
      expect(epochs.size).toBe(4);
    });

    test('translates the positions that records speak of', async () => {
      const { source, target } = await both();
      const a = await source.log.append('room-!a', NO_STREAM, someRecords('a', 2));
      await source.log.append('receipts-a', NO_STREAM, [receipt(a.positions[1] ?? 0), receipt(null)]);
      const b = await source.log.append('room-!a', 1, largeRecords('big'));
      await source.log.append('receipts-a', 1, [receipt(b.positions[0] ?? 0), receipt(10 ** 12)]);
      await source.log.append('cursor-x', NO_STREAM, [cursorMoved(START), cursorMoved(b.positions[0] ?? 0)]);
      await source.log.append('room-!a', 2, someRecords('z', 1));
      await source.log.append('cursor-x', 1, [cursorMoved(a.positions[0] ?? 0)]);
      const copying = await copy(source.raw, target.raw);

      const room = await collect(target.log.read('room-!a'));
      const [first, second] = [room[1]?.position, room[2]?.position];
      const receipts = await collect(target.log.read('receipts-a'));
      const places = receipts.map((r) => (r.type === 'receipt.posted' ? r.data.event_position : undefined));
      expect(places).toStrictEqual([first, null, second, null]);
      const cursors = await collect(target.log.read('cursor-x'));
      const moved = cursors.map((r) => (r.type === 'cursor.moved' ? r.data.position : undefined));
      expect(moved).toStrictEqual([START, second, room[0]?.position]);
      expect(await copying.compare()).toMatchObject({ differing: 0 });
    });

    test('takes retention over, and shows no more than the source shows', async () => {
      const { source, target } = await both();
      await source.log.append('cursor-x', NO_STREAM, [1, 2, 3].map(cursorMoved));
      await source.log.setRetention('cursor-x', { maxCount: 1 });
      await source.log.append('user-a', NO_STREAM, someRecords('a', 5));
      await source.log.setRetention('user-a', { truncateBefore: 3, maxAge: 1000 });
      await source.log.append('user-b', NO_STREAM, someRecords('b', 2));
      await source.log.setRetention('user-b', { truncateBefore: 2 });
      await source.log.setRetention('user-none', { maxCount: 4 });
      const expectAlike = async (): Promise<void> => {
        const copying = await copy(source.raw, target.raw);
        for (const stream of ['cursor-x', 'user-a', 'user-b', 'user-none', 'user-other']) {
          expect(await target.log.retention(stream)).toStrictEqual(await source.log.retention(stream));
          expect(await target.log.revision(stream)).toBe(await source.log.revision(stream));
          const [here, there] = [source, target].map(({ log }) => collect(log.read(stream)));
          expect((await there)?.map(({ id }) => id)).toStrictEqual((await here)?.map(({ id }) => id));
        }
        expect(await copying.compare()).toMatchObject({ differing: 0 });
      };
      await expectAlike();
      await source.log.setRetention('user-none', {});
      await source.log.setRetention('cursor-x', { maxCount: 2 });
      await source.log.append('user-b', 1, someRecords('b', 1));
      await expectAlike();
      expect((await target.log.append('user-b', 2, someRecords('c', 1))).revision).toBe(3);
      expect(await names(target.log.read('user-b'))).toStrictEqual(['b0', 'c0']);
    });

    test('refuses a target that has what the source does not have', async () => {
      const { source, target } = await both();
      await source.log.append('user-a', NO_STREAM, someRecords('a', 3));
      await copy(source.raw, target.raw);
      await target.log.append('user-a', 2, someRecords('own', 1));
      const { epoch } = target.raw;
      await expect(begin(source.raw, target.raw)).rejects.toThrow(/gone its own way: user-a/);
      // Also where the source has got as far meanwhile.
      await source.log.append('user-a', 2, someRecords('b', 2));
      await expect(begin(source.raw, target.raw)).rejects.toBeInstanceOf(CopyRefusedError);
      expect(await names(target.log.readAll())).toStrictEqual(['a0', 'a1', 'a2', 'own0']);
      expect(target.raw.epoch).toBe(epoch);

      const foreign = await open(await harness(to));
      await foreign.log.append('user-other', NO_STREAM, someRecords('x', 1));
      await expect(begin(source.raw, foreign.raw)).rejects.toThrow(/gone its own way: user-other/);
    });

    test('refuses to go on when something else writes to the target', async () => {
      const { source, target } = await both();
      await source.log.append('user-a', NO_STREAM, someRecords('a', 3));
      const copying = await copy(source.raw, target.raw);
      await target.log.append('user-a', 2, someRecords('own', 1));
      await source.log.append('user-a', 2, someRecords('b', 1));
      await expect(copying.catchUp()).rejects.toThrow(/Something else writes to the target/);
    });

    test('finds what is not the same in the copy', async () => {
      const { source, target } = await both();
      await source.log.append('user-a', NO_STREAM, someRecords('a', 4));
      await copy(
        source.raw,
        damagingBy(target.raw, (_, revision) => revision === 1),
      );
      const copying = await copy(source.raw, target.raw);
      expect(copying.counts.records).toBe(0);
      expect(await copying.compare()).toMatchObject({
        records: 3,
        differing: 1,
        differences: [{ stream: 'user-a', revision: 1, reason: 'The copy is damaged.' }],
      });
    });

    test('keeps damaged records as they are, and the revisions of all others', async () => {
      const { source, target } = await both();
      const damaging = damagingBy(
        source.raw,
        (stream, revision) => stream === 'user-a' && revision % 2 === 1,
      );
      const damaged = new RecordLog(damaging, { keys: source.keys, random: systemRandom });
      await damaged.append('user-a', NO_STREAM, someRecords('a', 4));
      await damaged.append('user-b', NO_STREAM, someRecords('b', 2));
      const copying = await copy(source.raw, target.raw);
      expect(await names(target.log.readAll())).toStrictEqual(['a0', 'a2', 'b0', 'b1']);
      expect(target.log.damaged).toMatchObject([
        { stream: 'user-a', revision: 1 },
        { stream: 'user-a', revision: 3 },
      ]);
      expect(await copying.compare()).toMatchObject({ records: 4, damaged: 2, differing: 0 });
      expect((await target.log.append('user-a', 3, someRecords('c', 1))).revision).toBe(4);
    });

    test.each(['before', 'after'])('goes on where an append failed %s it was written', async (when) => {
      const { source, target } = await both();
      for (let i = 0; i < 40; i++)
        await source.log.append(`user-${i % 3}`, Math.floor(i / 3) - 1, [aRecord(`${i}`)]);
      let appends = 0;
      let failures = 0;
      const flaky = appendingBy(target.raw, async (stream, revision, records) => {
        const fails = ++appends % 7 === 0;
        if (fails && when === 'before') {
          failures++;
          throw new LogUnavailableError('It is away.', { outcomeUnknown: true });
        }
        const appended = await target.raw.append(stream, revision, records);
        if (fails) {
          failures++;
          throw new LogUnavailableError('It is away.', { outcomeUnknown: true });
        }
        return appended;
      });
      const waits: string[] = [];
      const copying = await LogCopy.begin({
        source: source.raw,
        target: flaky,
        clock: { ...systemClock, after: (_, callback) => systemClock.after(0, callback) },
        patience: 60_000,
        onWaiting: ({ message }) => waits.push(message),
      });
      await copying.catchUp();
      expect(failures).toBeGreaterThan(0);
      expect(waits.length).toBeGreaterThan(0);
      expect(await copying.compare()).toMatchObject({ records: 40, differing: 0 });
      expect((await names(target.log.readAll())).sort()).toStrictEqual(
        (await names(source.log.readAll())).sort(),
      );
    });

    test('gives up when what it needs stays away', async () => {
      const { source, target } = await both();
      await source.log.append('user-a', NO_STREAM, someRecords('a', 1));
      const away = appendingBy(target.raw, async () => {
        throw new LogUnavailableError('It is away.', { outcomeUnknown: false });
      });
      await expect((await begin(source.raw, away, 0)).catchUp()).rejects.toThrow('It is away.');
    });

    test('while the source is written, gets all that there is at its end', async () => {
      const { source, target } = await both();
      await source.log.append('user-a', NO_STREAM, someRecords('a', 200));
      let written: Promise<unknown> | undefined;
      const copying = await LogCopy.begin({
        source: source.raw,
        target: target.raw,
        clock: systemClock,
        patience: 10_000,
        onProgress: () => {
          written ??= source.log.append('user-b', NO_STREAM, someRecords('b', 200));
        },
      });
      await copying.catchUp();
      await written;
      await copying.catchUp();
      expect(await names(target.log.readAll())).toStrictEqual(await names(source.log.readAll()));
    });
  });
}
