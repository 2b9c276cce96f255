import { describe, expect, test } from 'vitest';
import type { RawLog } from '../../../src/log/adapter.js';
import { InvalidRecordError, RecordTooLargeError, WrongRevisionError } from '../../../src/log/errors.js';
import type { NewRecord } from '../../../src/log/log.js';
import { NO_STREAM, START } from '../../../src/log/position.js';
import { MAX_RECORD_BYTES } from '../../../src/log/record-log.js';
import { systemRandom, uuid } from '../../../src/runtime/random.js';
import { aRecord, collect, names, someRecords, type LogTools } from './tools.js';

/** What an append does, refuses and answers. */
export function appendingContract({ harness, opened }: LogTools): void {
  describe('appending', () => {
    test('gives back every field', async () => {
      const log = await opened();
      const record: NewRecord = {
        id: uuid(systemRandom),
        type: 'room.event.accepted',
        version: 1,
        data: {
          event_id: '$e',
          room_version: '11',
          event: { type: 'm.room.message', ['__proto__']: 1, depth: 7, ünï: '\u{1F600}\u0000"\\' },
          forgettable: { content: { body: 'hello', nested: [1, null, true, { a: [] }] } },
          state_before: 'aa',
          state_after: 'aa',
          extremities: ['$e'],
        },
        metadata: { correlation_id: 'c', causation_id: 'd', origin: 'example.org', received_at: 12 },
      };
      const { positions } = await log.append('room-!a', NO_STREAM, [record]);
      const [read] = await collect(log.readAll());
      expect(read).toStrictEqual({
        ...record,
        stream: 'room-!a',
        revision: 0,
        position: positions[0],
        index: 0,
        forgotten: false,
      });
    });

    test('numbers a stream from 0, and positions strictly upwards', async () => {
      const log = await opened();
      expect(log.head).toBe(START);
      expect(await log.revision('user-a')).toBe(NO_STREAM);
      const first = await log.append('user-a', NO_STREAM, someRecords('a', 2));
      const second = await log.append('user-b', NO_STREAM, someRecords('b', 1));
      const third = await log.append('user-a', 1, someRecords('c', 1));
      expect([first.revision, second.revision, third.revision]).toStrictEqual([1, 0, 2]);
      const positions = [...first.positions, ...second.positions, ...third.positions];
      expect(positions).toStrictEqual([...new Set(positions)].sort((a, b) => a - b));
      expect(log.head).toBe(positions.at(-1));
      expect(await log.revision('user-a')).toBe(2);
      const read = await collect(log.readAll());
      expect(read.map((r) => [r.stream, r.revision, r.position])).toStrictEqual([
        ['user-a', 0, positions[0]],
        ['user-a', 1, positions[1]],
        ['user-b', 0, positions[2]],
        ['user-a', 2, positions[3]],
      ]);
    });

    test('refuses another revision than expected, and says the actual one', async () => {
      const log = await opened();
      await log.append('user-a', NO_STREAM, someRecords('a', 3));
      for (const expected of [NO_STREAM, 0, 1, 3, 10]) {
        const error: unknown = await log
          .append('user-a', expected, someRecords('x', 1))
          .catch((e: unknown) => e);
        expect(error).toBeInstanceOf(WrongRevisionError);
        expect(error).toMatchObject({ stream: 'user-a', expected, actual: 2 });
      }
      await expect(log.append('user-new', 0, someRecords('x', 1))).rejects.toMatchObject({
        actual: NO_STREAM,
      });
      expect(await names(log.readAll())).toStrictEqual(['a0', 'a1', 'a2']);
    });

    test('writes what is begun at once in the order in which it was begun', async () => {
      const made = await harness();
      await (await opened(made)).close();
      const raws: RawLog[] = [];
      // As the first that is asked of it.
      const log = await opened(made, (raw) => {
        raws.push(raw);
        return raw;
      });
      const count = Math.min(raws[0]?.appendsInOrder ?? 0, 50);
      expect(count).toBeGreaterThan(1);
      const begun = Array.from({ length: count }, (_, i) => `user-${i}`);
      await Promise.all(
        begun.map((stream, i) => log.append(stream, NO_STREAM, someRecords('a', 1 + (i % 3)))),
      );
      const streams = (await collect(log.readAll())).map(({ stream }) => stream);
      expect([...new Set(streams)]).toStrictEqual(begun);
    });

    test('lets one of two writers win', async () => {
      const log = await opened();
      const outcomes = await Promise.allSettled(
        Array.from({ length: 10 }, (_, i) => log.append('user-a', NO_STREAM, someRecords(`w${i}-`, 2))),
      );
      expect(outcomes.filter((o) => o.status === 'fulfilled')).toHaveLength(1);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ actual: 1 });
      }
      expect(await collect(log.read('user-a'))).toHaveLength(2);
    });

    test('answers a repeat as the first time, and writes it once', async () => {
      const log = await opened();
      const records = someRecords('a', 3);
      const first = await log.append('user-a', NO_STREAM, records);
      await log.append('user-a', 2, someRecords('b', 1));
      expect(await log.append('user-a', NO_STREAM, records)).toStrictEqual(first);
      for (const count of [1, 2]) {
        expect(await log.append('user-a', NO_STREAM, records.slice(0, count))).toStrictEqual({
          revision: count - 1,
          positions: first.positions.slice(0, count),
        });
      }
      expect(await names(log.read('user-a'))).toStrictEqual(['a0', 'a1', 'a2', 'b0']);
    });

    test('answers concurrent repeats alike', async () => {
      const log = await opened();
      const records = someRecords('a', 2);
      const [first, second] = await Promise.all([
        log.append('user-a', NO_STREAM, records),
        log.append('user-a', NO_STREAM, records),
      ]);
      expect(second).toStrictEqual(first);
      expect(await collect(log.readAll())).toHaveLength(2);
    });

    test('refuses a repeat that overlaps only in part', async () => {
      const log = await opened();
      const records = someRecords('a', 2);
      await log.append('user-a', NO_STREAM, records);
      const [a, b] = records as [NewRecord, NewRecord];
      for (const partial of [[a, aRecord('x')], [aRecord('x'), b], [b, a], [a, b, aRecord('x')], [b]]) {
        await expect(log.append('user-a', NO_STREAM, partial)).rejects.toBeInstanceOf(WrongRevisionError);
      }
      expect(await collect(log.readAll())).toHaveLength(2);
    });

    test('refuses what must not become history, before anything is written', async () => {
      const log = await opened();
      const good = aRecord('good');
      const sent = (data: unknown, more: object = {}): NewRecord =>
        // The compiler would refuse these: here they come from code that went round it.
        ({ ...good, id: uuid(systemRandom), data, ...more }) as NewRecord;
      const cyclic: Record<string, unknown> = {};
      cyclic['itself'] = cyclic;
      const bad: NewRecord[] = [
        sent({ fields: { a: 1n } }),
        sent({ fields: { a: undefined } }),
        sent({ fields: { a: () => 1 } }),
        sent({ fields: { a: NaN } }),
        sent({ fields: { a: [Infinity] } }),
        sent({ fields: { a: new Date(0) } }),
        sent({ fields: { a: new Map() } }),
        sent({ fields: { a: Symbol('s') } }),
        // A hole is not a value.
        sent({ fields: { a: new Array(2) } }),
        sent({ fields: cyclic }),
        sent({ fields: 'text' }),
        sent({ unknown: 1 }),
        sent(null),
        sent({}, { id: 'not-a-uuid' }),
        sent({}, { version: 2 }),
        sent({}, { type: 'no.such.type' }),
        sent({}, { metadata: { received_at: 1 } }),
        sent({}, { metadata: { correlation_id: 'c', received_at: 1.5 } }),
        sent({}, { metadata: { correlation_id: 'c', origin: 5, received_at: 1 } }),
        sent({}, { type: 'log.page', data: { records: [] } }),
      ];
      for (const record of bad) {
        await expect(log.append('user-a', NO_STREAM, [good, record])).rejects.toBeInstanceOf(
          InvalidRecordError,
        );
      }
      await expect(log.append('user-a', NO_STREAM, [good, good])).rejects.toBeInstanceOf(InvalidRecordError);
      await expect(log.append('user-a', NO_STREAM, [])).rejects.toBeInstanceOf(RangeError);
      await expect(log.append('user-a', -2, [good])).rejects.toBeInstanceOf(RangeError);
      for (const stream of ['', '$all', 'a\0b', 'x'.repeat(513), 'lone \ud800']) {
        await expect(log.append(stream, NO_STREAM, [good])).rejects.toBeInstanceOf(RangeError);
      }
      expect(await collect(log.readAll())).toHaveLength(0);
      expect(log.head).toBe(START);
    });

    test('keeps to the limit of a record, to the byte', async () => {
      const log = await opened();
      const size = async (padding: number): Promise<number> => {
        const error: unknown = await log
          .append('x', NO_STREAM, [aRecord('a', padding)])
          .catch((e: unknown) => e);
        return error instanceof RecordTooLargeError ? error.bytes : 0;
      };
      // Sealed fields are stored in base64: three bytes take four.
      const over = await size(900_000);
      expect(over).toBeGreaterThan(MAX_RECORD_BYTES);
      let padding = 900_000 - Math.ceil(((over - MAX_RECORD_BYTES) * 3) / 4) - 3;
      let last = over;
      const none = await opened();
      // Upwards until the first that is refused: the one before was as large as may be.
      let revision = NO_STREAM;
      for (;;) {
        try {
          revision = (await none.append('y', revision, [aRecord('a', padding)])).revision;
        } catch (error) {
          expect(error).toBeInstanceOf(RecordTooLargeError);
          if (error instanceof RecordTooLargeError) last = error.bytes;
          break;
        }
        padding++;
      }
      expect(revision).toBeGreaterThan(NO_STREAM);
      expect(last).toBeGreaterThan(MAX_RECORD_BYTES);
      expect(last).toBeLessThanOrEqual(MAX_RECORD_BYTES + 4);
      expect(await collect(none.readAll())).toHaveLength(revision + 1);
    });
  });
}
