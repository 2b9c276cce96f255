import type { Clock } from './clock.js';

/** Milliseconds by which a clock may be ahead of what is expected of it: it is set by others now and then. */
const TOLERANCE = 60_000;
/** Milliseconds after which a clock that has jumped ahead is believed. */
const BELIEVED_AFTER = 3_600_000;

/**
 * The time, for what cannot be undone when it is done too early. A clock that jumps ahead while the program runs is
 * not believed before it has stayed so for an hour: until then time goes on from where it was. One that goes back
 * is believed at once.
 */
export class PatientTime {
  readonly #clock: Clock;
  #time: number;
  #monotonic: number;
  #aheadSince: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#time = clock.now();
    this.#monotonic = clock.monotonic();
  }

  /** Milliseconds since the epoch. */
  now(): number {
    const [said, monotonic] = [this.#clock.now(), this.#clock.monotonic()];
    const expected = this.#time + (monotonic - this.#monotonic);
    if (said > expected + TOLERANCE) this.#aheadSince ??= monotonic;
    else this.#aheadSince = undefined;
    const isBelieved = this.#aheadSince === undefined || monotonic - this.#aheadSince >= BELIEVED_AFTER;
    if (isBelieved) this.#aheadSince = undefined;
    this.#time = isBelieved ? said : expected;
    this.#monotonic = monotonic;
    return this.#time;
  }
}
