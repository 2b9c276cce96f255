import { setImmediate } from 'node:timers/promises';
import type { Observable } from 'rxjs';
import { LogUnavailableError } from '../src/log/errors.js';
import type { LoggedRecord } from '../src/log/log.js';
import { START, type Position } from '../src/log/position.js';
import { ReadStoreUnavailableError } from '../src/read-models/errors.js';
import type { ReadStore } from '../src/read-models/store.js';
import type { Clock } from '../src/runtime/clock.js';
import { fold, Lane, relocate, slices, type Slice } from './fold.js';
import { codeVersion, nextGeneration } from './generations.js';
import { backoff, pause } from './pause.js';
import { dropOthers, plan, serve, type LogReader, type Plan } from './plan.js';
import { ProcessedPositions } from './positions.js';
import type { Projection } from './projection.js';

/** Where the runner tells of what goes on; pino's loggers fit. No record's content is ever passed. */
export interface RunnerLogger {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export interface RunnerOptions {
  readonly log: LogReader;
  readonly store: ReadStore;
  readonly projections: readonly Projection[];
  readonly clock: Clock;
  readonly logger: RunnerLogger;
  /**
   * Called once when the runner cannot go on and has stopped: another process writes the same projections
   * (CheckpointConflictError), or an error that nobody expected.
   */
  readonly onFatal: (error: unknown) => void;
  /** Told what has just become readable, before `positions` moves: for waking those whom it concerns. */
  readonly onFolded?: (records: readonly LoggedRecord[], position: Position) => void;
}

/** Where a projection is. */
export interface ProjectionProgress {
  readonly projection: string;
  readonly version: number;
  /** Its checkpoint's position, and the log's last one: the difference is its lag. */
  readonly position: Position;
  readonly head: Position;
  /** From 0 to 1. */
  readonly fraction: number;
  /** Whether it answers queries; else it is being built. */
  readonly serving: boolean;
  /** Records quarantined since the runner was made. */
  readonly quarantined: number;
}

/** Records in one write of the live projections: what is there is folded at once, and no more than this. */
const LIVE_SLICE = 256;
/** While building: each slice holds the process for some milliseconds, and serving comes between. */
const BUILDING_SLICE = 64;
/** A reading of the log to its end that found no more than this is followed by joining those that serve. */
const NEARLY_THERE = 256;

/**
 * Keeps the read models up to date: one reading of the log for all projections that serve, and, until they have
 * caught up, a second one for those that are being built beside what serves. Batches are pulled: the next is read
 * when the last is written. What reads may rely on is `processed`: every serving projection has it.
 */
export class ProjectionRunner {
  readonly #options: RunnerOptions;
  readonly #positions: ProcessedPositions;
  readonly #abort = new AbortController();
  #live: Lane[] = [];
  #building: Lane[] = [];
  /** The live reading's; undefined until there is something to serve. */
  #position: Position | undefined;
  /** Live projections fold, or others join them, but never both. */
  #turn: Promise<unknown> = Promise.resolve();
  #running: Promise<void>[] = [];

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#positions = new ProcessedPositions(options.clock);
  }

  /** Everything up to here is in all read models that serve (START while none does). */
  get processed(): Position {
    return this.#positions.processed;
  }

  /** `processed` now and whenever it moves. */
  get positions(): Observable<Position> {
    return this.#positions.positions;
  }

  /** True as soon as the position is processed, false after so many milliseconds or when the runner stops. Never polls. */
  whenProcessed(position: Position, timeoutMs: number): Promise<boolean> {
    return this.#positions.whenProcessed(position, timeoutMs);
  }

  /** Each projection's progress, for metrics and for reads that have to wait. */
  progress(): ProjectionProgress[] {
    const { head } = this.#options.log;
    const of = (lane: Lane, serving: boolean): ProjectionProgress => ({
      projection: lane.projection.name,
      version: codeVersion(lane.projection.version),
      position: lane.position,
      head,
      fraction: head <= START ? 1 : Math.min(1, (lane.position - START) / (head - START)),
      serving,
      quarantined: lane.quarantined,
    });
    const known = [
      ...this.#live.map((lane) => of(lane, true)),
      ...this.#building.map((lane) => of(lane, false)),
    ];
    if (known.length > 0) return known;
    // Nobody knows yet how far they are.
    return this.#options.projections.map((projection) => of(new Lane(projection, START), false));
  }

