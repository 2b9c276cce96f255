import type { Observable } from 'rxjs';
import type { LoggedRecord } from '../src/log/log.js';
import { START, type Position } from '../src/log/position.js';
import { LogUnavailableError } from '../src/log/errors.js';
import { ReadStoreUnavailableError } from '../src/read-models/errors.js';
import type { ReadStore } from '../src/read-models/store.js';
import type { Clock } from '../src/runtime/clock.js';
import { backoff, pause } from './pause.js';
import type { LogReader } from './plan.js';
import { ProcessedPositions } from './positions.js';
import type { RunnerLogger } from './runner.js';

export interface FollowerOptions {
  readonly log: Pick<LogReader, 'head' | 'subscribe'>;
  readonly store: ReadStore;
  readonly clock: Clock;
  readonly logger: RunnerLogger;
  /** The projections whose read models count. */
  readonly names: ReadonlySet<string>;
  /** Called with each batch before it counts as readable, for what this process keeps by itself; may take its time. */
  readonly onRecords: (records: readonly LoggedRecord[], position: Position) => Promise<void>;
  /** Told what has just become readable, before `positions` moves: for waking those whom it concerns. */
  readonly onReadable: (records: readonly LoggedRecord[], position: Position) => void;
}

/** Milliseconds between looks at the store while it lacks what the log has: the first, and the longest. */
const [FIRST_LOOK, LONGEST_LOOK] = [2, 50];

/**
 * Knows how far the read models are that another process may be keeping. The log says that something happened;
 * only then, and until it can be read, is the store asked for its checkpoints: nothing is polled while nothing
 * happens. Costs a reading of the log, and one or two reads of the store per batch.
 */
export class ReadModelFollower {
  readonly #options: FollowerOptions;
  readonly #positions: ProcessedPositions;
  readonly #abort = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #position: Position = START;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#positions = new ProcessedPositions(options.clock);
  }

  /** Everything up to here can be read. */
  get processed(): Position {
    return this.#positions.processed;
  }

  /** `processed` now and whenever it moves. */
  get positions(): Observable<Position> {
    return this.#positions.positions;
  }

  /** True as soon as the position can be read, false after so many milliseconds or when this stops. */
  whenProcessed(position: Position, timeoutMs: number): Promise<boolean> {
    return this.#positions.whenProcessed(position, timeoutMs);
  }

  /** Follows from a position on: what was before it is known to whoever `onRecords` tells. */
  start(from: Position): void {
    this.#position = from;
    this.#running = this.#follow();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#positions.close();
    await this.#running;
  }

  async #follow(): Promise<void> {
    const { log, onRecords, onReadable, clock, logger } = this.#options;
    const { signal } = this.#abort;
    for (let attempt = 0; !this.#stopping(); attempt++) {
      try {
        await this.#readable(this.#position);
        this.#positions.publish(this.#position);
        for await (const { records, position } of log.subscribe(this.#position, signal)) {
          attempt = 0;
          await onRecords(records, position);
          await this.#readable(position);
          if (this.#stopping()) return;
          this.#position = position;
          onReadable(records, position);
          this.#positions.publish(position);
        }
      } catch (error) {
        if (this.#stopping()) return;
        const expected = error instanceof LogUnavailableError || error instanceof ReadStoreUnavailableError;
        const fields = expected ? { error: error.name, attempt } : { err: error, attempt };
        logger[expected ? 'warn' : 'error'](fields, 'Following the read models is tried again.');
      }
      await pause(clock, backoff(attempt), signal);
    }
  }

  /** Until the read models that serve have everything up to a position, or this stops. */
  async #readable(position: Position): Promise<void> {
    const { store, clock, names } = this.#options;
    for (let wait = FIRST_LOOK; !this.#stopping(); wait = Math.min(LONGEST_LOOK, wait * 2)) {
      if ((await servedPosition(store, names)) >= position) return;
      await pause(clock, wait, this.#abort.signal);
    }
  }

  #stopping(): boolean {
    return this.#abort.signal.aborted;
  }
}

/** How far the least of these read models that serve is; START while none does. */
export async function servedPosition(
  store: Pick<ReadStore, 'serving' | 'checkpoints'>,
  names: ReadonlySet<string>,
): Promise<Position> {
  const [served, checkpoints] = await Promise.all([store.serving(), store.checkpoints()]);
  const serving = served.filter(({ projection }) => names.has(projection));
  const positions = new Map(checkpoints.map((one) => [`${one.projection}@${one.version}`, one.position]));
  if (serving.length === 0) return START;
  return Math.min(
    ...serving.map(({ projection, version }) => positions.get(`${projection}@${version}`) ?? START),
  );
}
