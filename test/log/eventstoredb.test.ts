import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { binaryEvent, EventStoreDBClient, jsonEvent, type EventData } from '@eventstore/db-client';
import { afterEach, describe, expect, test } from 'vitest';
import { MAX_APPEND_BYTES, rawBytes, type RawRecord } from '../../src/log/adapter.js';
import { LogFormatError, LogUnavailableError, WrongRevisionError } from '../../src/log/errors.js';
import type { EventStoreDbLog } from '../../src/log/eventstoredb.js';
import { NO_STREAM, START } from '../../src/log/position.js';
import { RecordLog } from '../../src/log/record-log.js';
import { SealKeys } from '../../src/log/seal-keys.js';
import { systemRandom, uuid } from '../../src/runtime/random.js';
import { collect, names, nameOf, someRecords } from '../contracts/log/tools.js';
import {
  collectRaw,
  eventStoreDbHarness,
  freshPrefix,
  onEventStoreDb,
  rawRecord,
  typesOf,
  type EventStoreDbHarness,
} from '../support/eventstoredb.js';
import { until } from '../support/until.js';

onEventStoreDb('a log in EventStoreDB', (url) => {
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function opened(
    harness: EventStoreDbHarness = eventStoreDbHarness(url),
    options?: Parameters<EventStoreDbHarness['raw']>[0],
  ): Promise<EventStoreDbLog> {
    const raw = await harness.raw(options);
    closing.push(() => raw.close());
    return raw;
  }

  /** The driver itself, as another application has it. */
  function stranger(): EventStoreDBClient {
    const client = EventStoreDBClient.connectionString(url);
    closing.push(() => client.dispose());
    return client;
  }

  function foreignEvents(count: number): EventData[] {
    return Array.from({ length: count }, (_, i) => jsonEvent({ type: 'foreign', data: { i } }));
  }

  const forwards = { direction: 'forwards' } as const;
  const backwards = { direction: 'backwards' } as const;

  describe('what is stored', () => {
    test('comes back byte for byte, for every version of every record', async () => {
      const folder = join(import.meta.dirname, '..', 'fixtures', 'records');
      const raw = await opened();
      const stored: RawRecord[] = [];
      for (const file of readdirSync(folder)) {
        const sample = JSON.parse(readFileSync(join(folder, file), 'utf8')) as {
          stored: Record<string, string>[];
        };
        for (const { type = '', data = '', metadata = '' } of sample.stored) {
          stored.push({
            id: uuid(systemRandom),
            type,
            data: Buffer.from(data),
            metadata: Buffer.from(metadata),
          });
        }
      }
      expect(stored.length).toBeGreaterThan(20);
      await raw.append('sample', NO_STREAM, stored);
      const text = ({ id, type, data, metadata }: RawRecord) => [
        id,
        type,
        Buffer.from(data).toString('latin1'),
        Buffer.from(metadata).toString('latin1'),
      ];
      const read = await collectRaw(raw.readStream('sample', forwards));
      expect(read.map(text)).toStrictEqual(stored.map(text));
    });

    test('may be as large as an append may be, in one record or in many', async () => {
      const raw = await opened();
      const filling = (count: number): RawRecord[] => {
        const bytes = Math.floor(MAX_APPEND_BYTES / count) - rawBytes(rawRecord('t', 8)) + 8;
        return Array.from({ length: count }, () => rawRecord('t', bytes));
      };
      for (const count of [1, 2, 1000]) {
        const records = filling(count);
        const bytes = records.reduce((sum, record) => sum + rawBytes(record), 0);
        expect(bytes).toBeGreaterThan(MAX_APPEND_BYTES - 1000);
        expect(bytes).toBeLessThanOrEqual(MAX_APPEND_BYTES);
        expect((await raw.append(`${count}`, NO_STREAM, records)).positions).toHaveLength(count);
      }
    });

    test('is refused beyond that, which is a fault, and costs other appends nothing', async () => {
      const raw = await opened();
      for (const bytes of [MAX_APPEND_BYTES + 1, 17 * MAX_APPEND_BYTES]) {
        const streams = Array.from({ length: 20 }, (_, i) => `${bytes}-${i}`);
        const others = Promise.allSettled(
          streams.map((stream) => raw.append(stream, NO_STREAM, [rawRecord('t')])),
        );
        await expect(raw.append(`${bytes}`, NO_STREAM, [rawRecord('t', bytes)])).rejects.toThrow();
        for (const [i, outcome] of (await others).entries()) {
          // 17 MB end the stream that all appends share: their answers are lost, and found out, or said to be.
          if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ outcomeUnknown: true });
          else expect(await raw.revision(streams[i] ?? '')).toBe(0);
        }
      }
      await raw.append('after', NO_STREAM, [rawRecord('t')]);
      await expect(raw.append('x', NO_STREAM, [rawRecord('t', MAX_APPEND_BYTES + 1)])).rejects.toThrow(
        /MaxAppendSize/,
      );
    });

    test('may have the ID of a record of another stream', async () => {
      const raw = await opened();
      const record = rawRecord('t');
      await raw.append('a', NO_STREAM, [record]);
      await raw.append('b', NO_STREAM, [record]);
      expect((await collectRaw(raw.readAll(forwards))).map(({ stream }) => stream)).toStrictEqual(['a', 'b']);
    });

    test('in a pipeline of revisions that are counted ahead, fails from the first failure on, without a gap', async () => {
      const raw = await opened();
      const append = (expected: number) => raw.append('a', expected, [rawRecord(`${expected + 1}`)]);
      const revisions = [-1, 0, 1, 5, 2, 3, 7, 8];
      const outcomes = await Promise.allSettled(revisions.map(append));
      expect(outcomes.map(({ status }) => status === 'fulfilled')).toStrictEqual([
        true,
        true,
        true,
        false,
        true,
        true,
        false,
        false,
      ]);
      expect(await typesOf(raw.readStream('a', forwards))).toStrictEqual(['0', '1', '2', '3', '4']);
    });
  });

  describe('what is not ours in the server', () => {
    test('is not seen, and no obstacle: other streams, other prefixes, metadata, what the log says of itself', async () => {
      const prefix = freshPrefix();
      const harness = eventStoreDbHarness(url, prefix);
      const client = stranger();
      const raw = await opened(harness);
      const beside = [`${prefix}.b`, `${prefix}b`, prefix.slice(0, -1)];
      const others = await Promise.all(beside.map((name) => opened(eventStoreDbHarness(url, name))));
      for (let i = 0; i < 5; i++) {
        await raw.append('a', i - 1, [rawRecord(`${i}`)]);
        await raw.setRetention('a', { maxCount: 100 + i });
        await client.appendToStream(`${prefix}-application`, foreignEvents(300));
        for (const other of others) await other.append('a', i - 1, [rawRecord('other')]);
      }
      expect(await typesOf(raw.readAll(forwards))).toStrictEqual(['0', '1', '2', '3', '4']);
      expect(await typesOf(raw.readAll(backwards))).toStrictEqual(['4', '3', '2', '1', '0']);
      expect(await typesOf((await opened(harness)).readAll(forwards))).toStrictEqual([
        '0',
        '1',
        '2',
        '3',
        '4',
      ]);
      for (const other of others) expect(await typesOf(other.readAll(forwards))).toHaveLength(5);
    });

    test('is passed over, however much it is: a reader gets on, and to the head', async () => {
      const harness = eventStoreDbHarness(url);
      const client = stranger();
      const raw = await opened(harness);
      await raw.append('a', NO_STREAM, [rawRecord('0')]);
      const { head } = raw;
      for (let i = 0; i < 30; i++) await client.appendToStream(`${harness.prefix}-app`, foreignEvents(500));
      await raw.append('a', 0, [rawRecord('1')]);
      // One that was opened later has nothing at hand.
      const later = await opened(harness);
      const positions: number[] = [];
      for await (const batch of later.readAll({ ...forwards, after: head })) positions.push(batch.position);
      expect(positions.length).toBeGreaterThan(1);
      expect(positions).toStrictEqual([...new Set(positions)].sort((a, b) => a - b));
      expect(positions.at(-1)).toBe(later.head);
      expect(later.head).toBe(raw.head);
    });

    test('may be all that came last', async () => {
      const harness = eventStoreDbHarness(url);
      const raw = await opened(harness);
      expect((await opened(harness)).head).toBe(START);
      await raw.append('a', NO_STREAM, [rawRecord('0')]);
      await stranger().appendToStream(`${harness.prefix}-app`, foreignEvents(3000));
      const later = await opened(harness);
      expect(later.head).toBe(raw.head);
      expect(await typesOf(later.readAll(forwards))).toStrictEqual(['0']);
      expect(await typesOf(later.readAll({ ...forwards, after: later.head }))).toStrictEqual([]);
    });

    test('is damaged records of ours where others write into our streams', async () => {
      const harness = eventStoreDbHarness(url);
      const log = await harness.open();
      closing.push(() => log.close());
      await log.append('user-a', NO_STREAM, someRecords('a', 1));
      const metadata = Buffer.from([0, 1, 255]);
      await stranger().appendToStream(`${harness.prefix}:user-a`, [
        ...foreignEvents(1),
        binaryEvent({ type: 'bytes', data: Buffer.alloc(0), metadata }),
      ]);
      await log.append('user-a', 2, someRecords('b', 1));
      expect(await names(log.read('user-a'))).toStrictEqual(['a0', 'b0']);
      expect(await names(log.readAll())).toStrictEqual(['a0', 'b0']);
      expect(log.damaged.map(({ revision }) => revision)).toStrictEqual([1, 2]);
    });
  });

  describe('positions', () => {
    test('are read on from by whom they were given, by one beside them, or from anywhere', async () => {
      const harness = eventStoreDbHarness(url);
      const writer = await opened(harness);
      const { positions } = await writer.append(
        'a',
        NO_STREAM,
        Array.from({ length: 6 }, (_, i) => rawRecord(`${i}`)),
      );
      // At hand in the one, read from the server by the other.
      for (const raw of [writer, await opened(harness)]) {
        for (const [i, position] of positions.entries()) {
          const all = ['0', '1', '2', '3', '4', '5'];
          const after = (place: number) => typesOf(raw.readAll({ ...forwards, after: place }));
          const before = (place: number) => typesOf(raw.readAll({ ...backwards, before: place }));
          expect(await after(position)).toStrictEqual(all.slice(i + 1));
          expect(await after(position - 1)).toStrictEqual(all.slice(i));
          expect(await after(position + 7)).toStrictEqual(all.slice(i + 1));
          expect(await before(position)).toStrictEqual(all.slice(0, i).reverse());
          expect(await before(position + 1)).toStrictEqual(all.slice(0, i + 1).reverse());
          expect(await before(position - 7)).toStrictEqual(all.slice(0, i).reverse());
        }
      }
    });

    test('of several records are known when they are answered, and the head is where they end', async () => {
      const harness = eventStoreDbHarness(url);
      const raw = await opened(harness);
      for (let i = 0; i < 20; i++) {
        const { positions } = await raw.append(`${i}`, NO_STREAM, [rawRecord('a'), rawRecord('b')]);
        expect(raw.head).toBe(positions[1]);
        const read = await collectRaw(raw.readStream(`${i}`, forwards));
        expect(read.map(({ position }) => position)).toStrictEqual(positions);
      }
    });
  });

  describe('streams that were deleted', () => {
    test('softly: are read as empty, keep their revision, and go on with it', async () => {
      const harness = eventStoreDbHarness(url);
      const raw = await opened(harness);
      const keys = SealKeys.ephemeral(systemRandom);
      const log = new RecordLog(raw, { keys, random: systemRandom });
      await log.append('user-a', NO_STREAM, someRecords('a', 3));
      await stranger().deleteStream(`${harness.prefix}:user-a`);
      expect(await names(log.read('user-a'))).toStrictEqual([]);
      expect(await log.revision('user-a')).toBe(2);
      expect(await log.retention('user-a')).toStrictEqual({});
      expect((await log.append('user-a', 2, someRecords('b', 1))).revision).toBe(3);
      // The server writes first, and then takes note that the stream is there again.
      await until(async () => (await names(log.read('user-a'))).join() === 'b0');
      await log.append('user-b', NO_STREAM, someRecords('c', 1));
      expect((await collect(log.readAll())).map(nameOf)).toContain('c0');
    });

    test('softly: a writer that knows nothing of it is told, and decides again', async () => {
      const harness = eventStoreDbHarness(url);
      const log = await harness.open();
      closing.push(() => log.close());
      await log.append('user-a', NO_STREAM, someRecords('a', 3));
      await stranger().deleteStream(`${harness.prefix}:user-a`);
      const refused: unknown = await log
        .append('user-a', NO_STREAM, someRecords('b', 1))
        .catch((e: unknown) => e);
      expect(refused).toBeInstanceOf(WrongRevisionError);
      // What the server wrote all the same is nobody's.
      const { actual } = refused as WrongRevisionError;
      expect(await names(log.read('user-a'))).toStrictEqual([]);
      expect(await log.revision('user-a')).toBe(actual);
      await log.append('user-a', actual, someRecords('c', 1));
      await until(async () => (await names(log.read('user-a'))).join() === 'c0');
    });

    test('for good: are read as empty, and cannot be written, which is said', async () => {
      const harness = eventStoreDbHarness(url);
      const raw = await opened(harness);
      await raw.append('a', NO_STREAM, [rawRecord('0')]);
      await stranger().tombstoneStream(`${harness.prefix}:a`);
      await expect(raw.append('a', 0, [rawRecord('1')])).rejects.toThrow('was deleted for good');
      await expect(raw.revision('a')).rejects.toThrow('was deleted for good');
      expect(await typesOf(raw.readStream('a', forwards))).toStrictEqual([]);
      await raw.append('b', NO_STREAM, [rawRecord('b')]);
      const log = new RecordLog(raw, { keys: SealKeys.ephemeral(systemRandom), random: systemRandom });
      for await (const batch of log.readAll()) expect(batch.position).toBeLessThanOrEqual(raw.head);
      expect((await opened(harness)).head).toBe(raw.head);
    });
  });

  test('retention leaves what else is said of the stream, and says nothing twice', async () => {
    const harness = eventStoreDbHarness(url);
    const raw = await opened(harness);
    const client = stranger();
    const name = `${harness.prefix}:a`;
    await client.setStreamMetadata(name, { acl: { readRoles: ['$all'] }, owner: 'somebody', maxCount: 7 });
    expect(await raw.retention('a')).toStrictEqual({ maxCount: 7 });
    for (let i = 0; i < 3; i++) await raw.setRetention('a', { maxAge: 5 });
    const { metadata } = await client.getStreamMetadata(name);
    expect(metadata).toStrictEqual({ acl: { readRoles: ['$all'] }, owner: 'somebody', maxAge: 5 });
    const newest = { direction: 'backwards', fromRevision: 'end', maxCount: 1 } as const;
    for await (const { event } of client.readStream(`$$${name}`, newest)) expect(event?.revision).toBe(1n);
  });

  describe('several processes', () => {
    test('that begin a log at once have one epoch', async () => {
      const harness = eventStoreDbHarness(url);
      const raws = await Promise.all(Array.from({ length: 6 }, () => opened(harness)));
      const epochs = new Set(raws.map(({ epoch }) => epoch));
      expect(epochs.size).toBe(1);
      await Promise.all(raws.slice(0, 3).map((raw) => raw.endEpoch()));
      const again = await Promise.all(Array.from({ length: 6 }, () => opened(harness)));
      const begun = new Set(again.map(({ epoch }) => epoch));
      expect(begun.size).toBe(1);
      expect(begun).not.toStrictEqual(epochs);
    });

    test('write one stream: each revision once, and whoever is slower is told where it is', async () => {
      const harness = eventStoreDbHarness(url);
      const raws = await Promise.all([opened(harness), opened(harness)]);
      const write = async (raw: EventStoreDbLog, name: string): Promise<void> => {
        let expected = NO_STREAM;
        for (let written = 0; written < 50;) {
          try {
            expected = (await raw.append('a', expected, [rawRecord(`${name}${written}`)])).revision;
            written++;
          } catch (error) {
            if (!(error instanceof WrongRevisionError)) throw error;
            expected = error.actual;
          }
        }
      };
      await Promise.all(raws.map((raw, i) => write(raw, `${i}-`)));
      const read = await collectRaw(raws[0].readStream('a', forwards));
      expect(read.map(({ revision }) => revision)).toStrictEqual([...Array(100).keys()]);
      expect(new Set(read.map(({ type }) => type)).size).toBe(100);
    });

    test('see all that the others append, also where it is too much at once for a subscription', async () => {
      const harness = eventStoreDbHarness(url);
      const [one, other] = await Promise.all([opened(harness), opened(harness)]);
      const follower = new RecordLog(other, { keys: harness.keys, random: systemRandom });
      const writer = new RecordLog(one, { keys: harness.keys, random: systemRandom });
      const stop = new AbortController();
      const seen: number[] = [];
      const following = (async () => {
        for await (const batch of follower.subscribe(START, stop.signal)) {
          seen.push(...batch.records.map(({ revision }) => revision));
          if (seen.length === 3000) stop.abort();
        }
      })();
      let revision = NO_STREAM;
      for (let i = 0; i < 5; i++) {
        revision = (await writer.append('user-a', revision, someRecords('r', 600))).revision;
      }
      await following;
      expect(seen).toStrictEqual([...Array(3000).keys()]);
    });

    test('see what the others append, as it comes', async () => {
      const harness = eventStoreDbHarness(url);
      const [one, other] = await Promise.all([opened(harness), opened(harness)]);
      const { positions } = await one.append('a', NO_STREAM, [rawRecord('0'), rawRecord('1')]);
      await until(() => other.head === positions[1]);
      expect(await typesOf(other.readAll(forwards))).toStrictEqual(['0', '1']);
    });
  });

  describe('opening', () => {
    test('refuses what is foreign or newer under the prefix', async () => {
      for (const [data, message] of [
        [{ magic: 'engram-log', format: 2, epoch: 'x' }, /has format 2; this program knows format 1/],
        [{ magic: 'other', format: 1, epoch: 'x' }, /does not say that this is a log of ours/],
        [{ magic: 'engram-log', format: 1 }, /does not say/],
      ] as const) {
        const harness = eventStoreDbHarness(url);
        await stranger().appendToStream(`${harness.prefix}:$log`, jsonEvent({ type: 'started', data }));
        for (const readOnly of [true, false]) {
          const opening = opened(harness, { readOnly });
          await expect(opening).rejects.toBeInstanceOf(LogFormatError);
          await expect(opening).rejects.toThrow(message);
        }
      }
    });

    test('for reading makes nothing, and refuses to write', async () => {
      const harness = eventStoreDbHarness(url);
      await expect(opened(harness, { readOnly: true })).rejects.toThrow(/There is no log in EventStoreDB/);
      const writer = await opened(harness);
      await writer.append('a', NO_STREAM, [rawRecord('0')]);
      const reader = await opened(harness, { readOnly: true });
      expect([reader.epoch, reader.head]).toStrictEqual([writer.epoch, writer.head]);
      expect(await typesOf(reader.readAll(forwards))).toStrictEqual(['0']);
      for (const refused of [
        reader.append('a', 0, [rawRecord('1')]),
        reader.setRetention('a', {}),
        reader.endEpoch(),
      ]) {
        await expect(refused).rejects.toBeInstanceOf(LogUnavailableError);
      }
      expect(await typesOf(writer.readAll(forwards))).toStrictEqual(['0']);
    });

    test('tells a URL that is none without showing it', async () => {
      const opening = opened(undefined, { url: 'esdb://admin:secret@localhost:2113?nonsense=1' });
      await expect(opening).rejects.toBeInstanceOf(LogFormatError);
      await expect(opening).rejects.not.toThrow(/secret/);
      const without = opened(undefined, { url: 'esdb://admin:secret@localhost:2113?tlsCAFile=/none' });
      await expect(without).rejects.toBeInstanceOf(LogFormatError);
      await expect(without).rejects.toThrow('Failed to load certificate file');
    });
  });
});
