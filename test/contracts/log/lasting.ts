import { describe, expect, test } from 'vitest';
import type { RawLog } from '../../../src/log/adapter.js';
import { LogClosedError } from '../../../src/log/errors.js';
import { NO_STREAM, START } from '../../../src/log/position.js';
import { collect, damagingBy, largeRecords, nameOf, names, someRecords, type LogTools } from './tools.js';

/** What comes with time: retention, damage, reopening, closing. */
export function lastingContract({ harness, opened }: LogTools): void {
  describe('retention', () => {
    test('is none, set, and replaced', async () => {
      const log = await opened();
      expect(await log.retention('user-a')).toStrictEqual({});
      await log.setRetention('user-a', { maxAge: 5, maxCount: 3, truncateBefore: 1 });
      expect(await log.retention('user-a')).toStrictEqual({ maxAge: 5, maxCount: 3, truncateBefore: 1 });
      await log.setRetention('user-a', { maxCount: 2 });
      expect(await log.retention('user-a')).toStrictEqual({ maxCount: 2 });
      expect(await log.revision('user-a')).toBe(NO_STREAM);
      for (const bad of [{ maxAge: 0 }, { maxCount: 0 }, { maxCount: 1.5 }, { truncateBefore: -1 }]) {
        await expect(log.setRetention('user-a', bad)).rejects.toBeInstanceOf(RangeError);
      }
    });

    test('by count and truncation holds for stream reads at once; numbers go on', async () => {
      const log = await opened();
      await log.append('user-a', NO_STREAM, someRecords('a', 10));
      await log.setRetention('user-a', { maxCount: 4 });
      expect(await names(log.read('user-a'))).toStrictEqual(['a6', 'a7', 'a8', 'a9']);
      expect(await names(log.read('user-a', { direction: 'backwards' }))).toStrictEqual([
        'a9',
        'a8',
        'a7',
        'a6',
      ]);
      expect(await names(log.read('user-a', { from: 3, direction: 'backwards' }))).toStrictEqual([]);
      await log.setRetention('user-a', { truncateBefore: 8 });
      expect(await names(log.read('user-a', { from: 2 }))).toStrictEqual(['a8', 'a9']);
      await log.setRetention('user-a', { truncateBefore: 100 });
      expect(await names(log.read('user-a'))).toStrictEqual([]);
      expect(await log.revision('user-a')).toBe(9);
      expect((await log.append('user-a', 9, someRecords('b', 1))).revision).toBe(10);
    });

    test('by several hides what any of them hides', async () => {
      const made = await harness();
      const log = await opened(made);
      const { maxAge } = made;
      await log.setRetention('user-a', { maxAge, maxCount: 4, truncateBefore: 3 });
      await log.append('user-a', NO_STREAM, someRecords('a', 6));
      expect(await names(log.read('user-a'))).toStrictEqual(['a3', 'a4', 'a5']);
      await log.append('user-a', 5, someRecords('b', 3));
      expect(await names(log.read('user-a'))).toStrictEqual(['a5', 'b0', 'b1', 'b2']);
      await made.advance(maxAge * 1500);
      expect(await names(log.read('user-a'))).toStrictEqual([]);
      await log.append('user-a', 8, someRecords('c', 1));
      expect(await names(log.read('user-a'))).toStrictEqual(['c0']);
    });

    test('counts as one what one commit brought in', async () => {
      const log = await opened();
      await log.append('room-a', NO_STREAM, someRecords('a', 2));
      await log.append('room-a', 1, largeRecords('big', 9));
      await log.append('room-a', 2, someRecords('z', 1));
      await log.setRetention('room-a', { maxCount: 2 });
      const left = [...Array.from({ length: 9 }, (_, i) => `big${i}`), 'z0'];
      expect(await names(log.read('room-a'))).toStrictEqual(left);
      await log.setRetention('room-a', { truncateBefore: 3 });
      expect(await names(log.read('room-a'))).toStrictEqual(['z0']);
    });

    test('of a stream leaves others as they are, and is there before the stream', async () => {
      const log = await opened();
      await log.setRetention('user-a', { maxCount: 1 });
      await log.append('user-a', NO_STREAM, someRecords('a', 3));
      await log.append('user-b', NO_STREAM, someRecords('b', 3));
      expect(await names(log.read('user-a'))).toStrictEqual(['a2']);
      expect(await names(log.read('user-b'))).toStrictEqual(['b0', 'b1', 'b2']);
      expect(await log.retention('user-b')).toStrictEqual({});
    });

    test('by age goes by the clock', async () => {
      const made = await harness();
      const log = await opened(made);
      const { maxAge } = made;
      await log.setRetention('user-a', { maxAge });
      await log.append('user-a', NO_STREAM, someRecords('a', 2));
      await made.advance((maxAge * 2000) / 3);
      await log.append('user-a', 1, someRecords('b', 1));
      expect(await names(log.read('user-a'))).toStrictEqual(['a0', 'a1', 'b0']);
      await made.advance(maxAge * 500);
      expect(await names(log.read('user-a'))).toStrictEqual(['b0']);
      expect(await names(log.read('user-a', { direction: 'backwards' }))).toStrictEqual(['b0']);
      await made.advance(maxAge * 1000);
      expect(await names(log.read('user-a'))).toStrictEqual([]);
    });
  });

  describe('the streams that ever had retention', () => {
    test('are listed, with and without records, each once', async () => {
      const made = await harness();
      const raws: RawLog[] = [];
      const log = await opened(made, (raw) => {
        raws.push(raw);
        return raw;
      });
      const listed = async (): Promise<string[]> => {
        const found: string[] = [];
        for await (const stream of raws.at(-1)?.retained() ?? []) found.push(stream);
        return found.sort();
      };
      expect(await listed()).toStrictEqual([]);
      const streams = Array.from({ length: 1001 }, (_, i) => `user-${String(i).padStart(4, '0')}`);
      await Promise.all(streams.map((stream) => log.setRetention(stream, { maxCount: 1 })));
      await log.append('user-0007', NO_STREAM, someRecords('a', 2));
      await log.append('user-other', NO_STREAM, someRecords('a', 2));
      await log.setRetention('user-0007', { truncateBefore: 2 });
      await log.setRetention('user-0008', {});
      expect(await listed()).toStrictEqual(streams);
      await log.close();
      await opened(made, (raw) => {
        raws.push(raw);
        return raw;
      });
      expect(await listed()).toStrictEqual(streams);
    });
  });

  describe('damage', () => {
    test('is found, reported, counted once and skipped', async () => {
      const made = await harness();
      const log = await opened(made, (raw) => damagingBy(raw, (_, revision) => revision === 2));
      const { positions } = await log.append('user-a', NO_STREAM, someRecords('a', 5));
      await log.close();

      const again = await opened(made);
      for (const read of [() => again.read('user-a'), () => again.readAll(), () => again.readAll()]) {
        const damaged: unknown[] = [];
        const good: unknown[] = [];
        for await (const batch of read()) {
          good.push(...batch.records.map(nameOf));
          damaged.push(...batch.damaged);
        }
        expect(good).toStrictEqual(['a0', 'a1', 'a3', 'a4']);
        expect(damaged).toMatchObject([{ position: positions[2], stream: 'user-a', revision: 2 }]);
      }
      expect(again.damaged).toHaveLength(1);
      expect((await again.append('user-a', 4, someRecords('b', 1))).revision).toBe(5);
    });

    test('of a page makes its commit unreadable, and nothing else', async () => {
      const made = await harness();
      const log = await opened(made, (raw) =>
        damagingBy(raw, (stream, revision) => stream.startsWith('staging-') && revision === 0),
      );
      await log.append('room-a', NO_STREAM, someRecords('a', 1));
      const commit = await log.append('room-a', 0, largeRecords('big'));
      await log.append('room-a', 1, someRecords('z', 1));
      await log.close();

      const again = await opened(made);
      expect(await names(again.read('room-a'))).toStrictEqual(['a0', 'z0']);
      expect(again.damaged).toMatchObject([{ position: commit.positions[0], stream: 'room-a', revision: 1 }]);
    });
  });

  describe('opening and closing', () => {
    test('keeps everything across reopening: records, head, epoch, retention', async () => {
      const made = await harness();
      const log = await opened(made);
      const { epoch } = log;
      await log.append('user-a', NO_STREAM, someRecords('a', 3));
      await log.append('room-a', NO_STREAM, largeRecords('big'));
      await log.setRetention('user-a', { maxCount: 2 });
      const { head } = log;
      const all = await collect(log.readAll());
      await log.close();

      const again = await opened(made);
      expect([again.epoch, again.head]).toStrictEqual([epoch, head]);
      expect(await collect(again.readAll())).toStrictEqual(all);
      expect(await again.retention('user-a')).toStrictEqual({ maxCount: 2 });
      expect((await again.append('user-a', 2, someRecords('b', 1))).positions[0]).toBeGreaterThan(head);
    });

    test('begins another epoch after one was ended, with everything in it', async () => {
      const made = await harness();
      const raws: RawLog[] = [];
      const log = await opened(made, (raw) => {
        raws.push(raw);
        return raw;
      });
      const { epoch } = log;
      await log.append('user-a', NO_STREAM, someRecords('a', 2));
      await raws[0]?.endEpoch();
      expect(log.epoch).toBe(epoch);
      await log.close();

      const again = await opened(made);
      expect(again.epoch).not.toBe(epoch);
      expect(again.epoch).toMatch(/^[0-9a-f-]{36}$/);
      expect(await names(again.readAll())).toStrictEqual(['a0', 'a1']);
      const begun = again.epoch;
      await again.close();
      expect((await opened(made)).epoch).toBe(begun);
    });

    test('another log has another epoch', async () => {
      const [one, other] = [await opened(), await opened()];
      expect(one.epoch).not.toBe(other.epoch);
      expect(one.epoch).toMatch(/^[0-9a-f-]{36}$/);
    });

    test('closing writes what was accepted, then refuses everything', async () => {
      const made = await harness();
      const log = await opened(made);
      const pending = Array.from({ length: 5 }, (_, i) =>
        log.append(`s-${i}`, NO_STREAM, someRecords('a', 1)),
      );
      const stop = new AbortController();
      const following = collect(log.subscribe(START, stop.signal));
      const ended = expect(following).rejects.toBeInstanceOf(LogClosedError);
      await log.close();
      await Promise.all(pending);
      await ended;
      await log.close();
      await expect(log.append('x', NO_STREAM, someRecords('a', 1))).rejects.toBeInstanceOf(LogClosedError);
      await expect(log.revision('x')).rejects.toBeInstanceOf(LogClosedError);
      await expect(log.retention('x')).rejects.toBeInstanceOf(LogClosedError);
      await expect(log.setRetention('x', {})).rejects.toBeInstanceOf(LogClosedError);
      await expect(collect(log.read('x'))).rejects.toBeInstanceOf(LogClosedError);
      await expect(collect(log.readAll())).rejects.toBeInstanceOf(LogClosedError);
      expect(await collect((await opened(made)).readAll())).toHaveLength(5);
    });
  });
}
