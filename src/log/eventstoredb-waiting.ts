import type { Clock } from '../runtime/clock.js';
import { GivenUpError, NotBegunError } from './eventstoredb-errors.js';

/**
 * Settles as the work does, but rejects with a GivenUpError when that takes longer than so many milliseconds, or what
 * it adds to `breaking` is called before. What the work comes to afterwards is dropped.
 */
export function bounded<T>(
  work: Promise<T>,
  clock: Clock,
  milliseconds: number,
  breaking?: Set<() => void>,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const end = (): void => {
      timer.cancel();
      breaking?.delete(giveUp);
    };
    const giveUp = (): void => {
      end();
      reject(new GivenUpError('the connection was lost meanwhile'));
    };
    const timer = clock.after(milliseconds, () => {
      end();
      reject(new GivenUpError(`there is no answer after ${milliseconds} ms`));
    });
    breaking?.add(giveUp);
    work.then(
      (value) => {
        end();
        resolve(value);
      },
      (error: unknown) => {
        end();
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}

/** Waits so many milliseconds, or until the signal aborts. Never rejects. */
export function pause(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise<void>((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.after(milliseconds, end);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}

/** So many may be in at once; who comes then waits, first come first served. */
export class Places {
  readonly #clock: Clock;
  #free: number;
  #waiting: (() => void)[] = [];

  constructor(count: number, clock: Clock) {
    this.#free = count;
    this.#clock = clock;
  }

  /** @throws NotBegunError when none is free for so many milliseconds */
  async take(milliseconds: number): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const enter = (): void => {
        timer.cancel();
        resolve();
      };
      this.#waiting.push(enter);
      const timer = this.#clock.after(milliseconds, () => {
        this.#waiting = this.#waiting.filter((other) => other !== enter);
        reject(new NotBegunError(`others are under way after ${milliseconds} ms`));
      });
    });
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
