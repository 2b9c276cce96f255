import { setMaxListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Observable } from 'rxjs';
import { isAborted } from '../runtime/aborted.js';
import { uuid, type Random } from '../runtime/random.js';
import { MAX_APPEND_BYTES, rawBytes, type RawLog, type RawRecord } from './adapter.js';
import { checkRecord, encode, recordText, type RecordText } from './codec.js';
import {
  InvalidRecordError,
  LogClosedError,
  LogUnavailableError,
  RecordTooLargeError,
  WrongRevisionError,
} from './errors.js';
import type {
  Appended,
  DamagedRecord,
  Log,
  NewRecord,
  ReadOptions,
  RecordBatch,
  Retention,
  SealedRange,
} from './log.js';
import { NO_STREAM, START, type Position } from './position.js';
import { AppendedRecords, RecentRecords } from './recent-records.js';
import { RecordReader } from './record-reader.js';
import { recordValidators } from './schemas.js';
import { DestroyedKeyError, seal } from './sealing.js';
import type { SealKeys } from './seal-keys.js';
import { isStreamName } from './stream-name.js';
import { commitId, commitRecord, PAGE_ENVELOPE_BYTES, toPages, writePages } from './staging.js';

/** The largest record, in bytes as stored: one append, less what a page needs around it. */
export const MAX_RECORD_BYTES = MAX_APPEND_BYTES - PAGE_ENVELOPE_BYTES;

/** How long pages that never were committed stay, in seconds. */
const ABANDONED_PAGES_SECONDS = 86_400;

export interface RecordLogOptions {
  readonly keys: SealKeys;
  readonly random: Random;
}

/** The log over a store of bytes: what every adapter has in common. */
export class RecordLog implements Log {
  readonly #raw: RawLog;
  readonly #keys: SealKeys;
  readonly #random: Random;
  readonly #reader: RecordReader;
  readonly #recent: RecentRecords | undefined;
  readonly #appended: AppendedRecords | undefined;
  readonly #validators = recordValidators();
  #closed = false;

  constructor(raw: RawLog, options: RecordLogOptions) {
    this.#raw = raw;
    this.#keys = options.keys;
    this.#random = options.random;
    this.#reader = new RecordReader(raw, options.keys, (stored) => this.#appended?.at(stored));
    if (raw.isCounted === true) this.#recent = new RecentRecords();
    else this.#appended = new AppendedRecords();
  }

  get epoch(): string {
    return this.#raw.epoch;
  }

  get head(): Position {
    return this.#raw.head;
  }

  get heads(): Observable<Position> {
    return this.#raw.heads;
  }

  async end(): Promise<Position> {
    this.#open();
    return this.#raw.end();
  }

  get damaged(): readonly DamagedRecord[] {
    return this.#reader.damaged;
  }

