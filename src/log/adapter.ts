import type { Observable } from 'rxjs';
import type { Appended, DamagedRecord, Retention } from './log.js';
import type { Position } from './position.js';

/** What one append may weigh, in bytes, on every adapter: EventStoreDB's default. */
export const MAX_APPEND_BYTES = 1_048_576;

/** A record as bytes, on its way in. */
export interface RawRecord {
  /** A UUID in lower case. */
  readonly id: string;
  readonly type: string;
  /** JSON text. */
  readonly data: Uint8Array;
  /** JSON text. */
  readonly metadata: Uint8Array;
}

/** A record as bytes, where it is stored. */
export interface RawStored extends RawRecord {
  readonly stream: string;
  readonly revision: number;
  readonly position: Position;
}

/** What one step of reading gives: at most about 500 records or 1 MiB. */
export interface RawBatch {
  readonly records: readonly RawStored[];
  /** Records that the adapter itself could not take apart. */
  readonly damaged: readonly DamagedRecord[];
  /** Everything up to here has been looked at. */
  readonly position: Position;
}

export interface RawReadOptions {
  readonly direction: 'forwards' | 'backwards';
  /** How many records the reader expects to need: a hint for the size of batches, not a limit. */
  readonly expected?: number;
}

/**
 * The narrow port that a store of bytes implements, exactly what EventStoreDB can do. `RecordLog` makes the log
 * of it: validation, sealing, checksums, limits, staging. Errors are those of `Log`.
 */
export interface RawLog {
  readonly epoch: string;
  readonly head: Position;
  readonly heads: Observable<Position>;

  /** Whether positions count records, one by one, and nobody but this process appends. */
  readonly isCounted?: boolean;

  /** The position of the last durable record, asked of the store itself: what any process has appended before the call counts. */
  end(): Promise<Position>;

  /**
   * How many appends may be under way at once, and are written in the order in which they were begun: where one of
   * them fails, so do those after it.
   */
  readonly appendsInOrder: number;

  /**
   * Appends all records or none, and answers when they are on disk. The caller keeps to MAX_APPEND_BYTES by
   * `rawBytes`. A repeat of all of the records that follow `expectedRevision` in the stream (by ID) is
   * answered as the first time; any other mismatch is a WrongRevisionError.
   */
  append(stream: string, expectedRevision: number, records: readonly RawRecord[]): Promise<Appended>;

  /** The revision of the stream's last record, whether retention still shows it or not, or NO_STREAM. */
  revision(stream: string): Promise<number>;

  /** From a revision, inclusive; by default from the stream's first, or last when backwards. */
  readStream(stream: string, options: RawReadOptions & { readonly from?: number }): AsyncIterable<RawBatch>;

  /**
   * After (forwards) or before (backwards) a position, both exclusive. Forwards, the last batch ends at `head` as
   * it was at the start, even where the records there are gone: a reader always gets on.
   */
  readAll(
    options: RawReadOptions & { readonly after?: Position; readonly before?: Position },
  ): AsyncIterable<RawBatch>;

  /** Replaces the stream's retention. */
  setRetention(stream: string, retention: Retention): Promise<void>;
  retention(stream: string): Promise<Retention>;
  /** The streams whose retention was ever set, in no order: among them is every stream that has lost a record by it. */
  retained(): AsyncIterable<string>;

  /**
   * Ends the epoch: whoever opens this log next begins another. For a copy, and for a log that was restored: what is
   * appended to it from now on is another history than the one that positions so far speak of.
   */
  endEpoch(): Promise<void>;

  close(): Promise<void>;
}

/** Told about each group of appends that was flushed. Durations in milliseconds. */
export interface AppendObserver {
  appended(records: number, bytes: number, appendMs: number, flushMs: number): void;
}

/** What a record weighs in an append: its bytes, its type twice over (UTF-16), and a little for its envelope. */
export function rawBytes(record: RawRecord): number {
  return record.data.byteLength + record.metadata.byteLength + 2 * record.type.length + 64;
}
