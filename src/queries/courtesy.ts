import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../runtime/clock.js';

/** Milliseconds of work in one piece. */
const LONGEST = 8;

/**
 * Long work in pieces: between them everybody else has a turn. An embedded store answers without ever going back to
 * the event loop, so an answer over ten thousand rooms would otherwise keep all others waiting for seconds.
 */
export class Courtesy {
  readonly #clock: Clock;
  #begun: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#begun = clock.monotonic();
  }

  /** To be called between any two pieces; most calls cost a look at the clock. */
  async turn(): Promise<void> {
    if (this.#clock.monotonic() - this.#begun < LONGEST) return;
    await setImmediate();
    this.#begun = this.#clock.monotonic();
  }
}
