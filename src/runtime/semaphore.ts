/** More waits than there may be. */
export class TooManyWaitingError extends Error {
  constructor() {
    super('Too much is waiting already.');
    this.name = 'TooManyWaitingError';
  }
}

/** Lets so much be done at the same time; the rest waits, first come, first served, up to a number. */
export class Semaphore {
  readonly #mostWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(atOnce: number, mostWaiting: number) {
    this.#free = atOnce;
    this.#mostWaiting = mostWaiting;
  }

  /** @throws TooManyWaitingError */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else if (this.#waiting.length >= this.#mostWaiting) throw new TooManyWaitingError();
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
