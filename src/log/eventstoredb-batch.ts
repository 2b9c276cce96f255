import type { RawBatch, RawStored } from './adapter.js';
import type { Position } from './position.js';

const BATCH_RECORDS = 500;
const BATCH_BYTES = 1_048_576;
/** What an event is taken to weigh whose size cannot be told: the driver has parsed its JSON. */
const PARSED_BYTES = 16_384;

/** How many records a batch of a read has at most. */
export function batchSize(expected: number | undefined): number {
  return Math.min(BATCH_RECORDS, expected ?? BATCH_RECORDS);
}

/** Bytes of data: metadata is small. */
export function weightOf({ data }: { readonly data: unknown }): number {
  return data instanceof Uint8Array ? data.byteLength : PARSED_BYTES;
}

/** Says with which of the events that it is asked about, one by one, there is enough for a batch. */
export function enoughForBatch(): (event: { readonly data: unknown }) => boolean {
  let bytes = 0;
  return (event) => (bytes += weightOf(event)) >= BATCH_BYTES;
}

/** A batch that fills. */
export class Batch {
  readonly #records: RawStored[] = [];
  readonly #size: number;
  readonly #enough = enoughForBatch();
  #full = false;

  constructor(size: number) {
    this.#size = size;
  }

  get empty(): boolean {
    return this.#records.length === 0;
  }

  get full(): boolean {
    return this.#full;
  }

  /** Takes a record, if it is one. */
  take(record: RawStored | undefined): void {
    if (record === undefined) return;
    this.#records.push(record);
    this.#full = this.#enough(record) || this.#records.length >= this.#size;
  }

  finish(position: Position): RawBatch {
    return { records: this.#records, damaged: [], position };
  }
}
