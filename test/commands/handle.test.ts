import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { CommandHandler, type Aggregate } from '../../src/commands/handle.js';
import { LogUnavailableError, WrongRevisionError } from '../../src/log/errors.js';
import type { Log, NewRecord } from '../../src/log/log.js';
import { MatrixError } from '../../src/protocol/errors.js';
import { ManualClock } from '../support/manual-clock.js';
import { lmdbHarness } from '../support/lmdb-log.js';
import { seededRandom } from '../support/seeded-random.js';

const context = { correlationId: 'test', now: 1 };
const STREAM = 'room-!r:one.example';
const fact = (by: string) => ({
  type: 'room.visibility.changed' as const,
  version: 1 as const,
  data: { visibility: 'public' as const, by },
});

/** A count of facts, read from the log each time unless it is kept. */
class Counting implements Aggregate<{ count: number }> {
  loads = 0;
  evicted = 0;
  committed_: number[] = [];
  fail = false;
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  async load(stream: string) {
    this.loads++;
    const revision = await this.#log.revision(stream);
    return { state: { count: revision + 1 }, revision };
  }

  evolve(state: { count: number }) {
    return { count: state.count + 1 };
  }

  committed(_stream: string, state: { count: number }) {
    if (this.fail) throw new Error('The index is broken.');
    this.committed_.push(state.count);
  }

  evict() {
    this.evicted++;
  }
}

/** The log, with what goes wrong on the next appends. */
function troubled(log: Log, troubles: ((append: () => Promise<unknown>) => Promise<never>)[]): Log {
  return new Proxy(log, {
    get(target, name) {
      if (name !== 'append') {
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      }
      return async (stream: string, revision: number, records: readonly NewRecord[]) => {
        const trouble = troubles.shift();
        const append = () => target.append(stream, revision, records);
        return trouble === undefined ? append() : trouble(append);
      };
    },
  });
}

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function handler(troubles: Parameters<typeof troubled>[1] = [], shared = false) {
  const harness = lmdbHarness();
  const log = await harness.open();
  cleanups.push(async () => {
    await log.close();
    await harness.dispose();
  });
  const clock = new ManualClock();
  const aggregate = new Counting(log);
  return {
    log,
    clock,
    aggregate,
    commands: new CommandHandler(
      { log: troubled(log, troubles), clock, random: seededRandom('h'), shared },
      aggregate,
    ),
  };
}

const say = (commands: CommandHandler<{ count: number }>, by: string) =>
  commands.handle(STREAM, context, ({ count }) => ({ records: [fact(by)], result: count }));

async function written(log: Log): Promise<string[]> {
  const found: string[] = [];
  for await (const batch of log.readAll()) {
    for (const record of batch.records)
      if (record.type === 'room.visibility.changed') found.push(record.data.by);
  }
  return found;
}

describe('handling commands', () => {
  it('decides those that wait together one on another, in one append', async () => {
    const { commands, aggregate, log } = await handler();
    const done = await Promise.all(['a', 'b', 'c'].map((by) => say(commands, by)));
    expect(done.map(({ result }) => result)).toEqual([0, 1, 2]);
    expect(await written(log)).toEqual(['a', 'b', 'c']);
    expect(aggregate.committed_).toEqual([3]);
  });

  it('lets a refusal stand alone', async () => {
    const { commands, log } = await handler();
    const refused = commands.handle(STREAM, context, () => {
      throw new MatrixError('M_FORBIDDEN', 'No.');
    });
    const outcomes = await Promise.allSettled([say(commands, 'a'), refused, say(commands, 'b')]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await written(log)).toEqual(['a', 'b']);
  });

  it('decides again after a conflict', async () => {
    const { commands, aggregate, log } = await handler([
      async () => {
        await log.append(STREAM, -1, [
          { ...fact('rival'), id: randomUUID(), metadata: { correlation_id: 'r', received_at: 1 } },
        ]);
        throw new WrongRevisionError(STREAM, -1, 0);
      },
    ]);
    expect((await say(commands, 'a')).result).toBe(1);
    expect(await written(log)).toEqual(['rival', 'a']);
    expect(aggregate.evicted).toBe(1);
  });

  it('settles an append whose answer was lost: written once', async () => {
    const { commands, clock, log } = await handler([
      async (append) => {
        await append();
        throw new LogUnavailableError('The answer was lost.', { outcomeUnknown: true });
      },
    ]);
    const sent = say(commands, 'a');
    while (clock.pending === 0) await new Promise(setImmediate);
    clock.advance(50);
    await sent;
    expect(await written(log)).toEqual(['a']);
  });

  it('tells everybody when the log is away, and goes on when it is back', async () => {
    const away = () => Promise.reject(new LogUnavailableError('Away.', { outcomeUnknown: false }));
    const { commands, log } = await handler([away]);
    const outcomes = await Promise.allSettled([say(commands, 'a'), say(commands, 'b')]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await say(commands, 'c');
    expect(await written(log)).toEqual(['c']);
  });

  it('answers what is in the log, whatever goes wrong after it', async () => {
    const { commands, aggregate, log } = await handler();
    aggregate.fail = true;
    expect((await say(commands, 'a')).result).toBe(0);
    expect(await written(log)).toEqual(['a']);
    expect(aggregate.evicted).toBe(1);
  });

  it('lets no stream wait for another', async () => {
    const { commands } = await handler();
    let release: () => void = () => undefined;
    const held = commands.handle('room-!slow:one.example', context, async () => {
      await new Promise<void>((resolve) => (release = resolve));
      return { records: [], result: 'slow' };
    });
    expect((await say(commands, 'a')).result).toBe(0);
    release();
    expect((await held).result).toBe('slow');
  });

  it('beside other processes, does not answer what appends nothing by a state of long ago', async () => {
    const { commands, aggregate, log } = await handler([], true);
    let isOld = true;
    const load = aggregate.load.bind(aggregate);
    aggregate.load = async (stream) => {
      if (isOld) return { state: { count: 0 }, revision: -1 };
      return load(stream);
    };
    aggregate.evict = () => {
      isOld = false;
    };
    await log.append(STREAM, -1, [
      { ...fact('rival'), id: randomUUID(), metadata: { correlation_id: 'r', received_at: 1 } },
    ]);
    const seen: number[] = [];
    const asked = commands.handle(STREAM, context, ({ count }) => {
      seen.push(count);
      if (count === 0) throw new MatrixError('M_FORBIDDEN', 'Nobody is there.');
      return { records: [], result: count };
    });
    expect((await asked).result).toBe(1);
    expect(seen).toEqual([0, 1]);
  });
});
