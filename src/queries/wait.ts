import { ReadModelsBehindError } from '../read-models/errors.js';

/** How far the read models are: what reads need to know of whoever makes them. */
export interface Positions {
  /** Everything up to here can be read. */
  readonly processed: number;
  /** True as soon as the position can be read, false after so many milliseconds. */
  whenProcessed(position: number, timeoutMs: number): Promise<boolean>;
}

/**
 * Lets clients read their own writes: whatever this process has acknowledged to anybody, every later read of this
 * process sees. (Per process and not per user, because what one user was told, another may hear of by other ways.)
 */
export class ReadBarrier {
  readonly #positions: Positions;
  #acknowledged = -1;

  constructor(positions: Positions) {
    this.#positions = positions;
  }

  /** The highest position that was acknowledged, or -1. */
  get position(): number {
    return this.#acknowledged;
  }

  /** To be called with the position of a command's last record, before the command is answered. */
  acknowledged(position: number): void {
    if (position > this.#acknowledged) this.#acknowledged = position;
  }

  /**
   * Waits until everything acknowledged before this call can be read; without a promise's detour to the event loop
   * where it already can.
   *
   * @throws ReadModelsBehindError after so many milliseconds.
   */
  async reached(timeoutMs: number): Promise<void> {
    const wanted = this.#acknowledged;
    if (wanted <= this.#positions.processed) return;
    if (await this.#positions.whenProcessed(wanted, timeoutMs)) return;
    throw new ReadModelsBehindError(wanted, this.#positions.processed);
  }
}
