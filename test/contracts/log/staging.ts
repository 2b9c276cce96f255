import { describe, expect, test } from 'vitest';
import { LogUnavailableError } from '../../../src/log/errors.js';
import type { LoggedRecord } from '../../../src/log/log.js';
import { NO_STREAM, START } from '../../../src/log/position.js';
import { appendingBy, collect, largeRecords, nameOf, names, someRecords, type LogTools } from './tools.js';

/** Appends beyond the limit of one. */
export function stagingContract({ harness, opened }: LogTools): void {
  describe('appends larger than one may be', () => {
    test('take effect at once: one revision, one position, one batch', async () => {
      const log = await opened();
      await log.append('room-a', NO_STREAM, someRecords('a', 1));
      const records = largeRecords('big');
      const before = log.head;
      const appended = await log.append('room-a', 0, records);
      expect(appended.revision).toBe(1);
      expect(appended.positions).toHaveLength(12);
      expect(new Set(appended.positions).size).toBe(1);
      const after = await log.append('room-a', 1, someRecords('z', 1));
      expect(after.revision).toBe(2);

      for (const batches of [log.read('room-a'), log.readAll()]) {
        const found: LoggedRecord[] = [];
        for await (const batch of batches) {
          const staged = batch.records.filter((r) => r.revision === 1);
          expect([0, 12]).toContain(staged.length);
          found.push(...batch.records);
        }
        expect(found.map(nameOf)).toStrictEqual(['a0', ...records.map((_, i) => `big${i}`), 'z0']);
        expect(found.map((r) => r.index)).toStrictEqual([0, ...records.keys(), 0]);
        expect(found[3]).toStrictEqual({
          ...records[2],
          stream: 'room-a',
          revision: 1,
          position: appended.positions[0],
          index: 2,
          forgotten: false,
        });
      }
      const back = await names(log.readAll({ direction: 'backwards', after: before }));
      expect(back).toStrictEqual(['z0', ...records.map((_, i) => `big${11 - i}`)]);
      // A commit is never split, so that a reader can go on after it.
      expect(await collect(log.read('room-a', { from: 1, limit: 5 }))).toHaveLength(12);
    });

    test('are written once when repeated, and refused at another revision', async () => {
      const log = await opened();
      const records = largeRecords('big');
      const first = await log.append('room-a', NO_STREAM, records);
      expect(await log.append('room-a', NO_STREAM, records)).toStrictEqual(first);
      const same = largeRecords('same');
      const [one, other] = await Promise.all([
        log.append('room-b', NO_STREAM, same),
        log.append('room-b', NO_STREAM, same),
      ]);
      expect(other).toStrictEqual(one);
      expect(await collect(log.read('room-b'))).toHaveLength(12);
      await expect(log.append('room-a', NO_STREAM, largeRecords('other'))).rejects.toMatchObject({
        actual: 0,
      });
      expect(await collect(log.readAll())).toHaveLength(24);
    });

    test('mean nothing when the writer dies before the commit', async () => {
      const made = await harness();
      const dying = await opened(made, (raw) =>
        appendingBy(raw, async (stream, expected, records) => {
          if (!stream.startsWith('staging-')) throw new Error('Killed.');
          return raw.append(stream, expected, records);
        }),
      );
      await expect(dying.append('room-a', NO_STREAM, largeRecords('lost'))).rejects.toThrow('Killed.');
      expect(dying.head).toBeGreaterThan(START);
      expect(await collect(dying.readAll())).toStrictEqual([]);
      expect(await dying.revision('room-a')).toBe(NO_STREAM);
      await dying.close();

      const log = await opened(made);
      const written = await log.append('room-a', NO_STREAM, largeRecords('kept'));
      expect(written.revision).toBe(0);
      expect(await names(log.readAll())).toStrictEqual(largeRecords('kept').map((_, i) => `kept${i}`));
    });

    test('settle by repetition when the answer to the commit was lost', async () => {
      let lose = true;
      const log = await opened(undefined, (raw) =>
        appendingBy(raw, async (stream, expected, records) => {
          const answer = await raw.append(stream, expected, records);
          if (stream.startsWith('staging-') || !lose) return answer;
          lose = false;
          throw new LogUnavailableError('Connection lost.', { outcomeUnknown: true });
        }),
      );
      const records = largeRecords('big');
      await expect(log.append('room-a', NO_STREAM, records)).rejects.toMatchObject({
        outcomeUnknown: true,
      });
      expect((await log.append('room-a', NO_STREAM, records)).revision).toBe(0);
      expect(await names(log.readAll())).toStrictEqual(records.map((_, i) => `big${i}`));
    });
  });
}
