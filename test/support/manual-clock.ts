import type { Clock, Timer } from '../../src/runtime/clock.js';

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #time: number;
  #ahead = 0;
  #timers: { readonly due: number; readonly callback: () => void }[] = [];

  constructor(time = 1_700_000_000_000) {
    this.#time = time;
  }

  /** Timers that have not fired. */
  get pending(): number {
    return this.#timers.length;
  }

  now(): number {
    return this.#time + this.#ahead;
  }

  monotonic(): number {
    return this.#time;
  }

  after(milliseconds: number, callback: () => void): Timer {
    const timer = { due: this.#time + milliseconds, callback };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  /** Sets the time of day, forwards or backwards, as somebody else might: durations and timers do not notice. */
  jump(milliseconds: number): void {
    this.#ahead += milliseconds;
  }

  /** Moves on, and fires what is due by then, in order. */
  advance(milliseconds: number): void {
    const end = this.#time + milliseconds;
    while (true) {
      const due = this.#timers.filter((timer) => timer.due <= end).sort((a, b) => a.due - b.due)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#time = Math.max(this.#time, due.due);
      due.callback();
    }
    this.#time = end;
  }
}
