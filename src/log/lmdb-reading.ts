import type { RawBatch, RawReadOptions, RawStored } from './adapter.js';
import type { DamagedRecord } from './log.js';
import {
  decodeFrame,
  expired,
  firstVisible,
  placeKey,
  positionKey,
  readPosition,
  revisionOf,
  type StreamState,
} from './lmdb-format.js';
import type { LmdbStore } from './lmdb-store.js';
import { START, type Position } from './position.js';

const BATCH_RECORDS = 500;
const BATCH_BYTES = 1_048_576;

/** Beyond every position: 6 bytes hold 2^48. */
const LAST_POSITION = 2 ** 48 - 1;
const LAST_REVISION = 2 ** 32 - 1;

interface Batch {
  readonly records: RawStored[];
  readonly damaged: DamagedRecord[];
  bytes: number;
}

function emptyBatch(): Batch {
  return { records: [], damaged: [], bytes: 0 };
}

function full({ records, damaged, bytes }: Batch, size: number): boolean {
  return records.length + damaged.length >= size || bytes >= BATCH_BYTES;
}

const HEAD = Buffer.from('head');

/** The position of the last record as it is stored now. */
export function readHead({ meta }: LmdbStore): Position {
  const head = meta.getBinary(HEAD);
  // 0 where only retention was written.
  return (head === undefined ? 0 : readPosition(head)) || START;
}

/** The streams whose retention was ever set, some at a time. */
export async function* readRetained(open: () => LmdbStore): AsyncGenerator<string> {
  let last: Buffer | undefined;
  for (;;) {
    const range = last === undefined ? {} : { start: last };
    const names = [...open().retained.getKeys({ ...range, limit: BATCH_RECORDS })].map((key) =>
      Buffer.from(key),
    );
    for (const name of names) if (last?.equals(name) !== true) yield name.toString();
    if (names.length < BATCH_RECORDS) return;
    last = names.at(-1);
  }
}

/**
 * The whole log, a batch at a time. Each batch is one short range read, so no reader holds an old snapshot (and
 * with it LMDB's free pages) while its consumer works.
 */
export async function* readRecords(
  open: () => LmdbStore,
  head: Position,
  options: RawReadOptions & { readonly after?: Position; readonly before?: Position },
): AsyncGenerator<RawBatch> {
  const forwards = options.direction === 'forwards';
  const size = Math.min(BATCH_RECORDS, options.expected ?? BATCH_RECORDS);
  const low = Math.max(1, (options.after ?? START) + 1);
  const high = Math.min(head, (options.before ?? LAST_POSITION) - 1, LAST_POSITION);
  let [from, to] = [low, high];
  while (from <= to) {
    const batch = emptyBatch();
    // LMDB's range includes its start and excludes its end.
    const range = forwards
      ? { start: positionKey(from), end: positionKey(to + 1) }
      : { start: positionKey(to), end: positionKey(from - 1), reverse: true };
    let position: Position | undefined;
    for (const { key, value } of open().records.getRange(range)) {
      position = readPosition(key);
      if (position < from || position > to) break;
      collect(batch, value, position, undefined, undefined);
      if (full(batch, size)) break;
    }
    const done = position === undefined || !full(batch, size);
    if (done) position = forwards ? to : from;
    if (position === undefined) return;
    if (!done || forwards || batch.records.length + batch.damaged.length > 0) yield { ...batch, position };
    if (done) return;
    if (forwards) from = position + 1;
    else to = position - 1;
  }
}

/** One stream, a batch at a time, as its retention shows it now. */
export async function* readStreamRecords(
  stream: string,
  options: RawReadOptions & { readonly from?: number },
  log: { open(): LmdbStore; state(): StreamState | undefined; now(): number },
): AsyncGenerator<RawBatch> {
  const forwards = options.direction === 'forwards';
  const size = Math.min(BATCH_RECORDS, options.expected ?? BATCH_RECORDS);
  let next = Math.min(options.from ?? (forwards ? 0 : LAST_REVISION), LAST_REVISION);
  for (;;) {
    // Read again for each batch: records may have been appended or scavenged meanwhile.
    const state = log.state();
    if (state === undefined) return;
    const [low, high] = [firstVisible(state), state.revision];
    if (forwards ? Math.max(next, low) > high : next < low) return;
    const start = forwards ? Math.max(next, low) : Math.min(next, high);
    if (start < low) return;
    const store = log.open();
    const batch = emptyBatch();
    const range = forwards
      ? { start: placeKey(state.number, start), end: placeKey(state.number + 1, 0) }
      : {
          start: placeKey(state.number, start),
          end: placeKey(state.number - 1, LAST_REVISION),
          reverse: true,
        };
    const now = log.now();
    let revision: number | undefined;
    let position = START;
    let visited = 0;
    for (const { key, value } of store.places.getRange(range)) {
      if (revisionOf(key) < low || revisionOf(key) > high) break;
      revision = revisionOf(key);
      position = readPosition(value);
      const bytes = store.records.getBinary(positionKey(position));
      collect(batch, bytes, position, stream, revision, (writtenAt) => expired(state, writtenAt, now));
      if (full(batch, size) || ++visited >= BATCH_RECORDS) break;
    }
    if (revision === undefined) return;
    if (batch.records.length + batch.damaged.length > 0) {
      yield { records: batch.records, damaged: batch.damaged, position };
    }
    next = forwards ? revision + 1 : revision - 1;
  }
}

/** Takes a stored value apart into the batch. The index knows stream and revision better than a damaged record. */
function collect(
  batch: Batch,
  value: Buffer | undefined,
  position: Position,
  stream: string | undefined,
  revision: number | undefined,
  skip: (writtenAt: number) => boolean = () => false,
): void {
  const frame = value === undefined ? 'It is missing.' : decodeFrame(value, position);
  if (typeof frame === 'string') {
    batch.damaged.push({ position, stream, revision, reason: frame });
    return;
  }
  if (skip(frame.writtenAt)) return;
  batch.bytes += value?.byteLength ?? 0;
  batch.records.push({ ...frame, stream: stream ?? frame.stream, revision: revision ?? frame.revision });
}
