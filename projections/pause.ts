import type { Clock } from '../src/runtime/clock.js';

/** Waits so many milliseconds, or until the signal aborts: it never rejects. */
export function pause(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.after(milliseconds, done);
    signal.addEventListener('abort', done);
  });
}

/** The pause before trying for the nth time again (from 0), in milliseconds: doubling, from 50 ms to 10 s. */
export function backoff(attempt: number): number {
  return Math.min(10_000, 50 * 2 ** Math.min(attempt, 20));
}
