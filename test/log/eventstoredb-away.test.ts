import { afterEach, describe, expect, test } from 'vitest';
import { LogUnavailableError } from '../../src/log/errors.js';
import type { EventStoreDbLog } from '../../src/log/eventstoredb.js';
import type { RawRecord } from '../../src/log/adapter.js';
import { NO_STREAM, START } from '../../src/log/position.js';
import { collect, names, someRecords } from '../contracts/log/tools.js';
import {
  collectRaw,
  eventStoreDbHarness,
  gateTo,
  onEventStoreDb,
  rawRecord,
  typesOf,
} from '../support/eventstoredb.js';
import type { TcpGate } from '../support/tcp-gate.js';
import { until } from '../support/until.js';

const forwards = { direction: 'forwards' } as const;

/** A server that goes away and comes again is one that a gate leads to: what is behind it goes on. */
onEventStoreDb('EventStoreDB, away', (url) => {
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  /** A log by way of a gate, and the same by a way that is always open. */
  async function gated(): Promise<{
    readonly gate: TcpGate;
    readonly log: EventStoreDbLog;
    readonly direct: EventStoreDbLog;
  }> {
    const harness = eventStoreDbHarness(url);
    const { gate, url: through } = await gateTo(url);
    closing.push(() => gate.close());
    const [log, direct] = [await harness.raw({ url: through }), await harness.raw()];
    closing.push(() => log.close());
    closing.push(() => direct.close());
    return { gate, log, direct };
  }

  async function outcome(append: Promise<unknown>): Promise<'written' | 'unknown' | 'not written'> {
    try {
      await append;
      return 'written';
    } catch (error) {
      expect(error).toBeInstanceOf(LogUnavailableError);
      return (error as LogUnavailableError).outcomeUnknown ? 'unknown' : 'not written';
    }
  }

  describe('before an append', () => {
    test('it is refused, certainly unwritten, and so are reads; all goes on when the server is there again', async () => {
      const { gate, log } = await gated();
      await log.append('a', NO_STREAM, [rawRecord('0')]);
      await gate.cut();
      // The first one may find out only by sending.
      await until(async () => (await outcome(log.append('a', 0, [rawRecord('x')]))) === 'not written');
      for (const refused of [
        () => log.append('a', 0, [rawRecord('y')]),
        () => log.revision('a'),
        () => log.retention('a'),
        () => log.setRetention('a', {}),
        () => collectRaw(log.readStream('a', forwards)),
        () => collectRaw(log.readAll({ direction: 'backwards' })),
      ]) {
        await expect(refused()).rejects.toBeInstanceOf(LogUnavailableError);
      }
      await gate.open();
      const record = rawRecord('1');
      await until(async () => (await outcome(log.append('a', 0, [record]))) === 'written');
      expect(await typesOf(log.readStream('a', forwards))).toStrictEqual(['0', '1']);
    });

    test('who follows the end is still served from what is at hand', async () => {
      const { gate, log } = await gated();
      await log.append('a', NO_STREAM, [rawRecord('0')]);
      expect(await typesOf(log.readAll(forwards))).toStrictEqual(['0']);
      const { head } = log;
      await log.append('a', 0, [rawRecord('1'), rawRecord('2')]);
      await gate.cut();
      expect(await typesOf(log.readAll({ ...forwards, after: head }))).toStrictEqual(['1', '2']);
    });
  });

  describe('during an append', () => {
    test('it is found written, when its answer was lost and the server is there again at once', async () => {
      const { gate, log, direct } = await gated();
      await log.append('a', NO_STREAM, [rawRecord('0')]);
      for (const records of [[rawRecord('1')], [rawRecord('2'), rawRecord('3')]]) {
        const expected = await direct.revision('a');
        // So that the way for appends is there, and it is the answer to this one that is lost.
        await log.append('b', await direct.revision('b'), [rawRecord('b')]);
        gate.hold('back');
        const append = log.append('a', expected, records);
        await until(async () => (await direct.revision('a')) === expected + records.length);
        gate.drop();
        gate.flow();
        const appended = await append;
        const read = await collectRaw(direct.readStream('a', { ...forwards, from: expected + 1 }));
        expect(appended).toStrictEqual({
          revision: expected + records.length,
          positions: read.map(({ position }) => position),
        });
        expect(log.head).toBeGreaterThanOrEqual(appended.positions.at(-1) ?? 0);
      }
    });

    test('its outcome is unknown, and a repeat settles it, when the answer was lost and the server stays away', async () => {
      const { gate, log, direct } = await gated();
      await log.append('a', NO_STREAM, [rawRecord('0')]);
      gate.hold('back');
      const records = [rawRecord('1'), rawRecord('2')];
      const append = log.append('a', 0, records);
      await until(async () => (await direct.revision('a')) === 2);
      await gate.cut();
      expect(await outcome(append)).toBe('unknown');
      gate.flow();
      await gate.open();
      const read = await collectRaw(direct.readStream('a', { ...forwards, from: 1 }));
      let appended;
      await until(async () => {
        appended = await log.append('a', 0, records).catch(() => undefined);
        return appended !== undefined;
      });
      expect(appended).toStrictEqual({ revision: 2, positions: read.map(({ position }) => position) });
      expect(await typesOf(direct.readStream('a', forwards))).toStrictEqual(['0', '1', '2']);
    });

    test('its outcome is unknown, and a repeat writes it, when it never arrived', async () => {
      const { gate, log, direct } = await gated();
      await log.append('a', NO_STREAM, [rawRecord('0')]);
      gate.hold('there');
      const record = rawRecord('1');
      const append = log.append('a', 0, [record]);
      await gate.cut();
      expect(await outcome(append)).toBe('unknown');
      gate.flow();
      await gate.open();
      await until(async () => (await outcome(log.append('a', 0, [record]))) === 'written');
      expect(await typesOf(direct.readStream('a', forwards))).toStrictEqual(['0', '1']);
    });

    test('it lost to another writer for good, when that one has its place', async () => {
      const { gate, log, direct } = await gated();
      await log.append('a', NO_STREAM, [rawRecord('0')]);
      gate.hold('there');
      const append = log.append('a', 0, [rawRecord('1')]);
      await direct.append('a', 0, [rawRecord('other'), rawRecord('more')]);
      gate.drop();
      gate.flow();
      await expect(append).rejects.toMatchObject({ name: 'WrongRevisionError', expected: 0, actual: 2 });
    });

    test('of many appends at once, each is written once or not at all, and a repeat of each settles it', async () => {
      const { gate, log, direct } = await gated();
      const told = { written: 0, unknown: 0, 'not written': 0 };
      for (let round = 0; round < 6; round++) {
        const appends = Array.from({ length: 60 }, (_, i) => ({
          stream: `${round}-${i}`,
          // Some larger than what is sent at once.
          records: [rawRecord('1', i % 7 === 0 ? 200_000 : 10), ...(i % 2 === 0 ? [rawRecord('2')] : [])],
        }));
        const first = appends.map(({ stream, records }) => outcome(log.append(stream, NO_STREAM, records)));
        if (round % 2 === 0) await first[round];
        else gate.hold('back');
        await gate.cut();
        const outcomes = await Promise.all(first);
        gate.flow();
        await gate.open();
        for (const [i, { stream, records }] of appends.entries()) {
          told[outcomes[i] ?? 'written']++;
          const revision = await direct.revision(stream);
          if (outcomes[i] === 'written') expect(revision).toBe(records.length - 1);
          if (outcomes[i] === 'not written') expect(revision).toBe(NO_STREAM);
          await until(async () => (await outcome(log.append(stream, NO_STREAM, records))) === 'written');
          expect(await ids(direct, stream)).toStrictEqual(records.map(({ id }) => id));
        }
      }
      expect(told.written).toBeGreaterThan(0);
      expect(told.unknown).toBeGreaterThan(0);
    }, 60_000);
  });

  async function ids(log: EventStoreDbLog, stream: string): Promise<string[]> {
    return (await collectRaw(log.readStream(stream, forwards))).map(({ id }: RawRecord) => id);
  }

  describe('in the middle of a subscription', () => {
    test('what was appended meanwhile comes when it is there again: all of it, once, in order', async () => {
      const harness = eventStoreDbHarness(url);
      const { gate, url: through } = await gateTo(url);
      closing.push(() => gate.close());
      const raw = await harness.raw({ url: through });
      const log = await harness.open(() => raw);
      const direct = await harness.open();
      closing.push(() => log.close());
      closing.push(() => direct.close());
      const seen: unknown[] = [];
      const stop = new AbortController();
      // As every follower does: a read that fails is begun again where it was.
      let position = START;
      const follow = async (): Promise<void> => {
        for await (const batch of log.subscribe(position, stop.signal)) {
          for (const record of batch.records) seen.push(`${record.stream} ${record.revision}`);
          position = batch.position;
        }
      };
      const following = (async () => {
        while (!stop.signal.aborted) {
          await follow().catch((error: unknown) => {
            if (!(error instanceof LogUnavailableError)) throw error;
          });
        }
      })();
      const expected: string[] = [];
      const write = async (stream: string, revisions: number): Promise<void> => {
        const revision = await direct.revision(stream);
        await direct.append(stream, revision, someRecords('r', revisions));
        for (let i = 1; i <= revisions; i++) expected.push(`${stream} ${revision + i}`);
      };
      for (let round = 0; round < 3; round++) {
        await write('user-a', 2);
        await until(() => seen.length === expected.length);
        await gate.cut();
        await write('user-a', 3);
        await write('user-b', 600);
        await gate.open();
        await write('user-c', 1);
        await until(() => seen.length === expected.length);
      }
      expect(seen).toStrictEqual(expected);
      stop.abort();
      await following;
      expect(await names(log.read('user-c'))).toHaveLength(3);
      expect(await collect(log.readAll())).toHaveLength(expected.length);
    });
  });

  describe('without a word', () => {
    test('appends and reads end in time, and go on where it answers again', async () => {
      const { gate, log, direct } = await gated();
      await log.append('a', NO_STREAM, [rawRecord('0')]);
      gate.hold('there', 'back');
      const record = rawRecord('1');
      const began = performance.now();
      const append = outcome(log.append('a', 0, [record]));
      const read = collectRaw(log.readStream('a', forwards));
      await expect(read).rejects.toBeInstanceOf(LogUnavailableError);
      expect(await append).toBe('unknown');
      expect(performance.now() - began).toBeLessThan(12_000);
      gate.flow();
      await until(async () => (await outcome(log.append('a', 0, [record]))) === 'written');
      expect(await typesOf(direct.readStream('a', forwards))).toStrictEqual(['0', '1']);
    });

    test('slow answers are answers', async () => {
      const { gate, log } = await gated();
      gate.slow(150);
      const appends = Array.from({ length: 30 }, (_, i) =>
        log.append(`${i}`, NO_STREAM, [rawRecord('a'), rawRecord('b')]),
      );
      for (const { positions } of await Promise.all(appends)) expect(positions).toHaveLength(2);
      expect(await typesOf(log.readAll(forwards))).toHaveLength(60);
    });
  });

  describe('when opening', () => {
    test('it is waited for, for a while, and then told without the password', async () => {
      const { gate, url: through } = await gateTo(url);
      closing.push(() => gate.close());
      await gate.cut();
      const harness = eventStoreDbHarness(through.replace(/\/\/(.*@)?/, '//admin:secret@'));
      const opening = harness.raw({ patience: 500 });
      await expect(opening).rejects.toBeInstanceOf(LogUnavailableError);
      await expect(opening).rejects.toThrow(
        `EventStoreDB at 127.0.0.1:${gate.port} cannot be reached: connect`,
      );
      const waiting = eventStoreDbHarness(through).raw();
      await expect(eventStoreDbHarness(through).raw({ patience: 300 })).rejects.toThrow();
      await gate.open();
      const log = await waiting;
      await log.append('a', NO_STREAM, [rawRecord('0')]);
      await log.close();
    });

    test('one that is away can be closed', async () => {
      const { gate, log } = await gated();
      await gate.cut();
      await log.close();
      await expect(log.append('a', NO_STREAM, [rawRecord('0')])).rejects.toThrow('closed');
    });
  });
});
