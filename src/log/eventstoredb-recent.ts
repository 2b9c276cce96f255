import type { RawBatch, RawRecord, RawStored } from './adapter.js';
import { Batch, weightOf } from './eventstoredb-batch.js';
import { START, type Position } from './position.js';

/** How many of the newest records are kept, and how many bytes. */
const MOST_RECORDS = 5_000;
const MOST_BYTES = 8 * 1_048_576;

/**
 * The newest records of the log, without a gap, as a subscription delivers them: who follows the log is served from
 * here, and a writer finds the positions of what it has written.
 */
export class RecentRecords {
  #records: RawStored[] = [];
  #bytes = 0;
  /** Every record after `#from`, up to `#position`, is here. */
  #from: Position = START;
  #position: Position = START;

  /** Everything up to here was seen. */
  get position(): Position {
    return this.#position;
  }

  /** Goes on from a position; where that is ahead, records in between were missed. */
  resume(position: Position): void {
    if (position === this.#position) return;
    this.#records = [];
    this.#bytes = 0;
    this.#from = position;
    this.#position = position;
  }

  add(record: RawStored): void {
    this.#records.push(record);
    this.#bytes += weightOf(record);
    this.#position = record.position;
    if (this.#records.length > MOST_RECORDS || this.#bytes > MOST_BYTES) this.#drop();
  }

  /** Nothing of ours lies between the last record and this position. */
  passed(position: Position): void {
    this.#position = Math.max(this.#position, position);
  }

  /** Whether all records after a position are here. */
  covers(after: Position): boolean {
    return after >= this.#from;
  }

  /** The next records after a position that is covered, up to another one that was seen. */
  batch(after: Position, to: Position, size: number): RawBatch {
    const batch = new Batch(size);
    for (let i = this.#firstAfter(after); i < this.#records.length; i++) {
      const record = this.#records[i];
      if (record === undefined || record.position > to) break;
      batch.take(record);
      if (batch.full) return batch.finish(record.position);
    }
    return batch.finish(to);
  }

  /** Where these records lie, if they are those of the stream from a revision on and all are here. */
  positionsOf(stream: string, first: number, records: readonly RawRecord[]): Position[] | undefined {
    const positions: Position[] = [];
    for (let i = this.#records.length - 1; i >= 0 && positions.length < records.length; i--) {
      const found = this.#records[i];
      if (found?.stream !== stream) continue;
      const nth = records.length - 1 - positions.length;
      if (found.revision > first + nth) continue;
      if (found.id !== records[nth]?.id) return undefined;
      positions.push(found.position);
    }
    return positions.length === records.length ? positions.reverse() : undefined;
  }

  #firstAfter(position: Position): number {
    let [low, high] = [0, this.#records.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#records[middle]?.position ?? Infinity) > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The older half, so that it costs little per record. */
  #drop(): void {
    const dropped = this.#records.slice(0, Math.ceil(this.#records.length / 2));
    this.#records = this.#records.slice(dropped.length);
    this.#from = dropped.at(-1)?.position ?? this.#from;
    for (const record of dropped) this.#bytes -= weightOf(record);
  }
}
