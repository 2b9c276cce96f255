import type { RawBatch, RawLog, RawStored } from '../adapter.js';
import { PLACEHOLDER } from '../placeholder.js';
import type { Position } from '../position.js';
import { findAll, isForeign } from './finding.js';

/** Records that are read ahead at most, before those that are asked for are looked up one by one. */
const MOST_AHEAD = 4_000;

/**
 * Finds records in a copy while both logs are read from their beginnings: the copy has nearly the same order, so that
 * what is asked for next is among what comes next. The rest is looked up by stream and revision.
 */
export class Lookahead {
  readonly #log: RawLog;
  readonly #batches: AsyncIterator<RawBatch, unknown>;
  readonly #ahead = new Map<string, RawStored>();
  #ended = false;

  /** @param after where to begin, in the copy */
  constructor(log: RawLog, after: Position) {
    this.#log = log;
    this.#batches = log.readAll({ direction: 'forwards', after })[Symbol.asyncIterator]();
  }

  /** As `findAll`. */
  async findAll(records: readonly RawStored[]): Promise<ReadonlyMap<RawStored, RawStored>> {
    const found = new Map<RawStored, RawStored>();
    const rest: RawStored[] = [];
    for (const record of records) {
      const key = keyOf(record);
      while (!this.#ahead.has(key) && (await this.#readOn()));
      const there = this.#ahead.get(key);
      if (there === undefined) rest.push(record);
      else found.set(record, there);
      this.#ahead.delete(key);
    }
    for (const [record, there] of await findAll(this.#log, rest)) found.set(record, there);
    this.#drop();
    return found;
  }

  async close(): Promise<void> {
    this.#ended = true;
    await this.#batches.return?.();
  }

  async #readOn(): Promise<boolean> {
    if (this.#ended || this.#ahead.size >= MOST_AHEAD) return false;
    const step = await this.#batches.next();
    this.#ended = step.done === true;
    if (step.done === true) return false;
    for (const record of step.value.records) {
      if (!isForeign(record) && record.type !== PLACEHOLDER) this.#ahead.set(keyOf(record), record);
    }
    return true;
  }

  /** What nobody asked for in time nobody will: it makes room for what comes. */
  #drop(): void {
    let surplus = this.#ahead.size - MOST_AHEAD / 2;
    for (const key of this.#ahead.keys()) {
      if (surplus-- <= 0) break;
      this.#ahead.delete(key);
    }
  }
}

function keyOf({ stream, revision }: RawStored): string {
  return `${revision} ${stream}`;
}
