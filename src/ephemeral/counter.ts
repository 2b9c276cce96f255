import type { Clock } from '../runtime/clock.js';

/**
 * Numbers the changes of what is not recorded, for sync tokens. It starts at the time, so that numbers of an
 * earlier run are always lower.
 */
export class EphemeralCounter {
  #value: number;

  constructor(clock: Clock) {
    this.#value = Math.max(0, Math.floor(clock.now()));
  }

  /** The number of the newest change. */
  get value(): number {
    return this.#value;
  }

  next(): number {
    return ++this.#value;
  }
}
