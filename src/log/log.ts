import type { Observable } from 'rxjs';
import type { Position } from './position.js';
import type { RecordBody } from './records.js';

/** Who and what caused a record. */
export interface RecordMetadata {
  /** The request's ID, which goes through all that it causes. */
  readonly correlation_id: string;
  /** The record that this one follows from, where there is one. */
  readonly causation_id?: string;
  /** The server that it came from, where that was not us. */
  readonly origin?: string;
  /** When we received or decided it, milliseconds since the epoch, by our clock. */
  readonly received_at: number;
}

/** A record on its way into the log. The ID, a UUID in lower case, makes a repeated append harmless. */
export type NewRecord = RecordBody & { readonly id: string; readonly metadata: RecordMetadata };

/** A record as the log has it, lifted to the newest version of its type. */
export type LoggedRecord<B extends RecordBody = RecordBody> = B & {
  readonly id: string;
  readonly metadata: RecordMetadata;
  readonly stream: string;
  readonly revision: number;
  readonly position: Position;
  /** 0, or the record's place among those that one commit brought in: they share revision and position. */
  readonly index: number;
  /** Whether sealed fields are missing because their key was destroyed. */
  readonly forgotten: boolean;
};

/** A record that could not be read: quarantined, counted, and left out. */
export interface DamagedRecord {
  readonly position: Position;
  readonly stream: string | undefined;
  readonly revision: number | undefined;
  readonly reason: string;
}

/** What a reader gets at once. All records of one commit are in one batch. */
export interface RecordBatch {
  readonly records: readonly LoggedRecord[];
  readonly damaged: readonly DamagedRecord[];
  /** Everything up to here has been delivered: the reader's checkpoint once it has dealt with this batch. */
  readonly position: Position;
}

export interface Appended {
  /** Of the last record. */
  readonly revision: number;
  /** Of each record, in order. */
  readonly positions: readonly Position[];
}

export interface Retention {
  /** Seconds. */
  readonly maxAge?: number;
  /** Records; at least 1. */
  readonly maxCount?: number;
  /** Records of a lower revision are gone. */
  readonly truncateBefore?: number;
}

/** Where sealed content lies: revisions of a stream, inclusive. */
export interface SealedRange {
  readonly stream: string;
  readonly from: number;
  readonly to: number;
  /** One of the records that a commit brought in at revision `from`; else all that are there. */
  readonly index?: number;
}

export interface ReadOptions {
  /** The first revision to be read; by default the stream's first, or its last when reading backwards. */
  readonly from?: number;
  readonly direction?: 'forwards' | 'backwards';
  /** How many records at most; by default all. The records of one commit stay together, even beyond the limit. */
  readonly limit?: number;
}

/**
 * The log: every durable fact, in order. Reading never shows a record that is not on disk, and an append is
 * answered only when its records are.
 *
 * Errors of every method: `LogUnavailableError` (try again later), `LogClosedError`.
 */
export interface Log {
  /** Names this history; a restored, copied or truncated log has another one. */
  readonly epoch: string;

  /**
   * Appends all records or none, durably. `expectedRevision` is the revision of the stream's last record, or
   * NO_STREAM. Larger than one append may be, records are staged in pages and take effect by one commit.
   * The same records (by ID) appended again at the same revision are written once and answered alike.
   *
   * @throws WrongRevisionError carrying the actual revision; RecordTooLargeError when a single record exceeds
   *   the limit of an append; InvalidRecordError when data does not fit its schema; LogUnavailableError, with
   *   `outcomeUnknown` when the records may have been written.
   */
  append(stream: string, expectedRevision: number, records: readonly NewRecord[]): Promise<Appended>;

  /** Reads one stream. A stream that does not exist, or a revision past its end, gives nothing. */
  read(stream: string, options?: ReadOptions): AsyncIterable<RecordBatch>;

  /** The revision of the stream's last record, or NO_STREAM. */
  revision(stream: string): Promise<number>;

  /** Reads the whole log after (forwards) or before (backwards) a position, to its end as of now. */
  readAll(options?: {
    readonly after?: Position;
    readonly before?: Position;
    readonly direction?: 'forwards' | 'backwards';
    readonly limit?: number;
  }): AsyncIterable<RecordBatch>;

  /**
   * Catches up from after a position and goes on live, without gap or double, until the signal aborts. Pulled:
   * the next batch is read when the consumer asks for it.
   */
  subscribe(after: Position, signal: AbortSignal): AsyncIterable<RecordBatch>;

  /** The position of the last durable record, as far as this process knows. */
  readonly head: Position;
  /** `head` now and whenever it moves. */
  readonly heads: Observable<Position>;

  /**
   * The position of the last durable record, asked of the store itself: whatever any process was answered for before
   * this call lies at or before it. Costs a round trip where the store is remote.
   */
  end(): Promise<Position>;

  setRetention(stream: string, retention: Retention): Promise<void>;
  retention(stream: string): Promise<Retention>;

  /** Ends the epoch: whoever opens the log next begins another. */
  endEpoch(): Promise<void>;

  /**
   * Destroys the keys of what is sealed at these places, in the key file of this process, durably: from then on it
   * reads as forgotten, for this process and every later one. Done again, it changes nothing.
   */
  forget(places: readonly SealedRange[]): Promise<void>;

  /** Records found damaged since the log was opened. */
  readonly damaged: readonly DamagedRecord[];

  /** Flushes, then refuses everything. */
  close(): Promise<void>;
}
