/**
 * Numbers the changes of what is not history, for sync tokens. A process that is alone counts from the time at
 * which it started, so that numbers of an earlier run are lower; processes that share what they tell go by its
 * position in the log, so that a number means the same in all of them.
 */
export class EphemeralCounter {
  #value: number;

  constructor(start: number) {
    this.#value = Math.max(0, Math.floor(start));
  }

  /** The number of the newest change. */
  get value(): number {
    return this.#value;
  }

  next(): number {
    return ++this.#value;
  }

  /** A change has been numbered elsewhere. */
  reach(number: number): void {
    if (number > this.#value) this.#value = number;
  }
}
