import { describe, expect, test } from 'vitest';
import { WrongRevisionError } from '../../../src/log/errors.js';
import type { LoggedRecord } from '../../../src/log/log.js';
import { NO_STREAM } from '../../../src/log/position.js';
import { collect, largeRecords, nameOf, someRecords, type LogTools } from './tools.js';

/** What a reader finds of each record: its name, or that it is forgotten. */
function found(records: readonly LoggedRecord[]): unknown[] {
  return records.map((record) => {
    if (!record.forgotten) return nameOf(record);
    expect(record.data).toStrictEqual({});
    return 'forgotten';
  });
}

/** Forgetting what is sealed: the records stay, and what of them is in the clear. */
export function forgettingContract({ harness, opened }: LogTools): void {
  describe('forgetting', () => {
    test('takes the sealed fields of the records that it names, for every reader', async () => {
      const log = await opened();
      await log.append('user-a', NO_STREAM, someRecords('a', 6));
      await log.append('user-b', NO_STREAM, someRecords('b', 2));
      const before = await collect(log.readAll());
      await log.forget([
        { stream: 'user-a', from: 1, to: 1 },
        { stream: 'user-a', from: 3, to: 4 },
      ]);
      const left = ['a0', 'forgotten', 'a2', 'forgotten', 'forgotten', 'a5'];
      expect(found(await collect(log.read('user-a')))).toStrictEqual(left);
      const backwards = await collect(log.read('user-a', { direction: 'backwards' }));
      expect(found(backwards)).toStrictEqual([...left].reverse());
      const all = await collect(log.readAll());
      expect(found(all)).toStrictEqual([...left, 'b0', 'b1']);
      const places = ({ id, stream, revision, position, metadata }: LoggedRecord) => [
        id,
        stream,
        revision,
        position,
        metadata,
      ];
      expect(all.map(places)).toStrictEqual(before.map(places));
      expect(log.damaged).toStrictEqual([]);
    });

    test('is for good, and harmless when repeated', async () => {
      const made = await harness();
      const log = await opened(made);
      await log.append('user-a', NO_STREAM, someRecords('a', 3));
      const places = [{ stream: 'user-a', from: 1, to: 1 }];
      await log.forget(places);
      await log.close();
      const again = await opened(made);
      expect(found(await collect(again.read('user-a')))).toStrictEqual(['a0', 'forgotten', 'a2']);
      await again.forget(places);
      expect(found(await collect(again.read('user-a')))).toStrictEqual(['a0', 'forgotten', 'a2']);
    });

    test('takes one of the records that a commit brought in, or all of them', async () => {
      const log = await opened();
      await log.append('room-a', NO_STREAM, largeRecords('big', 9));
      await log.append('room-a', 0, largeRecords('more', 9));
      await log.forget([
        { stream: 'room-a', from: 0, to: 0, index: 0 },
        { stream: 'room-a', from: 0, to: 0, index: 7 },
        { stream: 'room-a', from: 1, to: 1 },
      ]);
      const names = found(await collect(log.read('room-a')));
      expect(names.slice(0, 9)).toStrictEqual(['forgotten', 'big1', 'big2', 'big3', 'big4', 'big5', 'big6', 'forgotten', 'big8']); // prettier-ignore
      expect(names.slice(9)).toStrictEqual(Array.from({ length: 9 }, () => 'forgotten'));
    });

    test('of a stream so far lets it go on', async () => {
      const log = await opened();
      await log.append('user-a', NO_STREAM, someRecords('a', 3));
      await log.forget([{ stream: 'user-a', from: 0, to: 2 }]);
      await log.append('user-a', 2, someRecords('b', 2));
      const left = ['forgotten', 'forgotten', 'forgotten', 'b0', 'b1'];
      expect(found(await collect(log.read('user-a')))).toStrictEqual(left);
    });

    test('makes a late repeat of an append a conflict', async () => {
      const log = await opened();
      const records = someRecords('a', 2);
      await log.append('user-a', NO_STREAM, records);
      await log.forget([{ stream: 'user-a', from: 1, to: 1 }]);
      const repeat = log.append('user-a', NO_STREAM, records);
      await expect(repeat).rejects.toBeInstanceOf(WrongRevisionError);
      await expect(repeat).rejects.toMatchObject({ expected: NO_STREAM, actual: 1 });
    });
  });
}
