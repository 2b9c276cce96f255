import { systemClock, type Clock, type Timer } from '../../src/runtime/clock.js';

/** The system's clock, whose time of day jumps when a test says so; durations and timers go on, as on a machine whose time is set. */
export class JumpingClock implements Clock {
  #ahead = 0;

  /** @param milliseconds forwards, or backwards where negative */
  jump(milliseconds: number): void {
    this.#ahead += milliseconds;
  }

  now(): number {
    return systemClock.now() + this.#ahead;
  }

  monotonic(): number {
    return systemClock.monotonic();
  }

  after(milliseconds: number, callback: () => void): Timer {
    return systemClock.after(milliseconds, callback);
  }
}
