import { PROJECTIONS } from '../../projections/index.js';
import { ReadModelFollower } from '../../projections/follower.js';
import { ProjectionRunner, type ProjectionProgress } from '../../projections/runner.js';
import { topicsOf, type Topics } from '../../projections/topics.js';
import type { LoggedRecord } from '../log/log.js';
import type { Position } from '../log/position.js';
import { Progress } from '../observing.js';
import type { OnlineRebuild } from '../http/admin/rebuild.js';
import type { Positions } from '../queries/wait.js';
import { ReadStoreUnavailableError } from '../read-models/errors.js';
import { holdLease } from '../read-models/lease.js';
import type { ReadStore } from '../read-models/store.js';
import { isAborted } from '../runtime/aborted.js';
import { pause } from '../runtime/pause.js';
import { uuid } from '../runtime/random.js';
import type { Engine } from './engine.js';

/** The read models as the rest of a process sees them, whoever keeps them. */
export interface ReadModels extends Positions {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Of each projection that this process keeps; none where another one does. */
  progress(): ProjectionProgress[];
  /** Whether every read model can be read, and is kept up to date. */
  isServing(): Promise<boolean>;
  /** Building them again; undefined where another process keeps them. */
  readonly rebuilding: OnlineRebuild | undefined;
}

/** Told whom what has just become readable concerns. */
export type OnReadable = (topics: Topics, position: Position) => void;

/** For a process that is alone: it keeps them. */
export function ownReadModels(engine: Engine, store: ReadStore, onReadable: OnReadable): ReadModels {
  let failed = false;
  const runner = openRunner(engine, store, onReadable, () => {
    failed = true;
  });
  const progress = new Progress(engine.log, engine.metrics);
  return {
    get processed() {
      return runner.processed;
    },
    whenProcessed: (position, timeoutMs) => runner.whenProcessed(position, timeoutMs),
    async start() {
      await runner.start();
      progress.observe(runner);
    },
    stop: () => runner.stop(),
    progress: () => runner.progress(),
    isServing: async () => !failed && runner.progress().every(({ serving }) => serving),
    rebuilding: runner,
  };
}

/** Milliseconds after which a process that is not heard of has lost what it held. */
const LEASE_MS = 6000;
/** Milliseconds after which a keeper that failed tries again. */
const FAILED_MS = 1000;

/**
 * For one process of several: it follows what is readable, and keeps the read models while it holds the lease on
 * them, if that is its role.
 */
export function sharedReadModels(
  engine: Engine,
  store: ReadStore,
  handlers: {
    readonly onRecords: (records: readonly LoggedRecord[], position: Position) => Promise<void>;
    readonly onReadable: OnReadable;
  },
  keeps: boolean,
): ReadModels {
  const { log, loggers, ports } = engine;
  const { clock } = ports;
  const names = new Set(PROJECTIONS.map(({ name }) => name));
  const follower = new ReadModelFollower({
    log,
    store,
    clock,
    logger: loggers.projections,
    names,
    onRecords: handlers.onRecords,
    onReadable: (records, position) => {
      handlers.onReadable(topicsOf(records), position);
    },
  });
  const ending = new AbortController();
  let runner: ProjectionRunner | undefined;
  const keepWhileHeld = async (signal: AbortSignal): Promise<void> => {
    const failed = new AbortController();
    const onFatal = () => {
      failed.abort();
    };
    const own = openRunner(engine, store, () => undefined, onFatal);
    try {
      await own.start();
      runner = own;
      loggers.projections.info({}, 'This process keeps the read models.');
      await aborted(AbortSignal.any([signal, failed.signal]));
    } finally {
      runner = undefined;
      await own.stop();
      loggers.projections.info({}, 'This process keeps the read models no more.');
    }
  };
  const keep = async (): Promise<void> => {
    const { signal } = ending;
    const lease = { name: 'projections', holder: uuid(ports.random), clock, ttlMs: LEASE_MS, signal };
    while (!isAborted(signal)) {
      try {
        await holdLease(store, lease, keepWhileHeld);
      } catch (err) {
        loggers.projections.error({ err }, 'Read models could not be kept; it is tried again.');
      }
      await pause(clock, FAILED_MS, signal);
    }
  };
  let keeping: Promise<void> = Promise.resolve();
  return {
    get processed() {
      return follower.processed;
    },
    whenProcessed: (position, timeoutMs) => follower.whenProcessed(position, timeoutMs),
    async start() {
      follower.start(log.head);
      if (!keeps) return;
      keeping = keep();
    },
    async stop() {
      ending.abort();
      await keeping;
      await follower.stop();
    },
    progress: () => runner?.progress() ?? [],
    async isServing() {
      const serving = await store.serving().catch((error: unknown) => {
        if (error instanceof ReadStoreUnavailableError) return [];
        throw error;
      });
      return [...names].every((name) => serving.some(({ projection }) => projection === name));
    },
    get rebuilding() {
      return runner;
    },
  };
}

function openRunner(
  engine: Engine,
  store: ReadStore,
  onReadable: OnReadable,
  onFatal: () => void,
): ProjectionRunner {
  const { log, loggers, metrics, ports } = engine;
  const progress = new Progress(log, metrics);
  const runner: ProjectionRunner = new ProjectionRunner({
    log,
    store,
    projections: PROJECTIONS,
    clock: ports.clock,
    logger: loggers.projections,
    onFatal: (err) => {
      loggers.projections.fatal({ err }, 'Read models are no longer kept up to date.');
      onFatal();
    },
    onFolded: (records, position) => {
      progress.observe(runner);
      onReadable(topicsOf(records), position);
    },
  });
  return runner;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else
      signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
  });
}
