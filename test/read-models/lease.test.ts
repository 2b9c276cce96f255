import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { CheckpointConflictError, ReadStoreUnavailableError } from '../../src/read-models/errors.js';
import { holdLease, type Leases } from '../../src/read-models/lease.js';
import type { Lease } from '../../src/read-models/store.js';
import { ManualClock } from '../support/manual-clock.js';
import { until } from '../support/until.js';

const TTL = 15_000;

/** Leases in memory, for processes on machines of their own: each reaches them by its own way, which may be cut. */
class MemoryLeases {
  current: Lease | undefined;
  /** Takeovers and releases, in order. */
  readonly holders: string[] = [];

  way(): Way {
    return new Way(this);
  }
}

class Way implements Leases {
  readonly #shared: MemoryLeases;
  isCut = false;
  /** Cuts the way after the next change has been made, before its answer. */
  loseAnswer = false;

  constructor(shared: MemoryLeases) {
    this.#shared = shared;
  }

  async lease(): Promise<Lease | undefined> {
    await setImmediate();
    if (this.isCut) throw new ReadStoreUnavailableError('cut');
    return this.#shared.current;
  }

  async changeLease(next: Lease, expected: Lease | undefined): Promise<boolean> {
    await setImmediate();
    if (this.isCut) throw new ReadStoreUnavailableError('cut');
    const { current } = this.#shared;
    if (current?.holder !== expected?.holder || current?.beat !== expected?.beat) return false;
    if (current?.holder !== next.holder) this.#shared.holders.push(next.holder);
    this.#shared.current = next;
    if (this.loseAnswer) {
      this.loseAnswer = false;
      throw new ReadStoreUnavailableError('cut');
    }
    return true;
  }
}

/** A process that wants the lease. */
class Candidate {
  readonly clock = new ManualClock();
  readonly way: Way;
  readonly ending = new AbortController();
  /** Whether it is at what only the holder may do. */
  isAtWork = false;
  runs = 0;
  /** Settled when the holding is over. */
  readonly over: Promise<unknown>;
  #end: ((error?: Error) => void) | undefined;

  constructor(holder: string, leases: MemoryLeases) {
    this.way = leases.way();
    const options = {
      name: 'projections',
      holder,
      clock: this.clock,
      ttlMs: TTL,
      signal: this.ending.signal,
    };
    this.over = holdLease(this.way, options, (signal) => this.#work(signal)).then(
      () => 'ended',
      (error: unknown) => error,
    );
  }

  /** Ends the run that is under way, by itself. */
  finish(error?: Error): void {
    this.#end?.(error);
  }

  async #work(signal: AbortSignal): Promise<void> {
    this.runs++;
    this.isAtWork = true;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#end = (error) => {
          if (error === undefined) resolve();
          else reject(error);
        };
        signal.addEventListener('abort', () => { resolve(); }); // prettier-ignore
      });
    } finally {
      this.isAtWork = false;
    }
  }
}

/** Lets time pass for some, in small steps, each of which is acted on before the next. */
async function pass(milliseconds: number, ...candidates: readonly Candidate[]): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += 500) {
    for (const { clock } of candidates) clock.advance(Math.min(500, milliseconds - passed));
    for (let turn = 0; turn < 12; turn++) await setImmediate();
  }
}

