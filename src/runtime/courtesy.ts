import { setImmediate } from 'node:timers/promises';
import type { Clock } from './clock.js';

/** Milliseconds of work in one piece, where nobody says otherwise. */
const LONGEST = 8;

/**
 * Long work in pieces: between them everybody else has a turn. An embedded store answers without ever going back to
 * the event loop, so an answer over ten thousand rooms would otherwise keep all others waiting for seconds.
 */
export class Courtesy {
  readonly #clock: Clock;
  readonly #longest: number;
  #begun: number;

  /** @param longest milliseconds */
  constructor(clock: Clock, longest = LONGEST) {
    this.#clock = clock;
    this.#longest = longest;
    this.#begun = clock.monotonic();
  }

  /** Whether it is time: for loops whose steps are so short that a promise for each would count. */
  get isDue(): boolean {
    return this.#clock.monotonic() - this.#begun >= this.#longest;
  }

  /** To be called between any two pieces; most calls cost a look at the clock. */
  async turn(): Promise<void> {
    if (!this.isDue) return;
    await setImmediate();
    this.#begun = this.#clock.monotonic();
  }
}
