import type { Position } from '../src/log/position.js';
import { START } from '../src/log/position.js';
import type { Scrubbing } from '../src/read-models/store.js';
import type { Clock } from '../src/runtime/clock.js';
import { pause } from '../src/runtime/pause.js';
import type { RunnerLogger } from './runner.js';

export interface ScrubberOptions {
  readonly scrubbing: Scrubbing;
  readonly clock: Clock;
  readonly logger: RunnerLogger;
}

/** Milliseconds: what is forgotten in quick succession is scrubbed together. */
const GATHER = 500;
/** Milliseconds after which it is tried again where it could not be done, and looked whether it is owed again. */
const RETRY = 60_000;
/** Scrubbing takes no more than one part in so many of the time. */
const SHARE = 10;

/**
 * Has the files of read models scrubbed after content was forgotten, in the background. What is owed is not kept
 * anywhere: it is what was forgotten up to a position, and the store knows up to which it was scrubbed.
 */
export class Scrubber {
  readonly #options: ScrubberOptions;
  #owed: Position = START;
  #wake: () => void = () => undefined;

  constructor(options: ScrubberOptions) {
    this.#options = options;
  }

  /** Everything that was forgotten up to a position is to be gone from the files. */
  owe(position: Position): void {
    this.#owed = Math.max(this.#owed, position);
    this.#wake();
  }

  /** Scrubs what is owed, until the signal aborts; what cannot be done now, as on a full disk, is tried again. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    while (!signal.aborted) {
      if (!(await this.#isOwed())) {
        await this.#sleep(RETRY, signal);
        continue;
      }
      await pause(clock, GATHER, signal);
      const began = clock.monotonic();
      const done = await this.#tryScrub(signal);
      const took = clock.monotonic() - began;
      if (done)
        logger.info({ ms: Math.round(took) }, 'What was forgotten is gone from the read models, too.');
      await pause(clock, done ? took * SHARE : RETRY, signal);
    }
  }

  /** Scrubs now what is owed, as at the end of a process, unless the signal aborts before. */
  async finish(signal: AbortSignal): Promise<void> {
    if (await this.#isOwed()) await this.#scrub(signal);
  }

  async #isOwed(): Promise<boolean> {
    return this.#owed > START && (await this.#options.scrubbing.scrubbed()) < this.#owed;
  }

  async #tryScrub(signal: AbortSignal): Promise<boolean> {
    try {
      return await this.#scrub(signal);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.logger.warn({ reason }, 'What was forgotten could not be scrubbed yet.');
      return false;
    }
  }

  #scrub(signal: AbortSignal): Promise<boolean> {
    return this.#options.scrubbing.scrub(this.#owed, signal);
  }

  /** Until something is owed anew, for a time at most. */
  async #sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => {
      woken.abort();
    };
    await pause(this.#options.clock, milliseconds, AbortSignal.any([signal, woken.signal]));
  }
}
