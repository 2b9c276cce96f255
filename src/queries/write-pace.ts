import type { Clock } from '../runtime/clock.js';
import type { Positions } from './wait.js';

/** Milliseconds by which what can be read may be behind what happened before commands wait for it. */
const MOST_BEHIND = 50;
/** Milliseconds that one command waits. */
const LONGEST_WAIT = 1000;
/** Milliseconds between two marks. */
const MARK_EVERY = 10;
const MOST_MARKS = 100;

interface Mark {
  readonly position: number;
  /** When it was acknowledged at the earliest. */
  readonly at: number;
}

/**
 * Keeps commands from running away from the read models, which are made beside them: who writes faster than can be
 * folded is answered later, and nobody who reads has to wait for long. Where the read models stand still, as their
 * store is away, commands go on without them.
 */
export class WritePace {
  readonly #positions: Positions;
  readonly #clock: Clock;
  /** What was acknowledged and could not be read yet, oldest first. */
  #marks: Mark[] = [];
  /** Where the read models were when a command waited in vain. */
  #stillAt: number | undefined;

  constructor(positions: Positions, clock: Clock) {
    this.#positions = positions;
    this.#clock = clock;
  }

  /** To be awaited before a command is answered, with the position of its last record. */
  async keep(position: number): Promise<void> {
    const now = this.#clock.monotonic();
    const { processed } = this.#positions;
    this.#mark({ position, at: now }, processed);
    if (processed === this.#stillAt) return;
    const late = this.#marks.findLast(({ at }) => at <= now - MOST_BEHIND);
    if (late === undefined || (await this.#positions.whenProcessed(late.position, LONGEST_WAIT))) return;
    if (this.#positions.processed === processed) this.#stillAt = processed;
  }

  #mark(mark: Mark, processed: number): void {
    const [oldest] = this.#marks;
    if (oldest !== undefined && oldest.position <= processed)
      this.#marks = this.#marks.filter((one) => one.position > processed);
    const last = this.#marks.at(-1);
    if (mark.position <= processed || (last !== undefined && mark.at - last.at < MARK_EVERY)) return;
    this.#marks.push(mark);
    if (this.#marks.length > MOST_MARKS) this.#marks.shift();
  }
}
