/** A pending timer; cancelling one that has fired does nothing. */
export interface Timer {
  cancel(): void;
}

/** The port for time. Nothing outside this folder asks the system for it. */
export interface Clock {
  /** Milliseconds since the epoch; may jump either way. */
  now(): number;
  /** Milliseconds of a clock that only moves forwards, for durations. */
  monotonic(): number;
  /** Calls back once, after so many milliseconds. */
  after(milliseconds: number, callback: () => void): Timer;
}

/** The system's time. Timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    timer.unref();
    return {
      cancel: () => {
        clearTimeout(timer);
      },
    };
  },
};
