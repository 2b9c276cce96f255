import { BehaviorSubject, type Observable } from 'rxjs';
import { START, type Position } from '../src/log/position.js';
import type { Clock } from '../src/runtime/clock.js';

interface Waiter {
  readonly position: Position;
  readonly settle: (reached: boolean) => void;
}

/** How far the projections have come, and who waits for them. */
export class ProcessedPositions {
  readonly #clock: Clock;
  readonly #subject = new BehaviorSubject<Position>(START);
  /** By position, the lowest last. */
  readonly #waiters: Waiter[] = [];
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get processed(): Position {
    return this.#subject.value;
  }

  /** The position now and whenever it moves. */
  get positions(): Observable<Position> {
    return this.#subject.asObservable();
  }

  /** Moves forwards, and wakes those who waited for it; a lower position changes nothing. */
  publish(position: Position): void {
    if (position <= this.#subject.value) return;
    this.#subject.next(position);
    for (let last = this.#waiters.at(-1); last && last.position <= position; last = this.#waiters.at(-1)) {
      this.#waiters.pop();
      last.settle(true);
    }
  }

  /**
   * True as soon as the position is processed, false after so many milliseconds or when closed. Costs nothing until
   * then: waiters are ordered, so that each move looks only at those whom it wakes.
   */
  whenProcessed(position: Position, timeoutMs: number): Promise<boolean> {
    if (position <= this.processed) return Promise.resolve(true);
    if (this.#closed || timeoutMs <= 0) return Promise.resolve(false);
    return new Promise((resolve) => {
      const waiter: Waiter = {
        position,
        settle: (reached) => {
          timer.cancel();
          resolve(reached);
        },
      };
      const timer = this.#clock.after(timeoutMs, () => {
        const at = this.#waiters.indexOf(waiter);
        if (at >= 0) this.#waiters.splice(at, 1);
        resolve(false);
      });
      this.#insert(waiter);
    });
  }

  /** Nothing is processed any more: those who wait are told so. */
  close(): void {
    this.#closed = true;
    for (const waiter of this.#waiters.splice(0)) waiter.settle(false);
    this.#subject.complete();
  }

  #insert(waiter: Waiter): void {
    let low = 0;
    let high = this.#waiters.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#waiters[middle]?.position ?? START) > waiter.position) low = middle + 1;
      else high = middle;
    }
    this.#waiters.splice(low, 0, waiter);
  }
}