  async append(stream: string, expectedRevision: number, records: readonly NewRecord[]): Promise<Appended> {
    this.#open();
    checkCall(stream, expectedRevision, records);
    for (const record of records) checkRecord(record, this.#validators);
    const first = expectedRevision + 1;
    let raws: RawRecord[];
    try {
      raws = records.map((record, i) => encode(this.#text(record, stream, first + i), stream, first + i));
    } catch (error) {
      throw await this.#conflict(error, stream, expectedRevision);
    }
    let bytes = 0;
    for (const raw of raws) {
      const size = rawBytes(raw);
      if (size > MAX_RECORD_BYTES) throw new RecordTooLargeError(size, MAX_RECORD_BYTES);
      bytes += size;
    }
    if (bytes > MAX_APPEND_BYTES) return this.#stage(stream, expectedRevision, records);
    const appended = await this.#raw.append(stream, expectedRevision, raws);
    (this.#recent ?? this.#appended)?.remember(stream, records, appended, bytes);
    return appended;
  }

  /** What was there already and is forgotten cannot be compared with a repeat of it: the place is taken. */
  async #conflict(error: unknown, stream: string, expectedRevision: number): Promise<unknown> {
    if (!(error instanceof DestroyedKeyError)) return error;
    const actual = await this.#raw.revision(stream);
    return actual === expectedRevision ? error : new WrongRevisionError(stream, expectedRevision, actual);
  }

  /** The record's text, sealed for its place. */
  #text(record: NewRecord, stream: string, revision: number, index?: number): RecordText {
    const place = { stream, revision, ...(index === undefined ? {} : { index }) };
    const { id, type, version, metadata } = record;
    const sealed = seal({ id, type, version, data: { ...record.data } }, place, this.#keys, this.#random);
    return recordText(id, type, version, sealed, metadata);
  }

  /**
   * Writes pages into a stream of their own, then one small record, at one revision of the target stream,
   * that gives them meaning. Pages have a maximal age until just before the commit, so that those of a writer
   * that died are discarded.
   */
  async #stage(stream: string, expectedRevision: number, records: readonly NewRecord[]): Promise<Appended> {
    const revision = expectedRevision + 1;
    const id = commitId(records.map((record) => record.id));
    const metadata = { ...(records[0] as NewRecord).metadata };
    const answer = (commit: Appended): Appended => ({
      revision: commit.revision,
      positions: records.map(() => commit.positions[0] ?? START),
    });
    const actual = await this.#raw.revision(stream);
    if (actual !== expectedRevision) {
      const known = await this.#committed(stream, revision, id);
      if (known !== undefined) return answer({ revision, positions: [known] });
      throw new WrongRevisionError(stream, expectedRevision, actual);
    }
    const staging = `staging-${uuid(this.#random)}`;
    const texts = records.map((record, index) => this.#text(record, stream, revision, index));
    const { pages, commit } = toPages(texts, staging, metadata, () => uuid(this.#random));
    await this.#raw.setRetention(staging, { maxAge: ABANDONED_PAGES_SECONDS });
    const last = await writePages(this.#raw, staging, pages);
    await this.#raw.setRetention(staging, {});
    const discard = (): Promise<void> =>
      // Waste that stays is only waste: what the caller is told matters more.
      this.#raw.setRetention(staging, { truncateBefore: pages.length }).catch(() => undefined);
    try {
      const record = commitRecord(commit, id, stream, revision, metadata);
      const appended = await this.#raw.append(stream, expectedRevision, [record]);
      // The same append came first, with pages of its own.
      if ((appended.positions[0] ?? START) < last) await discard();
      return answer(appended);
    } catch (error) {
      // Unless the commit may have been written, the pages are waste.
      if (!(error instanceof LogUnavailableError && error.outcomeUnknown)) {
        await discard();
      }
      throw error;
    }
  }

  /** Where a commit lies, if it is the record at that revision: the append is a repeat. */
  async #committed(stream: string, revision: number, id: string): Promise<Position | undefined> {
    for await (const batch of this.#raw.readStream(stream, {
      direction: 'forwards',
      from: revision,
      expected: 1,
    })) {
      const [record] = batch.records;
      if (record !== undefined) {
        return record.revision === revision && record.id === id ? record.position : undefined;
      }
    }
    return undefined;
  }

  async *read(stream: string, options: ReadOptions = {}): AsyncGenerator<RecordBatch> {
    this.#open();
    const { from, limit, direction = 'forwards' } = options;
    const expected = checkLimit(limit);
    if (!isStreamName(stream)) return;
    const batches = this.#raw.readStream(stream, {
      direction,
      ...(from === undefined ? {} : { from }),
      ...expected,
    });
    yield* this.#reader.read(batches, direction, limit);
  }

  async revision(stream: string): Promise<number> {
    this.#open();
    if (!isStreamName(stream)) return NO_STREAM;
    return this.#raw.revision(stream);
  }

  async *readAll(options: Parameters<Log['readAll']>[0] = {}): AsyncGenerator<RecordBatch> {
    this.#open();
    const { limit, direction = 'forwards', ...places } = options;
    const batches = this.#raw.readAll({ ...places, direction, ...checkLimit(limit) });
    yield* this.#reader.read(batches, direction, limit);
  }

  async *subscribe(after: Position, signal: AbortSignal): AsyncGenerator<RecordBatch> {
    let position = after;
    while (!signal.aborted) {
      for await (const batch of this.#readOn(position)) {
        position = batch.position;
        yield batch;
        if (isAborted(signal)) return;
      }
      await this.#beyond(position, signal);
      // Those who appended are answered first, and what was written together is read together.
      await nextTurn();
    }
  }

  /** To the end as of now: from memory where all that is new is there. */
  async *#readOn(after: Position): AsyncGenerator<RecordBatch> {
    const { head } = this.#raw;
    for (let records; (records = this.#recent?.after(after, head)) !== undefined;) {
      after = records.at(-1)?.position ?? head;
      yield { records, damaged: [], position: after };
      if (after >= head) return;
    }
    yield* this.readAll({ after });
  }

  /** Until the log's head is beyond a position, the signal aborts, or the log is closed. */
  async #beyond(position: Position, signal: AbortSignal): Promise<void> {
    this.#open();
    await new Promise<void>((resolve) => {
      setMaxListeners(0, signal);
      const finish = (): void => {
        signal.removeEventListener('abort', finish);
        // `heads` may call back before `subscribe` returns.
        queueMicrotask(() => {
          subscription.unsubscribe();
        });
        resolve();
      };
      signal.addEventListener('abort', finish);
      const subscription = this.#raw.heads.subscribe({
        next: (head) => {
          if (head > position) finish();
        },
        complete: finish,
      });
      if (signal.aborted) finish();
    });
  }

  async setRetention(stream: string, retention: Retention): Promise<void> {
    this.#open();
    checkStream(stream);
    const checked: { -readonly [K in keyof Retention]: Retention[K] } = {};
    for (const [name, least] of [
      ['maxAge', 1],
      ['maxCount', 1],
      ['truncateBefore', 0],
    ] as const) {
      const value = retention[name];
      if (value === undefined) continue;
      if (!Number.isSafeInteger(value) || value < least) {
        throw new RangeError(`${name} must be an integer of at least ${least}.`);
      }
      checked[name] = value;
    }
    return this.#raw.setRetention(stream, checked);
  }

  async retention(stream: string): Promise<Retention> {
    this.#open();
    if (!isStreamName(stream)) return {};
    return this.#raw.retention(stream);
  }

  async endEpoch(): Promise<void> {
    this.#open();
    return this.#raw.endEpoch();
  }

  async forget(places: readonly SealedRange[]): Promise<void> {
    this.#open();
    (this.#recent ?? this.#appended)?.clear();
    this.#keys.puncture(places);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#raw.close();
  }

  #open(): void {
    if (this.#closed) throw new LogClosedError();
  }
}

function checkStream(stream: string): void {
  if (!isStreamName(stream)) {
    throw new RangeError(`${JSON.stringify(stream.slice(0, 600))} cannot be the name of a stream.`);
  }
}

function checkCall(stream: string, expectedRevision: number, records: readonly NewRecord[]): void {
  checkStream(stream);
  if (!Number.isSafeInteger(expectedRevision) || expectedRevision < -1) {
    throw new RangeError('The expected revision must be NO_STREAM or a revision.');
  }
  const [first] = records;
  if (first === undefined) throw new RangeError('There is nothing to append.');
  if (new Set(records.map((record) => record.id)).size < records.length) {
    throw new InvalidRecordError(first.type, 'two records of one append have the same ID');
  }
}

function checkLimit(limit: number | undefined): { readonly expected?: number } {
  if (limit === undefined) return {};
  if (!Number.isSafeInteger(limit) || limit < 1)
    throw new RangeError('A limit must be an integer of at least 1.');
  return { expected: limit };
}