  /**
   * Sees what is there and starts; resolves when the projections that can serve do, and the rest are built in the
   * background. Where log or store are away, all of it is done in the background, when they are back.
   *
   * @throws what stands in the way of even that
   */
  async start(): Promise<void> {
    try {
      this.#begin(await this.#plan());
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      this.#run(this.#beginLater());
    }
  }

  #plan(): Promise<Plan> {
    const { log, store, projections } = this.#options;
    return plan(log, store, projections);
  }

  async #beginLater(): Promise<void> {
    const found = await this.#retry(() => this.#plan());
    if (found !== undefined) this.#begin(found);
  }

  #begin({ live, building }: Plan): void {
    this.#building = building;
    if (live.length > 0) {
      this.#join(live);
      for (const lane of live) this.#run(this.#tidy(lane));
    }
    if (building.length > 0) this.#run(this.#build(building));
  }

  /**
   * Builds everything that serves again from the log, beside itself, and switches once that has caught up. Does
   * nothing while something is being built. What was half built when the runner stopped is given up.
   */
  rebuild(): void {
    if (this.#building.length > 0 || this.#live.length === 0 || this.#stopping()) return;
    const lanes = this.#live.map(({ projection }) => new Lane(nextGeneration(projection), START));
    this.#building = lanes;
    this.#run(this.#buildAnew(lanes));
  }

  /** How far the least of what is being built is, from 0 to 1. */
  rebuildProgress(): { building: boolean; fraction: number } {
    return buildingProgress(this.progress());
  }

  /** Stops after the write that is under way; those who wait are told that nothing comes. */
  async stop(): Promise<void> {
    this.#abort.abort();
    this.#positions.close();
    // What is waited for may have started more.
    for (let known = 0; known < this.#running.length;) {
      known = this.#running.length;
      await Promise.all(this.#running);
    }
  }

  /** Reads the log for the projections that serve. */
  async #follow(): Promise<void> {
    const { log } = this.#options;
    const { signal } = this.#abort;
    await this.#retry(async () => {
      for await (const batch of log.subscribe(this.#position ?? START, signal)) {
        for (const slice of slices(batch, LIVE_SLICE)) {
          await this.#exclusively(async () => {
            await this.#fold(this.#live, slice);
            if (!this.#stopping()) this.#advance(slice);
          });
        }
      }
      if (!this.#stopping()) {
        throw new LogUnavailableError('The subscription ended.', { outcomeUnknown: false });
      }
    });
  }

  /** Builds versions from the log, beside what serves, and lets them serve when they are there. */
  async #build(lanes: readonly Lane[]): Promise<void> {
    const { store, logger } = this.#options;
    const names = lanes.map((lane) => `${lane.projection.name}@${lane.projection.version}`);
    logger.info({ projections: names }, 'Building read models from the log.');
    await this.#retry(async () => {
      while (!this.#stopping() && (await this.#readOn(lanes, this.#live.length > 0)) > NEARLY_THERE);
    });
    await this.#exclusively(() =>
      this.#retry(async () => {
        // The live reading stands still now, so this reaches it.
        await this.#readOn(lanes, false);
        if (this.#stopping()) return;
        for (const lane of lanes) await serve(store, lane);
        this.#building = [];
        this.#join(lanes);
      }),
    );
    if (this.#stopping()) return;
    logger.info({ projections: names }, 'Read models are built and serve.');
    for (const lane of lanes) await this.#tidy(lane);
  }

  async #buildAnew(lanes: readonly Lane[]): Promise<void> {
    const { store } = this.#options;
    for (const { projection } of lanes) {
      // What an earlier attempt has left.
      await this.#retry(() => store.drop(projection.name, projection.version));
    }
    await this.#build(lanes);
  }

  /**
   * Folds the log to its end as of now; gives how many records there were.
   *
   * @param besides somebody is served meanwhile, and comes first: half of the time is theirs
   */
  async #readOn(lanes: readonly Lane[], besides: boolean): Promise<number> {
    const { log, clock } = this.#options;
    let records = 0;
    for await (const batch of log.readAll({ after: lowest(lanes) })) {
      for (const slice of slices(batch, BUILDING_SLICE)) {
        const began = clock.monotonic();
        await this.#fold(lanes, slice);
        if (this.#stopping()) return records;
        records += slice.records.length;
        const took = clock.monotonic() - began;
        if (besides && took > 0) await pause(clock, took, this.#abort.signal);
        else await setImmediate();
      }
    }
    return records;
  }

  /** Adds projections to those that serve, at or after their position; those that served by the same name leave. */
  #join(lanes: readonly Lane[]): void {
    const first = this.#position === undefined;
    const names = new Set(lanes.map(({ projection }) => projection.name));
    this.#live = [...this.#live.filter(({ projection }) => !names.has(projection.name)), ...lanes];
    if (!first) return;
    this.#position = lowest(lanes);
    this.#positions.publish(this.#position);
    this.#run(this.#follow());
  }

  #stopping(): boolean {
    return this.#abort.signal.aborted;
  }

  #advance({ records, position }: Slice): void {
    this.#position = position;
    this.#options.onFolded?.(records, position);
    this.#positions.publish(position);
  }

  async #tidy(lane: Lane): Promise<void> {
    await this.#retry(() => dropOthers(this.#options.store, lane));
  }

  /** Folds and writes, as often as it takes; returns early only when the runner stops. */
  async #fold(lanes: readonly Lane[], slice: Slice): Promise<void> {
    const { store, log } = this.#options;
    let again = false;
    await this.#retry(async () => {
      if (again) await relocate(store, lanes.filter((lane) => lane.position < slice.position), slice.position); // prettier-ignore
      again = true;
      await fold(store, log.epoch, lanes, slice, (...args) => {
        this.#quarantined(...args);
      });
    });
  }

  #quarantined({ name }: Projection, record: LoggedRecord, error: unknown): void {
    const { position, stream, revision, type } = record;
    const reason = error instanceof Error ? error.name : typeof error;
    this.#options.logger.error(
      { projection: name, position, stream, revision, type, error: reason },
      'A record could not be folded: it is quarantined and passed over.',
    );
  }

  /** Waits out what is unavailable, longer each time; undefined when the runner stops meanwhile. */
  async #retry<T>(action: () => Promise<T>): Promise<T | undefined> {
    const { clock, logger } = this.#options;
    const { signal } = this.#abort;
    for (let attempt = 0; !signal.aborted; attempt++) {
      const began = clock.monotonic();
      try {
        return await action();
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        // What went on for long was not the same trouble.
        if (clock.monotonic() - began > LONG) attempt = 0;
        if (!this.#stopping()) logger.warn({ error: error.name, reason: error.message, attempt }, 'Projections wait and try again.'); // prettier-ignore
        await pause(clock, backoff(attempt), signal);
      }
    }
    return undefined;
  }

  async #exclusively(action: () => Promise<unknown>): Promise<void> {
    const turn = this.#turn.then(action);
    this.#turn = turn.catch(() => undefined);
    await turn;
  }

  #run(task: Promise<void>): void {
    const guarded = task.catch((error: unknown) => {
      if (this.#stopping()) return;
      this.#abort.abort();
      this.#positions.close();
      this.#options.logger.error(
        { error: error instanceof Error ? error.name : typeof error },
        'Projections have stopped.',
      );
      this.#options.onFatal(error);
    });
    this.#running.push(guarded);
  }
}

/** How far the least of what is being built is, from 0 to 1. */
export function buildingProgress(progress: readonly ProjectionProgress[]): {
  building: boolean;
  fraction: number;
} {
  const building = progress.filter(({ serving }) => !serving);
  return {
    building: building.length > 0,
    fraction: Math.min(1, ...building.map(({ fraction }) => fraction)),
  };
}

function isUnavailable(error: unknown): error is ReadStoreUnavailableError | LogUnavailableError {
  return error instanceof ReadStoreUnavailableError || error instanceof LogUnavailableError;
}

/** Milliseconds after which an attempt counts as having worked for a while. */
const LONG = 10_000;

function lowest(lanes: readonly Lane[]): Position {
  return Math.min(...lanes.map((lane) => lane.position));
}
