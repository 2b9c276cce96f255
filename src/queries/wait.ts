import { ReadModelsBehindError } from '../read-models/errors.js';

/** How far the read models are: what reads need to know of whoever makes them. */
export interface Positions {
  /** Everything up to here can be read. */
  readonly processed: number;
  /** True as soon as the position can be read, false after so many milliseconds. */
  whenProcessed(position: number, timeoutMs: number): Promise<boolean>;
}

/**
 * Lets clients read their own writes: whatever was acknowledged to anybody, every later read sees. (Not per user,
 * because what one user was told, another may hear of by other ways.) A process that is alone knows what it has
 * acknowledged; one of several asks the log for its end, which costs a round trip, and one for all who ask meanwhile.
 */
export class ReadBarrier {
  readonly #positions: Positions;
  readonly #end: (() => Promise<number>) | undefined;
  #acknowledged = -1;
  /** The answer that is under way was asked for too early for whoever comes now: they share the next one. */
  #asked: Promise<number> | undefined;
  #next: Promise<number> | undefined;

  /** @param end the log's last position as of the call; given where other processes write it, too */
  constructor(positions: Positions, end?: () => Promise<number>) {
    this.#positions = positions;
    this.#end = end;
  }

  /** Whether others acknowledge what this process does not hear of at once. */
  get isShared(): boolean {
    return this.#end !== undefined;
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
    const wanted = this.#end === undefined ? this.#acknowledged : await this.#newestEnd(this.#end);
    if (wanted <= this.#positions.processed) return;
    if (await this.#positions.whenProcessed(wanted, timeoutMs)) return;
    throw new ReadModelsBehindError(wanted, this.#positions.processed);
  }

  #newestEnd(end: () => Promise<number>): Promise<number> {
    if (this.#next !== undefined) return this.#next;
    const ask = (): Promise<number> => {
      this.#next = undefined;
      const asked = end().finally(() => {
        if (this.#asked === asked) this.#asked = undefined;
      });
      this.#asked = asked;
      return asked;
    };
    if (this.#asked === undefined) return ask();
    this.#next = this.#asked.then(ask, ask);
    return this.#next;
  }
}
