import { PROJECTIONS } from '../../../projections/index.js';
import { ProcessedPositions } from '../../../projections/positions.js';
import { buildingProgress, type ProjectionProgress } from '../../../projections/runner.js';
import type { OnlineRebuild } from '../../http/admin/rebuild.js';
import { START, type Position } from '../../log/position.js';
import { Progress } from '../../observing.js';
import type { ReadStore } from '../../read-models/store.js';
import type { Engine } from '../engine.js';
import type { OnReadable, ReadModels } from '../read-models.js';
import { serveReading } from './log-port.js';
import type { Report, StartThread, Standing, Thread } from './messages.js';

export interface ThreadHandlers {
  readonly onReadable: OnReadable;
  /** Told when the thread finds the store damaged. */
  readonly onDamage: (error: unknown) => void;
}

/**
 * Read models that a thread of this process keeps, so that folding and writing take no time from answering. It has a
 * handle of its own on the read store, and is sent what the log has.
 */
export class ThreadedReadModels implements ReadModels {
  readonly rebuilding: OnlineRebuild;
  readonly #engine: Engine;
  readonly #store: ReadStore;
  readonly #startThread: StartThread;
  readonly #handlers: ThreadHandlers;
  readonly #positions: ProcessedPositions;
  readonly #observed: Progress;
  readonly #readings = new Set<Promise<void>>();
  #standing: Standing = { progress: PROJECTIONS.map(notBegun), rebuilds: 0 };
  #rebuilds = 0;
  #failed = false;
  #thread: Thread | undefined;
  #ended: Promise<void> = Promise.resolve();

  /** @param store as this thread reads it */
  constructor(engine: Engine, store: ReadStore, startThread: StartThread, handlers: ThreadHandlers) {
    this.#engine = engine;
    this.#store = store;
    this.#startThread = startThread;
    this.#handlers = handlers;
    this.#positions = new ProcessedPositions(engine.ports.clock);
    this.#observed = new Progress(engine.log, engine.metrics);
    this.rebuilding = {
      rebuild: () => {
        this.#rebuilds++;
        this.#thread?.postMessage({ kind: 'rebuild', count: this.#rebuilds });
      },
      rebuildProgress: () => this.#rebuildProgress(),
    };
  }

  get processed(): Position {
    return this.#positions.processed;
  }

  whenProcessed(position: Position, timeoutMs: number): Promise<boolean> {
    return this.#positions.whenProcessed(position, timeoutMs);
  }

  progress(): ProjectionProgress[] {
    return [...this.#standing.progress];
  }

  async isServing(): Promise<boolean> {
    return !this.#failed && this.#standing.progress.every(({ serving }) => serving);
  }

  /** @throws what stands in the way of the thread */
  async start(): Promise<void> {
    const { config, log } = this.#engine;
    const thread = this.#startThread({ config, epoch: log.epoch, head: log.head });
    this.#thread = thread;
    this.#ended = new Promise((resolve) => {
      thread.on('exit', resolve);
    });
    await new Promise<void>((resolve, reject) => {
      thread.on('message', (report) => {
        this.#take(report);
        if (report.kind === 'started') resolve();
      });
      thread.on('error', (error) => {
        this.#fail(error);
        reject(error);
      });
    });
  }

  async stop(): Promise<void> {
    this.#positions.close();
    this.#thread?.postMessage({ kind: 'stop' });
    await this.#ended;
    await Promise.all(this.#readings);
  }

  #take(report: Report): void {
    switch (report.kind) {
      case 'started':
      case 'progress':
        this.#standing = report;
        this.#observed.observe(this);
        return;
      case 'readable':
        // What this turn of the event loop has read may be from before.
        this.#store.refresh?.();
        if (report.topics !== undefined) this.#handlers.onReadable(report.topics, report.position);
        this.#positions.publish(report.position);
        return;
      case 'read': {
        const { log } = this.#engine;
        const reading = serveReading(log, report, report.port).finally(() => this.#readings.delete(reading));
        this.#readings.add(reading);
        return;
      }
      case 'log':
        this.#engine.loggers.projections[report.level](report.fields, report.message);
        return;
      case 'damage':
        this.#handlers.onDamage(report.error);
        return;
      case 'failed':
        this.#fail(report.error);
    }
  }

  #fail(err: unknown): void {
    this.#failed = true;
    this.#positions.close();
    this.#engine.loggers.projections.fatal({ err }, 'Read models are no longer kept up to date.');
  }

  #rebuildProgress(): { building: boolean; fraction: number } {
    // It may not have heard of it yet.
    if (this.#standing.rebuilds < this.#rebuilds) return { building: true, fraction: 0 };
    return buildingProgress(this.#standing.progress);
  }
}

function notBegun({
  name,
  version,
}: {
  readonly name: string;
  readonly version: number;
}): ProjectionProgress {
  const nothing = { position: START, head: START, fraction: 0, quarantined: 0 };
  return { projection: name, version, ...nothing, serving: false };
}
