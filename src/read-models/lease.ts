import { isAborted } from '../runtime/aborted.js';
import type { Clock } from '../runtime/clock.js';
import { pause } from '../runtime/pause.js';
import { ReadStoreUnavailableError } from './errors.js';
import type { Lease, ReadStore } from './store.js';

/** What leases are kept in. */
export type Leases = Pick<ReadStore, 'lease' | 'changeLease'>;

export interface LeaseOptions {
  readonly name: string;
  /** Says whose the lease is: no other process, and no other call, uses it. Not empty. */
  readonly holder: string;
  readonly clock: Clock;
  /** After so many milliseconds without a beat of its holder others take the lease; the same for all who want it. */
  readonly ttlMs: number;
  /** Ends it all: `whileHeld` is told, and the lease given back. */
  readonly signal: AbortSignal;
}

/** Beats in the time after which the lease is taken by others, and looks at it of those who wait for it. */
const BEATS = 3;
/** Part of that time: how much earlier a holder gives up, for what it has under way and for clocks of unequal speed. */
const MARGIN = 1 / 5;
/** Part of that time: how soon a beat is tried again where the store was away. */
const RETRY = 1 / 10;

/**
 * Runs `whileHeld` whenever the lease is held by this caller, one run at a time; its signal aborts when the lease is
 * lost or the holding ends. Resolves when a run ends by itself or `signal` aborts, and gives the lease back.
 *
 * No clocks are compared. The holder raises the lease's beat three times in `ttlMs`. Whoever waits takes it when it
 * has seen the same holder and beat for `ttlMs` by its own clock. That clock started after the beat, so
 * a holder that could not raise the beat for `ttlMs` less a margin knows that nobody has the lease yet, and that
 * somebody may soon. A process that is stopped and goes on later cannot know it in time: what it writes
 * must be refused by other means, as stale writers of projections are.
 *
 * @throws what a run rejects with while the lease is held, once it is given back. What it rejects with once the lease
 *   is lost is taken for the consequence of that.
 */
export async function holdLease(
  leases: Leases,
  options: LeaseOptions,
  whileHeld: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const holder = new Holder(leases, options);
  try {
    while (await holder.acquire()) {
      if ((await holder.run(whileHeld)) === 'ended') return;
    }
  } finally {
    await holder.release();
  }
}

class Holder {
  readonly #leases: Leases;
  readonly #options: LeaseOptions;
  /** As this holder has last changed it. */
  #lease: Lease | undefined;
  /** By the monotonic clock. */
  #heldUntil = 0;

  constructor(leases: Leases, options: LeaseOptions) {
    this.#leases = leases;
    this.#options = options;
  }

  /** True once the lease is ours, false when the signal aborts. */
  async acquire(): Promise<boolean> {
    const { name, holder, clock, ttlMs, signal } = this.#options;
    let seen: { readonly lease: Lease | undefined; readonly since: number } | undefined;
    while (!signal.aborted) {
      const found = await available(() => this.#leases.lease(name));
      if (found !== AWAY) {
        const now = clock.monotonic();
        if (seen === undefined || !isSame(seen.lease, found)) seen = { lease: found, since: now };
        // What has our own name is of a beat whose answer was lost.
        const isFree = found === undefined || found.holder === '' || found.holder === holder;
        if ((isFree || now - seen.since >= ttlMs) && (await available(() => this.#take(found))) === true) {
          return true;
        }
      }
      await pause(clock, ttlMs / BEATS, signal);
    }
    return false;
  }

  /** Runs while the lease is held. */
  async run(whileHeld: (signal: AbortSignal) => Promise<void>): Promise<'ended' | 'lost'> {
    const { signal } = this.#options;
    const lost = new AbortController();
    const over = new AbortController();
    const beating = this.#beat(lost, over.signal);
    beating.catch(() => {
      lost.abort();
    });
    try {
      await whileHeld(AbortSignal.any([signal, lost.signal]));
      return isAborted(lost.signal) && !signal.aborted ? 'lost' : 'ended';
    } catch (error) {
      if (isAborted(lost.signal)) return 'lost';
      // Whoever has lost the lease and does not know it yet is stopped by what it does.
      if (!signal.aborted && (await this.#raise()) !== 'raised') return 'lost';
      throw error;
    } finally {
      over.abort();
      await beating;
    }
  }

  /** Gives the lease back if it is ours; where the store is away, it runs out. */
  async release(): Promise<void> {
    const { name, holder } = this.#options;
    await available(async () => {
      const found = await this.#leases.lease(name);
      if (found?.holder !== holder) return;
      await this.#leases.changeLease({ name, holder: '', beat: found.beat + 1 }, found);
    });
  }

  /** Raises the beat until it is over or the lease is lost. */
  async #beat(lost: AbortController, over: AbortSignal): Promise<void> {
    const { clock, ttlMs } = this.#options;
    const giveUp = () => {
      lost.abort();
    };
    const done = AbortSignal.any([over, lost.signal]);
    let limit = clock.after(this.#heldUntil - clock.monotonic(), giveUp);
    let wait = ttlMs / BEATS;
    while (true) {
      await pause(clock, wait, done);
      if (isAborted(done)) break;
      const outcome = await this.#raise();
      if (outcome === 'lost') lost.abort();
      if (outcome === 'raised') {
        limit.cancel();
        limit = clock.after(this.#heldUntil - clock.monotonic(), giveUp);
      }
      wait = outcome === 'raised' ? ttlMs / BEATS : ttlMs * RETRY;
    }
    limit.cancel();
  }

  async #raise(): Promise<'raised' | 'lost' | 'unknown'> {
    const { name, holder } = this.#options;
    const raised = await available(async () => {
      if (await this.#take(this.#lease)) return true;
      // An earlier beat may have come through without its answer.
      const found = await this.#leases.lease(name);
      return found?.holder === holder && (await this.#take(found));
    });
    if (raised === AWAY) return 'unknown';
    return raised ? 'raised' : 'lost';
  }

  async #take(expected: Lease | undefined): Promise<boolean> {
    const { name, holder, clock, ttlMs } = this.#options;
    // From before the change: whoever waits cannot have seen it earlier.
    const from = clock.monotonic();
    const next = { name, holder, beat: (expected?.beat ?? 0) + 1 };
    if (!(await this.#leases.changeLease(next, expected))) return false;
    this.#lease = next;
    this.#heldUntil = from + ttlMs * (1 - MARGIN);
    return true;
  }
}

const AWAY = Symbol('away');

/** What the store answers, or that it is away. */
async function available<T>(action: () => Promise<T>): Promise<T | typeof AWAY> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof ReadStoreUnavailableError) return AWAY;
    throw error;
  }
}

function isSame(a: Lease | undefined, b: Lease | undefined): boolean {
  return a?.holder === b?.holder && a?.beat === b?.beat;
}
