import type { Position } from '../position.js';

/** So many pairs are remembered at least: 4 MB. */
const REMEMBERED = 262_144;

/** A record's position here and there. */
export interface Pair {
  readonly source: Position;
  readonly target: Position;
}

/**
 * Which position of the target corresponds to which of the source, for the records that were copied last. Kept
 * only as far back as their order is the same in both.
 */
export class Correspondence {
  #sources: Position[] = [];
  #targets: Position[] = [];
  readonly #remembered: number;

  constructor(remembered = REMEMBERED) {
    this.#remembered = remembered;
  }

  /** Takes in the pairs that come next, by their positions in the source; those that it has already are passed over. */
  add(given: readonly Pair[]): void {
    const known = this.#sources.at(-1) ?? -Infinity;
    const pairs = given.filter(({ source }) => source > known);
    let last = this.#targets.at(-1) ?? -Infinity;
    for (const { target } of pairs) {
      if (target <= last) {
        // Order was not kept here: what came before cannot be told from what came after.
        this.#sources = [];
        this.#targets = [];
        return;
      }
      last = target;
    }
    for (const { source, target } of pairs) {
      this.#sources.push(source);
      this.#targets.push(target);
    }
    if (this.#sources.length < 2 * this.#remembered) return;
    this.#sources = this.#sources.slice(-this.#remembered);
    this.#targets = this.#targets.slice(-this.#remembered);
  }

  /** Where the record at this position of the source is, if it is remembered. */
  at(source: Position): Position | undefined {
    const nth = this.#upTo(source);
    return this.#sources[nth] === source ? this.#targets[nth] : undefined;
  }

  /** Where the last record at or before this position of the source is, if that is remembered. */
  upTo(source: Position): Position | undefined {
    return this.#targets[this.#upTo(source)];
  }

  /** The index of the last remembered position at or before this one; -1 where there is none. */
  #upTo(source: Position): number {
    let [low, high] = [0, this.#sources.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sources[middle] ?? Infinity) <= source) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
