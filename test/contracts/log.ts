import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { RawLog } from '../../src/log/adapter.js';
import {
  InvalidRecordError,
  LogClosedError,
  LogUnavailableError,
  RecordTooLargeError,
  WrongRevisionError,
} from '../../src/log/errors.js';
import type { Log, LoggedRecord, NewRecord, RecordBatch } from '../../src/log/log.js';
import { NO_STREAM, START } from '../../src/log/position.js';
import { MAX_RECORD_BYTES } from '../../src/log/record-log.js';
import { systemRandom, uuid } from '../../src/runtime/random.js';

/** One history, which can be opened again and again; what a contract needs of an adapter. */
export interface LogHarness {
  /** Opens the history; `wrap` may put itself between the log and its store. */
  open(wrap?: (raw: RawLog) => RawLog): Promise<Log>;
  /** Changes a byte of what is stored at a position. The log is closed meanwhile. */
  corrupt(position: number): Promise<void>;
  /** Moves the clock that retention goes by. */
  advance(milliseconds: number): void;
  dispose(): Promise<void>;
}

/** A record of about `padding` bytes; its text says which one it is. */
export function aRecord(name: string, padding = 0): NewRecord {
  return {
    id: uuid(systemRandom),
    type: 'profile.changed',
    version: 1,
    data: { fields: { displayname: name, 'com.example.padding': 'x'.repeat(padding) } },
    metadata: { correlation_id: `c-${name}`, received_at: 1_700_000_000_000 },
  };
}

export function nameOf(record: LoggedRecord): unknown {
  return record.type === 'profile.changed' ? record.data.fields?.['displayname'] : undefined;
}

export async function collect(batches: AsyncIterable<RecordBatch>): Promise<LoggedRecord[]> {
  const records: LoggedRecord[] = [];
  for await (const batch of batches) records.push(...batch.records);
  return records;
}

async function names(batches: AsyncIterable<RecordBatch>): Promise<unknown[]> {
  return (await collect(batches)).map(nameOf);
}

function someRecords(prefix: string, count: number): NewRecord[] {
  return Array.from({ length: count }, (_, i) => aRecord(`${prefix}${i}`));
}

/** Records that together are larger than one append may be. */
function largeRecords(prefix: string, count = 12): NewRecord[] {
  return Array.from({ length: count }, (_, i) => aRecord(`${prefix}${i}`, 150_000));
}

/** What every log does, whatever stores it. */
export function logContract(name: string, factory: () => Promise<LogHarness>): void {
  describe(`the log, by ${name}`, () => {
    const harnesses: LogHarness[] = [];
    const logs: Log[] = [];

    async function harness(): Promise<LogHarness> {
      const made = await factory();
      harnesses.push(made);
      return made;
    }
    async function opened(from?: LogHarness, wrap?: (raw: RawLog) => RawLog): Promise<Log> {
      const log = await (from ?? (await harness())).open(wrap);
      logs.push(log);
      return log;
    }
    afterEach(async () => {
      for (const log of logs.splice(0)) await log.close();
      for (const made of harnesses.splice(0)) await made.dispose();
    });

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
        expect(await log.append('user-a', NO_STREAM, records.slice(0, 2))).toStrictEqual({
          revision: 1,
          positions: first.positions.slice(0, 2),
        });
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
        await expect(log.append('user-a', NO_STREAM, [good, good])).rejects.toBeInstanceOf(
          InvalidRecordError,
        );
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
          expect(await names(log.read('user-a', { from, limit: 2 }))).toStrictEqual(
            all.slice(from, from + 2),
          );
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
        await expect(log.append('room-a', NO_STREAM, largeRecords('other'))).rejects.toMatchObject({
          actual: 0,
        });
        expect(await collect(log.readAll())).toHaveLength(12);
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

      test('by age goes by the clock', async () => {
        const made = await harness();
        const log = await opened(made);
        await log.setRetention('user-a', { maxAge: 60 });
        await log.append('user-a', NO_STREAM, someRecords('a', 2));
        made.advance(40_000);
        await log.append('user-a', 1, someRecords('b', 1));
        expect(await names(log.read('user-a'))).toStrictEqual(['a0', 'a1', 'b0']);
        made.advance(30_000);
        expect(await names(log.read('user-a'))).toStrictEqual(['b0']);
        expect(await names(log.read('user-a', { direction: 'backwards' }))).toStrictEqual(['b0']);
        made.advance(60_000);
        expect(await names(log.read('user-a'))).toStrictEqual([]);
      });
    });

    describe('damage', () => {
      test('is found, reported, counted once and skipped', async () => {
        const made = await harness();
        const log = await opened(made);
        const { positions } = await log.append('user-a', NO_STREAM, someRecords('a', 5));
        await log.close();
        await made.corrupt(positions[2] ?? 0);

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
        const log = await opened(made);
        const before = await log.append('room-a', NO_STREAM, someRecords('a', 1));
        const commit = await log.append('room-a', 0, largeRecords('big'));
        await log.append('room-a', 1, someRecords('z', 1));
        await log.close();
        await made.corrupt((before.positions[0] ?? 0) + 1);

        const again = await opened(made);
        expect(await names(again.read('room-a'))).toStrictEqual(['a0', 'z0']);
        expect(again.damaged).toMatchObject([
          { position: commit.positions[0], stream: 'room-a', revision: 1 },
        ]);
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
  });
}

/** The same store with another way to append. */
function appendingBy(raw: RawLog, append: RawLog['append']): RawLog {
  return {
    epoch: raw.epoch,
    get head() {
      return raw.head;
    },
    heads: raw.heads,
    append,
    revision: (stream) => raw.revision(stream),
    readStream: (stream, options) => raw.readStream(stream, options),
    readAll: (options) => raw.readAll(options),
    setRetention: (stream, retention) => raw.setRetention(stream, retention),
    retention: (stream) => raw.retention(stream),
    close: () => raw.close(),
  };
}
