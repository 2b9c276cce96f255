import { EventEmitter } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LogUnavailableError } from '../../src/log/errors.js';
import { START } from '../../src/log/position.js';
import { PortLog, serveReading } from '../../src/server/projection-thread/log-port.js';
import type { Thread, ThreadData } from '../../src/server/projection-thread/messages.js';
import { runProjections } from '../../src/server/projection-thread/run.js';
import { TestCore } from '../support/core.js';
import { MemoryLog } from '../support/memory-log.js';
import { until } from '../support/until.js';
import { fillSamples } from '../projections/made-up.js';

/** The thread's work in the thread of the test, behind a port as a thread is. */
function besideTest(data: ThreadData): Thread {
  const { port1, port2 } = new MessageChannel();
  const outside = new EventEmitter();
  port1.on('message', (report: unknown) => outside.emit('message', report));
  runProjections(port2, data)
    .catch((error: unknown) => outside.emit('error', error))
    .finally(() => {
      port1.close();
      outside.emit('exit');
    });
  return {
    postMessage: (message) => {
      port1.postMessage(message);
    },
    on: (event: string, listener) => outside.on(event, listener),
  };
}

describe('the log as a thread has it', () => {
  let log: MemoryLog;
  let served: Promise<void>[];

  beforeEach(() => {
    log = new MemoryLog();
    served = [];
    fillSamples(log);
  });

  function portLog(): PortLog {
    return new PortLog(log.epoch, START, (reading, port) => {
      served.push(serveReading(log, reading, port));
    });
  }

  test('gives what is there, and its head', async () => {
    const expected = [];
    for await (const { records } of log.readAll()) expected.push(...records);
    const reader = portLog();
    const found = [];
    for await (const { records } of reader.readAll()) found.push(...records);
    expect(found).toEqual(expected);
    expect(reader.head).toBe(log.head);
    await Promise.all(served);
  });

  test('goes on with what is appended, until it is told to stop', async () => {
    const ending = new AbortController();
    const before = log.head;
    const positions: number[] = [];
    const reading = (async () => {
      for await (const { records } of portLog().subscribe(before, ending.signal)) {
        positions.push(...records.map(({ position }) => position));
        if (positions.length >= 2) ending.abort();
      }
    })();
    await until(() => served.length === 1);
    fillSamples(log);
    await reading;
    expect(positions[0]).toBeGreaterThan(before);
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
    await Promise.all(served);
  });

  test('lets go of the log where the reader leaves early', async () => {
    for await (const { records } of portLog().readAll()) {
      expect(records.length).toBeGreaterThan(0);
      break;
    }
    await Promise.all(served);
  });

  test.each([
    ['is away', new LogUnavailableError('Away.', { outcomeUnknown: false }), LogUnavailableError],
    ['fails', new Error('Broken.'), Error],
  ])('says so where the log %s', async (_, error, kind) => {
    log.beforeRead = () => {
      throw error;
    };
    const found: unknown = await portLog()
      .readAll()
      [Symbol.asyncIterator]()
      .next()
      .catch((caught: unknown) => caught);
    expect(found).toBeInstanceOf(kind);
    expect(found).toMatchObject({ message: error.message });
    await Promise.all(served);
  });
});

describe('read models in a thread', () => {
  const open: TestCore[] = [];

  afterEach(async () => {
    for (const core of open.splice(0)) await core.close();
  });

  async function start(): Promise<TestCore> {
    const core = await TestCore.open({ projectionThread: besideTest });
    open.push(core);
    return core;
  }

  test('show what was acknowledged, and wake who waits for it', async () => {
    const core = await start();
    const alice = await core.user('alice');
    const room = await core.room(alice);
    const first = await core.sync(alice);
    const waiting = core.sync(alice, { since: first.next_batch, timeout: 30_000 });
    await core.says(alice, room, 'Hello');
    const { rooms } = await waiting;
    expect(rooms.join[room]?.timeline.events.map(({ content }) => content['body'])).toEqual(['Hello']);
  });

  test('are there again after a restart, and can be built anew', async () => {
    const core = await start();
    const alice = await core.user('alice');
    const room = await core.room(alice);
    await core.sync(alice);
    await core.restart();
    const { readModels } = core.core;
    const { rebuilding } = readModels;
    const versions = () => readModels.progress().map(({ serving }) => serving);
    expect(await readModels.isServing()).toBe(true);
    rebuilding?.rebuild();
    expect(rebuilding?.rebuildProgress().building).toBe(true);
    await until(() => rebuilding?.rebuildProgress().building === false);
    expect(versions().every(Boolean)).toBe(true);
    await core.says(alice, room, 'After');
    const { rooms } = await core.sync(alice);
    expect(rooms.join[room]?.timeline.events.at(-1)?.content['body']).toBe('After');
  });

  test('serve as soon as anything can be read', async () => {
    const { core } = await start();
    await core.readModels.whenProcessed(core.log.head, 5000);
    expect(await core.readModels.isServing()).toBe(true);
    expect(await core.health()).toMatchObject({ read_models: true });
  });

  test('are not healthy any more when the thread fails', async () => {
    let fail = (_: Error): void => undefined;
    const core = await TestCore.open({
      projectionThread: (data) => {
        const thread = besideTest(data);
        return {
          postMessage: (message) => {
            thread.postMessage(message);
          },
          on: (event: string, listener) => {
            if (event === 'error') fail = listener as (error: Error) => void;
            return thread.on(event as never, listener as never);
          },
        };
      },
    });
    open.push(core);
    const { readModels, log } = core.core;
    expect(await readModels.whenProcessed(log.head, 5000)).toBe(true);
    fail(new Error('Out of memory.'));
    expect(await core.core.health()).toMatchObject({ read_models: false });
    expect(await readModels.whenProcessed(log.head + 1, 5000)).toBe(false);
  });

  test('let no server start whose thread does not', async () => {
    const broken = (): Thread => {
      const outside = new EventEmitter();
      setImmediate(() => {
        outside.emit('error', new Error('No such thread.'));
        outside.emit('exit');
      });
      return { postMessage: () => undefined, on: (event: string, listener) => outside.on(event, listener) };
    };
    await expect(TestCore.open({ projectionThread: broken })).rejects.toThrow('No such thread.');
  });
});
