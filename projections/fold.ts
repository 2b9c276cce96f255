import type { LoggedRecord, RecordBatch } from '../src/log/log.js';
import type { RecordType } from '../src/log/records.js';
import { START, type Position } from '../src/log/position.js';
import { CheckpointConflictError } from '../src/read-models/errors.js';
import type { DocumentWrite, ReadStore } from '../src/read-models/store.js';
import { systemClock } from '../src/runtime/clock.js';
import { Courtesy } from '../src/runtime/courtesy.js';
import { DocumentOverlay } from './documents.js';
import type { Projection } from './projection.js';
import { quarantined, quarantineOf } from './quarantine.js';

/** Records to fold, and how far one has come with them; records that share a position are never parted. */
export type Slice = Pick<RecordBatch, 'records' | 'position'>;

/** Told of each record that a projection could not fold, once its quarantine is written. */
export type OnQuarantined = (projection: Projection, record: LoggedRecord, error: unknown) => void;

/** A projection on its way through the log. */
export class Lane {
  readonly projection: Projection;
  readonly handles: ReadonlySet<RecordType>;
  /** Where its checkpoint is. */
  position: Position;
  /** Records quarantined since the lane was made. */
  quarantined = 0;

  constructor(projection: Projection, position: Position) {
    this.projection = projection;
    this.handles = new Set(projection.handles);
    this.position = position;
  }
}

/**
 * Folds records through every lane that has not seen them, and writes all documents and checkpoints at once. A
 * record that a projection throws on changes nothing but its quarantine.
 *
 * @throws ReadStoreUnavailableError: the outcome is unknown, `relocate` the lanes and fold again;
 *   CheckpointConflictError.
 */
export async function fold(
  store: ReadStore,
  epoch: string,
  lanes: readonly Lane[],
  slice: Slice,
  onQuarantined: OnQuarantined,
): Promise<void> {
  const behind = lanes.filter((lane) => lane.position < slice.position);
  if (behind.length === 0) return;
  const courtesy = new Courtesy(systemClock);
  const folded = await Promise.all(behind.map((lane) => foldLane(store, lane, slice.records, courtesy)));
  const writes = folded.flatMap((one) => one.writes);
  const checkpoints = behind.map((lane) => {
    const { name: projection, version } = lane.projection;
    return { next: { projection, version, position: slice.position, epoch }, expected: lane.position };
  });
  await store.write(writes, checkpoints);
  for (const lane of behind) lane.position = slice.position;
  for (const { lane, failures } of folded) {
    lane.quarantined += failures.length;
    for (const { record, error } of failures) onQuarantined(lane.projection, record, error);
  }
}

/** Puts lanes where their checkpoints are after a write whose outcome is unknown: where it began, or where it led. */
export async function relocate(store: ReadStore, lanes: readonly Lane[], led: Position): Promise<void> {
  for (const lane of lanes) {
    const { name, version } = lane.projection;
    const actual = (await store.checkpoint(name, version))?.position ?? START;
    if (actual !== lane.position && actual !== led)
      throw new CheckpointConflictError(name, lane.position, actual);
    lane.position = actual;
  }
}

/** A batch in slices of at most so many records, more only where one commit brought in more. */
export function* slices(batch: RecordBatch, size: number): Generator<Slice> {
  const { records } = batch;
  let start = 0;
  for (let end = size; end < records.length; end++) {
    const last = records[end - 1];
    if (last === undefined || end - start < size || records[end]?.position === last.position) continue;
    yield { records: records.slice(start, end), position: last.position };
    start = end;
  }
  yield { records: start === 0 ? records : records.slice(start), position: batch.position };
}

interface Folded {
  readonly lane: Lane;
  readonly writes: readonly (DocumentWrite & { readonly projection: string; readonly version: number })[];
  readonly failures: readonly { readonly record: LoggedRecord; readonly error: unknown }[];
}

async function foldLane(
  store: ReadStore,
  lane: Lane,
  records: readonly LoggedRecord[],
  courtesy: Courtesy,
): Promise<Folded> {
  const { projection } = lane;
  const overlay = new DocumentOverlay(store, projection.version);
  const failures: { record: LoggedRecord; error: unknown }[] = [];
  for (const record of records) {
    if (record.position <= lane.position || !lane.handles.has(record.type)) continue;
    overlay.savepoint();
    try {
      await projection.evolve(record, overlay);
    } catch (error) {
      overlay.rollback();
      if (overlay.unavailable === undefined) {
        overlay.put(quarantineOf(projection.name), quarantined(projection.name, record, error));
        failures.push({ record, error });
      }
    }
    if (overlay.unavailable !== undefined) throw overlay.unavailable;
    if (courtesy.isDue) await courtesy.turn();
  }
  const owner = { projection: projection.name, version: projection.version };
  return { lane, writes: overlay.writes().map((write) => ({ ...write, ...owner })), failures };
}
