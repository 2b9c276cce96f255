import { setImmediate as nextTurn } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { BehaviorSubject } from 'rxjs';
import type { Clock } from '../runtime/clock.js';
import type { AppendObserver, RawRecord } from './adapter.js';
import { LogClosedError, LogUnavailableError, WrongRevisionError } from './errors.js';
import {
  decodeFrame,
  decodeState,
  encodeFrame,
  encodeState,
  expired,
  firstVisible,
  placeKey,
  positionKey,
  readPosition,
  type StreamState,
} from './lmdb-format.js';
import type { Commits } from './lmdb-commits.js';
import { Group, newStream, put } from './lmdb-group.js';
import type { Change, OverlaidTable } from './lmdb-overlay.js';
import type { LmdbStore } from './lmdb-store.js';
import type { Appended, Retention } from './log.js';
import { NO_STREAM, type Position } from './position.js';

/** How much one transaction takes, in bytes: beyond it, waiting appends go into the next. */
const MAX_GROUP_BYTES = 16 * 1_048_576;
const CACHED_STREAMS = 10_000;
/** Pages that are written for a value, its path in the tree included, against its bytes: at most, where values are large. */
const WRITTEN_PER_BYTE = 2;
/** For so many records appended, up to twice as many hidden ones are scavenged. */
const SCAVENGE_EVERY = 256;

/** What waits to be written. `decide` looks at the state before it, adds its changes to the group, or throws. */
interface Work {
  decide(group: Group): void;
  readonly bytes: number;
  settle(error?: Error): void;
}

interface Decided {
  readonly work: Work;
  readonly refusal: Error | undefined;
}

const HEAD = Buffer.from('head');
const STREAMS = Buffer.from('streams');

/**
 * The one writer of an embedded log. Appends that arrive while a transaction is being flushed wait and go
 * into the next one together (group commit). Since there is one writer, and one transaction at a time, the
 * expected revision is checked against the state that the transaction begins from, plus what the group has
 * decided before: the same as inside it. A group is written whole or not at all.
 */
export class LmdbWriter {
  readonly #store: LmdbStore;
  readonly #commits: Commits;
  readonly #heads: BehaviorSubject<Position>;
  readonly #clock: Clock;
  readonly #observer: AppendObserver | undefined;
  readonly #states = new LRUCache<string, StreamState>({ max: CACHED_STREAMS });
  #queue: Work[] = [];
  #draining: Promise<void> | undefined;
  #closed = false;
  #lastStream: number;
  #scavengeDebt = 0;
  #scavengedTo: Buffer | undefined;

  constructor(
    store: LmdbStore,
    commits: Commits,
    heads: BehaviorSubject<Position>,
    clock: Clock,
    observer?: AppendObserver,
  ) {
    this.#store = store;
    this.#heads = heads;
    this.#clock = clock;
    this.#observer = observer;
    this.#commits = commits;
    const last = store.meta.getBinary(STREAMS);
    this.#lastStream = last === undefined ? 0 : readPosition(last);
  }