describe('a lease', () => {
  let leases: MemoryLeases;
  let first: Candidate;
  let second: Candidate;

  beforeEach(async () => {
    leases = new MemoryLeases();
    first = new Candidate('first', leases);
    await until(() => first.isAtWork);
    second = new Candidate('second', leases);
  });

  test('stays with a holder that lives, however long', async () => {
    await pass(20 * TTL, first, second);
    expect([first.isAtWork, first.runs, second.runs]).toEqual([true, 1, 0]);
    expect(leases.holders).toEqual(['first']);
  });

  test('is given back at the end, and taken at once', async () => {
    first.ending.abort();
    expect(await first.over).toBe('ended');
    expect(first.isAtWork).toBe(false);
    expect(leases.current).toMatchObject({ holder: '' });
    await pass(TTL / 3, second);
    expect(second.isAtWork).toBe(true);
    second.ending.abort();
    expect(await second.over).toBe('ended');
    expect(leases.holders).toEqual(['first', '', 'second', '']);
  });

  test('moves when its holder dies, and not before its time', async () => {
    await pass(TTL, first, second);
    // From here on the first does nothing any more.
    await pass(TTL - 500, second);
    expect(second.isAtWork).toBe(false);
    await pass(TTL / 3 + 500, second);
    expect(second.isAtWork).toBe(true);
  });

  test('is lost by a holder that was stopped and goes on later', async () => {
    await pass(3 * TTL, second);
    expect([first.isAtWork, second.isAtWork]).toEqual([true, true]);
    // What it does before it knows is for the store to refuse; it knows with its next beat.
    await pass(TTL / 3, first, second);
    expect([first.isAtWork, second.isAtWork]).toEqual([false, true]);
    await pass(5 * TTL, first, second);
    expect([first.runs, second.runs]).toEqual([1, 1]);
    second.ending.abort();
    await second.over;
    await pass(TTL / 3, first);
    expect([first.isAtWork, first.runs]).toEqual([true, 2]);
  });

  test('is given up by a holder that cannot reach the store, before anybody can have taken it', async () => {
    await pass(TTL, first, second);
    first.way.isCut = true;
    let [workedLast, tookOver] = [0, Infinity];
    for (let passed = 500; passed <= 2 * TTL; passed += 500) {
      await pass(500, first, second);
      if (first.isAtWork) workedLast = passed;
      if (second.isAtWork) tookOver = Math.min(tookOver, passed);
    }
    expect(workedLast).toBeGreaterThan(TTL / 3);
    expect(workedLast).toBeLessThan(TTL);
    expect(tookOver).toBeGreaterThan(workedLast);
    first.way.isCut = false;
    await pass(5 * TTL, first, second);
    expect([first.runs, second.runs]).toEqual([1, 1]);
  });

  test('survives that the store is away for a moment', async () => {
    for (let round = 0; round < 5; round++) {
      await pass(TTL / 3 - 500, first, second);
      [first.way.isCut, second.way.isCut] = [true, true];
      await pass(TTL / 3, first, second);
      [first.way.isCut, second.way.isCut] = [false, false];
    }
    expect([first.isAtWork, first.runs, second.runs]).toEqual([true, 1, 0]);
  });

  test('has one holder at most while the store is away for long, and one again afterwards', async () => {
    [first.way.isCut, second.way.isCut] = [true, true];
    await pass(3 * TTL, first, second);
    expect([first.isAtWork, second.isAtWork]).toEqual([false, false]);
    [first.way.isCut, second.way.isCut] = [false, false];
    await pass(2 * TTL, first, second);
    expect([first.isAtWork, second.isAtWork].filter(Boolean)).toHaveLength(1);
  });

  test('is not lost with the answer to a beat', async () => {
    for (let round = 0; round < 5; round++) {
      first.way.loseAnswer = true;
      await pass(TTL, first, second);
    }
    expect([first.isAtWork, first.runs, second.runs]).toEqual([true, 1, 0]);
  });

  test('whose taking was not answered is taken again by the same', async () => {
    second.way.loseAnswer = true;
    first.ending.abort();
    await first.over;
    await pass(TTL, second);
    expect([second.isAtWork, second.runs]).toEqual([true, 1]);
  });

  test('is given back when the work ends by itself, or fails', async () => {
    first.finish();
    expect(await first.over).toBe('ended');
    await pass(TTL / 3, second);
    const failure = new Error('cannot go on');
    second.finish(failure);
    await until(() => !second.isAtWork);
    expect(await second.over).toBe(failure);
    expect(leases.current).toMatchObject({ holder: '' });
  });

  test('that was lost unnoticed explains why the store refuses the work', async () => {
    await pass(3 * TTL, second);
    first.finish(new CheckpointConflictError('rooms', 1, 2));
    await pass(TTL, first, second);
    expect([first.isAtWork, second.isAtWork]).toEqual([false, true]);
    second.ending.abort();
    await second.over;
    await pass(TTL, first);
    expect([first.isAtWork, first.runs]).toEqual([true, 2]);
  });

  test('is waited for no longer when the holding ends', async () => {
    second.ending.abort();
    expect(await second.over).toBe('ended');
    expect(second.clock.pending).toBe(0);
    first.ending.abort();
    expect(await first.over).toBe('ended');
    expect(first.clock.pending).toBe(0);
    expect(leases.holders).toEqual(['first', '']);
  });
});
