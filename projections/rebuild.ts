import { START, type Position } from '../src/log/position.js';
import type { Checkpoint, ReadStore } from '../src/read-models/store.js';
import { compareCollection, type Comparison } from './compare.js';
import { fold, Lane, slices, type OnQuarantined, type Slice } from './fold.js';
import { codeVersion } from './generations.js';
import { dropOthers, serve, type LogReader } from './plan.js';
import type { Projection } from './projection.js';
import { quarantineOf } from './quarantine.js';
import { isAborted } from '../src/runtime/aborted.js';

export interface RebuildOptions {
  readonly log: Omit<LogReader, 'subscribe'>;
  /** Where they are built: empty, or as an interrupted rebuild has left it, which goes on from there. */
  readonly store: ReadStore;
  readonly projections: readonly Projection[];
  /** The store that served: compared when the new one is exactly as far. Nothing may write to it meanwhile. */
  readonly check?: ReadStore;
  /** Called after each write. */
  readonly onProgress?: (progress: RebuildProgress) => void;
  readonly onQuarantined?: OnQuarantined;
  /** Stops after the write that is under way; what is built stays, and the next call goes on. */
  readonly signal?: AbortSignal;
}

export interface RebuildProgress {
  readonly position: Position;
  readonly head: Position;
  /** Records read in this call. */
  readonly records: number;
}

export interface RebuildReport {
  /** False when it was interrupted; the rest is then as far as it came. */
  readonly complete: boolean;
  readonly position: Position;
  readonly records: number;
  /** Records that projections could not fold in this call. */
  readonly quarantined: number;
  /** With `check`: a line for each collection. */
  readonly compared: readonly Comparison[];
  /** With `check`: projections that the checked store does not have in this version and of this history. */
  readonly uncompared: readonly string[];
}

const SLICE = 512;
const SHOWN = 10;

/**
 * Builds all read models from the log, from its start to its end as of now, and lets them serve. With `check`,
 * each projection's documents are compared with those of the store that served, at that store's position.
 *
 * @throws LogUnavailableError and ReadStoreUnavailableError, after which it can be called again.
 */
export async function rebuild(options: RebuildOptions): Promise<RebuildReport> {
  const { log, store, projections, check } = options;
  const checked =
    check === undefined ? new Map<string, Checkpoint>() : await checkedOf(check, log.epoch, projections);
  const limits = new Map([...checked].map(([name, { position }]) => [name, position]));
  const lanes = await lanesOf(store, log.epoch, projections, limits);
  const progress = { records: 0 };
  const compared: Comparison[] = [];
  const report = (complete: boolean): RebuildReport => ({
    complete,
    position: Math.min(...lanes.map((lane) => lane.position)),
    records: progress.records,
    quarantined: lanes.reduce((sum, lane) => sum + lane.quarantined, 0),
    compared,
    uncompared:
      check === undefined ? [] : projections.map(({ name }) => name).filter((name) => !limits.has(name)),
  });
  if (check !== undefined) {
    const bounded = lanes.filter((lane) => limits.has(lane.projection.name));
    if (!(await readOn(options, bounded, limits, progress))) return report(false);
    for (const { projection } of bounded) {
      for (const collection of [...projection.collections, quarantineOf(projection.name)]) {
        const versions = {
          checked: checked.get(projection.name)?.version ?? projection.version,
          fresh: projection.version,
        };
        compared.push(await compareCollection(check, store, collection, versions, SHOWN));
      }
    }
  }
  if (!(await readOn(options, lanes, new Map(), progress))) return report(false);
  for (const lane of lanes) {
    await serve(store, lane);
    await dropOthers(store, lane);
  }
  return report(true);
}

/**
 * Where the checked store's projections are, by name, as far as they can be compared: in the generation that serves.
 */
async function checkedOf(
  check: ReadStore,
  epoch: string,
  projections: readonly Projection[],
): Promise<Map<string, Checkpoint>> {
  const checked = new Map<string, Checkpoint>();
  const serving = new Map((await check.serving()).map(({ projection, version }) => [projection, version]));
  for (const { name, version } of projections) {
    const served = serving.get(name);
    const isServed = served !== undefined && codeVersion(served) === version;
    const checkpoint = await check.checkpoint(name, isServed ? served : version);
    if (checkpoint?.epoch === epoch) checked.set(name, checkpoint);
  }
  return checked;
}

/** Goes on where an interrupted rebuild stopped, unless that was of another history or beyond what is to be compared. */
async function lanesOf(
  store: ReadStore,
  epoch: string,
  projections: readonly Projection[],
  limits: ReadonlyMap<string, Position>,
): Promise<Lane[]> {
  const lanes: Lane[] = [];
  for (const projection of projections) {
    const { name, version } = projection;
    const checkpoint = await store.checkpoint(name, version);
    const usable = checkpoint?.epoch === epoch && checkpoint.position <= (limits.get(name) ?? Infinity);
    if (checkpoint !== undefined && !usable) await store.drop(name, version);
    lanes.push(new Lane(projection, usable ? checkpoint.position : START));
  }
  return lanes;
}

/** Folds the log to its end as of now, each lane to its limit where it has one. False when interrupted. */
async function readOn(
  { log, store, onProgress, onQuarantined, signal }: RebuildOptions,
  lanes: readonly Lane[],
  limits: ReadonlyMap<string, Position>,
  progress: { records: number },
): Promise<boolean> {
  const limit = (lane: Lane): Position => limits.get(lane.projection.name) ?? Infinity;
  const open = (): Lane[] => lanes.filter((lane) => lane.position < limit(lane));
  if (isAborted(signal)) return false;
  if (open().length === 0) return true;
  const after = Math.min(...open().map((lane) => lane.position));
  for await (const batch of log.readAll({ after })) {
    for (const slice of slices(batch, SLICE)) {
      for (const end of ends(open().map(limit), slice.position)) {
        const ready = open().filter((lane) => limit(lane) >= end);
        await fold(store, log.epoch, ready, cut(slice, end), onQuarantined ?? (() => undefined));
      }
      progress.records += slice.records.length;
      onProgress?.({ position: slice.position, head: log.head, records: progress.records });
      if (isAborted(signal)) return false;
      if (open().length === 0) return true;
    }
  }
  return true;
}

/** Where to stop within a slice: at each limit that lies in it, and at its end. */
function ends(limits: readonly Position[], position: Position): Position[] {
  return [...new Set(limits.map((limit) => Math.min(limit, position)))].sort((a, b) => a - b);
}

function cut({ records, position }: Slice, end: Position): Slice {
  return end === position
    ? { records, position }
    : { records: records.filter((record) => record.position <= end), position: end };
}