  /** Resolves when the records are on disk. */
  async append(stream: string, expected: number, records: readonly RawRecord[]): Promise<Appended> {
    let appended: Appended | undefined;
    let bytes = 0;
    for (const { data, metadata } of records) bytes += data.byteLength + metadata.byteLength;
    await this.#enqueue(bytes, (group) => {
      appended = this.#decide(group, stream, expected, records, bytes);
    });
    if (appended === undefined) throw new Error('An append was settled without being decided.');
    return appended;
  }

  async setRetention(stream: string, retention: Retention): Promise<void> {
    await this.#enqueue(0, (group) => {
      const state = this.#state(group, stream) ?? newStream(group);
      put(group, this.#store.retained, Buffer.from(stream), Buffer.alloc(0));
      this.#putState(group, stream, { ...state, retention: { ...retention } });
    });
  }

  /** Removes up to `limit` records that retention hides. */
  async scavenge(limit: number): Promise<number> {
    let removed = 0;
    await this.#enqueue(0, (group) => {
      removed = this.#sweep(group, limit);
    });
    return removed;
  }

  /** Refuses everything from now on, and resolves when what was accepted is on disk. */
  async finish(): Promise<void> {
    this.#closed = true;
    await this.#draining;
    await this.#commits.finish();
  }

  async #enqueue(bytes: number, decide: (group: Group) => void): Promise<void> {
    if (this.#closed) throw new LogClosedError();
    await new Promise<void>((resolve, reject) => {
      const settle = (error?: Error): void => {
        if (error === undefined) resolve();
        else reject(error);
      };
      this.#queue.push({ bytes, decide, settle });
      this.#draining ??= this.#drain();
    });
  }

  async #drain(): Promise<void> {
    // Appends of the same turn of the event loop go into one group.
    await nextTurn();
    while (this.#queue.length > 0) {
      const started = this.#clock.monotonic();
      const group = new Group(this.#heads.value, this.#lastStream);
      const decided = this.#take(group);
      let failure: Error | undefined;
      try {
        if (group.changes.length > 0 || group.states.size > 0) await this.#write(group, started);
      } catch (error) {
        failure = asError(error);
      }
      for (const { work, refusal } of decided) work.settle(refusal ?? failure);
    }
    this.#draining = undefined;
  }

  /**
   * Decides waiting work until the group is full. Who is refused changes nothing, and is told when the group is
   * written: what the refusal speaks of can be read only then.
   */
  #take(group: Group): Decided[] {
    const decided: Decided[] = [];
    let bytes = 0;
    for (const work of this.#queue) {
      if (bytes > 0 && bytes + work.bytes > MAX_GROUP_BYTES) break;
      try {
        work.decide(group);
        bytes += work.bytes;
        decided.push({ work, refusal: undefined });
      } catch (error) {
        decided.push({ work, refusal: asError(error) });
      }
    }
    this.#queue = this.#queue.slice(decided.length);
    this.#scavengeDebt += group.records;
    if (this.#scavengeDebt >= SCAVENGE_EVERY) {
      this.#sweep(group, 2 * this.#scavengeDebt);
      this.#scavengeDebt = 0;
    }
    return decided;
  }

  #decide(
    group: Group,
    stream: string,
    expected: number,
    records: readonly RawRecord[],
    bytes: number,
  ): Appended {
    const known = this.#state(group, stream);
    const actual = known?.revision ?? NO_STREAM;
    if (actual !== expected) {
      const positions = known === undefined ? undefined : this.#repeated(group, known, expected, records);
      if (positions === undefined) throw new WrongRevisionError(stream, expected, actual);
      return { revision: expected + records.length, positions };
    }
    const state = known ?? newStream(group);
    const now = Math.max(0, Math.floor(this.#clock.now()));
    const positions = records.map((record, i) => {
      const position = Math.max(group.head, 0) + 1;
      group.head = position;
      const key = positionKey(position);
      const revision = expected + 1 + i;
      put(group, this.#store.records, key, encodeFrame(record, stream, revision, position, now));
      put(group, this.#store.places, placeKey(state.number, revision), key);
      return position;
    });
    group.records += records.length;
    group.bytes += bytes;
    this.#putState(group, stream, { ...state, revision: expected + records.length });
    return { revision: expected + records.length, positions };
  }

  /** The positions of these records, if it is they, by ID, that follow the expected revision already. */
  #repeated(
    group: Group,
    state: StreamState,
    expected: number,
    records: readonly RawRecord[],
  ): Position[] | undefined {
    if (expected + records.length > state.revision) return undefined;
    const positions: Position[] = [];
    for (const [i, { id }] of records.entries()) {
      const place = this.#get(group, this.#store.places, placeKey(state.number, expected + 1 + i));
      const position = place === undefined ? undefined : readPosition(place);
      const bytes = place === undefined ? undefined : this.#get(group, this.#store.records, place);
      const frame = position === undefined || bytes === undefined ? '' : decodeFrame(bytes, position);
      if (typeof frame === 'string' || frame.id !== id) return undefined;
      positions.push(frame.position);
    }
    return positions;
  }

  /** What is stored, or will be by this group. A search through the group, for the rare repeat within one. */
  #get(group: Group, table: OverlaidTable, key: Buffer): Buffer | undefined {
    const change = group.changes.findLast((one) => one.table === table && one.key.equals(key));
    return change === undefined ? table.getBinary(key) : change.value;
  }

  #state(group: Group, stream: string): StreamState | undefined {
    return group.states.get(stream) ?? this.#stored(stream);
  }

  #stored(stream: string): StreamState | undefined {
    const known = this.#states.get(stream);
    if (known !== undefined) return known;
    const bytes = this.#store.streams.getBinary(Buffer.from(stream));
    return bytes === undefined ? undefined : decodeState(stream, bytes);
  }

  #putState(group: Group, stream: string, state: StreamState): void {
    group.states.set(stream, state);
  }

  async #write(group: Group, started: number): Promise<void> {
    for (const [stream, state] of group.states) {
      put(group, this.#store.streams, Buffer.from(stream), encodeState(stream, state));
    }
    put(group, this.#store.meta, HEAD, positionKey(Math.max(group.head, 0)));
    put(group, this.#store.meta, STREAMS, positionKey(group.lastStream));
    this.#refuseInNeed(group.changes);
    const flushing = this.#clock.monotonic();
    await this.#commits.commit(group.changes);
    this.#lastStream = group.lastStream;
    for (const [stream, state] of group.states) this.#states.set(stream, state);
    const done = this.#clock.monotonic();
    if (group.records > 0) {
      this.#observer?.appended(group.records, group.bytes, done - started, done - flushing);
      this.#heads.next(group.head);
    }
  }

  /** A write that fails within LMDB is for the process to survive by luck: what can be known before is refused before. */
  #refuseInNeed(changes: readonly Change[]): void {
    let bytes = 0;
    for (const { value } of changes) bytes += value?.byteLength ?? 0;
    const objection = this.#store.disk.objection(WRITTEN_PER_BYTE * bytes);
    if (objection !== undefined) throw new LogUnavailableError(objection, { outcomeUnknown: false });
  }

  /** Visits streams with retention, in turn, removing what is hidden at their start. Cost is bounded by `limit`. */
  #sweep(group: Group, limit: number): number {
    let removed = 0;
    let visited = 0;
    const now = this.#clock.now();
    const start = this.#scavengedTo;
    for (const key of this.#store.retained.getKeys(start === undefined ? {} : { start })) {
      if (removed >= limit || visited++ >= limit) {
        this.#scavengedTo = Buffer.from(key);
        return removed;
      }
      removed += this.#sweepStream(group, key.toString(), now, limit - removed);
    }
    this.#scavengedTo = undefined;
    return removed;
  }

  #sweepStream(group: Group, stream: string, now: number, limit: number): number {
    const state = this.#state(group, stream);
    if (state === undefined) return 0;
    const { number, retention } = state;
    // What this group writes itself is left for later: it is not stored yet.
    const revision = this.#stored(stream)?.revision ?? NO_STREAM;
    let { first } = state;
    const visible = firstVisible(state);
    const from = first;
    while (first <= revision && first - from < limit) {
      const place = this.#store.places.getBinary(placeKey(number, first));
      if (place !== undefined) {
        if (first >= visible) {
          if (retention.maxAge === undefined) break;
          const bytes = this.#store.records.getBinary(place);
          const frame = bytes === undefined ? '' : decodeFrame(bytes, readPosition(place));
          if (typeof frame !== 'string' && !expired(state, frame.writtenAt, now)) break;
        }
        put(group, this.#store.records, place, undefined);
        put(group, this.#store.places, placeKey(number, first), undefined);
      }
      first++;
    }
    if (first > from) this.#putState(group, stream, { ...state, first });
    return first - from;
  }
}

function asError(error: unknown): Error {
  return error instanceof Error
    ? error
    : new Error('Something else than an error was thrown.', { cause: error });
}
