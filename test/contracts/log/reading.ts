import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Log, LoggedRecord } from '../../../src/log/log.js';
import { NO_STREAM, START } from '../../../src/log/position.js';
import { collect, nameOf, names, someRecords, type LogTools } from './tools.js';

/** Reads and subscriptions. */
export function readingContract({ opened }: LogTools): void {
  describe('reading', () => {
    test('reads a stream both ways, from anywhere', async () => {
      const log = await opened();
      await log.append('user-a', NO_STREAM, someRecords('a', 5));
      await log.append('user-b', NO_STREAM, someRecords('b', 2));
      await log.append('user-a', 4, someRecords('c', 2));
      const all = ['a0', 'a1', 'a2', 'a3', 'a4', 'c0', 'c1'];
      expect(await names(log.read('user-a'))).toStrictEqual(all);
      expect(await names(log.read('user-a', { direction: 'backwards' }))).toStrictEqual(all.toReversed());
      for (let from = 0; from < 10; from++) {
        expect(await names(log.read('user-a', { from }))).toStrictEqual(all.slice(from));
        expect(await names(log.read('user-a', { from, direction: 'backwards' }))).toStrictEqual(
          all.slice(0, from + 1).toReversed(),
        );
        expect(await names(log.read('user-a', { from, limit: 2 }))).toStrictEqual(all.slice(from, from + 2));
      }
      expect(await names(log.read('user-a', { direction: 'backwards', limit: 1 }))).toStrictEqual(['c1']);
      expect(await names(log.read('nobody'))).toStrictEqual([]);
      expect(await names(log.read('nobody', { direction: 'backwards' }))).toStrictEqual([]);
    });

    test('reads the whole log both ways, after and before any position', async () => {
      const log = await opened();
      const positions: number[] = [];
      const all: string[] = [];
      for (let i = 0; i < 4; i++) {
        const written = await log.append(
          `user-${i % 2}`,
          Math.floor(i / 2) * 2 - 1,
          someRecords(`r${i}-`, 2),
        );
        positions.push(...written.positions);
        all.push(`r${i}-0`, `r${i}-1`);
      }
      expect(await names(log.readAll({ direction: 'backwards' }))).toStrictEqual(all.toReversed());
      for (const [i, position] of positions.entries()) {
        expect(await names(log.readAll({ after: position }))).toStrictEqual(all.slice(i + 1));
        expect(await names(log.readAll({ after: position, limit: 3 }))).toStrictEqual(
          all.slice(i + 1, i + 4),
        );
        expect(await names(log.readAll({ direction: 'backwards', before: position }))).toStrictEqual(
          all.slice(0, i).toReversed(),
        );
      }
      expect(await names(log.readAll({ after: START }))).toStrictEqual(all);
      expect(await names(log.readAll({ after: log.head + 1000 }))).toStrictEqual([]);
    });

    test('reads more than a batch holds, and each batch says how far it got', async () => {
      const log = await opened();
      let revision = NO_STREAM;
      for (let i = 0; i < 13; i++) {
        revision = (await log.append('user-a', revision, someRecords(`${i}-`, 100))).revision;
      }
      let last = START;
      let count = 0;
      let batches = 0;
      for await (const batch of log.readAll()) {
        for (const record of batch.records) {
          expect(record.revision).toBe(count++);
          expect(record.position).toBeGreaterThan(last);
          last = record.position;
        }
        expect(batch.position).toBeGreaterThanOrEqual(last);
        batches++;
      }
      expect([count, batches > 1]).toStrictEqual([1300, true]);
      expect(await collect(log.read('user-a', { direction: 'backwards' }))).toHaveLength(1300);
    });
  });

  describe('subscribing', () => {
    /** Reads a subscription until it has delivered so many records. */
    async function follow(log: Log, after: number, count: number): Promise<LoggedRecord[]> {
      const found: LoggedRecord[] = [];
      const stop = new AbortController();
      if (count === 0) return found;
      for await (const batch of log.subscribe(after, stop.signal)) {
        found.push(...batch.records);
        if (found.length >= count) stop.abort();
      }
      return found;
    }

    test('catches up, goes on live, and ends with its signal', async () => {
      const log = await opened();
      await log.append('user-a', NO_STREAM, someRecords('a', 3));
      const stop = new AbortController();
      const seen: unknown[] = [];
      const following = (async () => {
        for await (const batch of log.subscribe(START, stop.signal)) {
          seen.push(...batch.records.map(nameOf));
          if (seen.length === 3) void log.append('user-b', NO_STREAM, someRecords('b', 2));
          if (seen.length === 5)
            void Promise.resolve().then(() => {
              stop.abort();
            });
        }
      })();
      await following;
      expect(seen).toStrictEqual(['a0', 'a1', 'a2', 'b0', 'b1']);
    });

    test('a signal that has aborted gives nothing', async () => {
      const log = await opened();
      await log.append('user-a', NO_STREAM, someRecords('a', 1));
      expect(await collect(log.subscribe(START, AbortSignal.abort()))).toStrictEqual([]);
    });

    test('delivers everything once, in order, while writers append', async () => {
      const log = await opened();
      let run = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 4 }), fc.boolean()), { maxLength: 25 }),
          fc.nat(25),
          async (appends, subscribeAt) => {
            run++;
            const start = log.head;
            const total = appends.reduce((sum, [, count]) => sum + count, 0);
            const revisions = new Map<number, number>();
            let following: Promise<LoggedRecord[]> | undefined;
            const pending: Promise<unknown>[] = [];
            for (const [i, [stream, count, wait]] of appends.entries()) {
              if (i === subscribeAt) following = follow(log, start, total);
              const expected = revisions.get(stream) ?? NO_STREAM;
              revisions.set(stream, expected + count);
              const append = log.append(`run-${run}-${stream}`, expected, someRecords('r', count));
              pending.push(append);
              if (wait) await append;
            }
            following ??= follow(log, start, total);
            await Promise.all(pending);
            const live = await following;
            const read = await collect(log.readAll({ after: start }));
            expect(live.map((r) => r.id)).toStrictEqual(read.map((r) => r.id));
            expect(live).toHaveLength(total);
          },
        ),
        { numRuns: 25 },
      );
    });

    test('the head moves with what is appended, and tells', async () => {
      const log = await opened();
      const heads: number[] = [];
      const subscription = log.heads.subscribe((head) => heads.push(head));
      const { positions } = await log.append('user-a', NO_STREAM, someRecords('a', 2));
      subscription.unsubscribe();
      expect(heads).toStrictEqual([START, positions[1]]);
    });
  });
}
