import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What a cache tells of itself when it is asked. */
export interface CacheFigures {
  readonly bytes: number;
  readonly entries: number;
  /** Since the start. */
  readonly hits: number;
  readonly misses: number;
}

/** What a server measures of itself. A hot path costs one look-up by labels and an addition. */
export interface Metrics {
  /** A request was answered; `route` is its pattern, never its path: there are few of them. */
  requestObserved(route: string, method: string, status: number, seconds: number): void;
  /** An append was answered, the wait for its flush included. */
  appendObserved(seconds: number, records: number): void;
  /** A batch of appends was brought to disk together. */
  flushObserved(seconds: number, records: number): void;
  /** The log reaches to here. */
  headAt(position: number): void;
  /** A projection has folded everything up to here. */
  projectionAt(projection: string, position: number): void;
  /** A record could not be folded and was passed over. */
  projectionQuarantined(projection: string): void;
  /** A record of the log could not be read. */
  recordDamaged(): void;
  /** Whether a part of the server works. */
  healthOf(part: string, works: boolean): void;
  /** Shows a cache's figures, asked for when the metrics are read. */
  watchCache(name: string, figures: () => CacheFigures): void;
  /** All of it in Prometheus' text format. */
  text(): Promise<string>;
  /** The text's media type. */
  readonly contentType: string;
  /** Ends what runs in the background. */
  close(): void;
}

/** From a fraction of a millisecond to a long poll's end, in seconds. */
const REQUEST_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** What a disk takes to flush, in seconds. */
const FLUSH_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];
const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** A server's metrics, in a registry of their own: several servers can live in one process. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];

  const requests = new Histogram({
    name: 'engram_http_request_duration_seconds',
    help: 'Time from a request to its answer.',
    labelNames: ['route', 'method', 'status'],
    buckets: REQUEST_BUCKETS,
    registers,
  });
  const appends = new Histogram({
    name: 'engram_log_append_duration_seconds',
    help: 'Time until an append was on disk and answered.',
    buckets: FLUSH_BUCKETS,
    registers,
  });
  const appended = new Counter({ name: 'engram_log_records_total', help: 'Records appended.', registers });
  const flushes = new Histogram({
    name: 'engram_log_flush_duration_seconds',
    help: 'Time to bring a batch to disk.',
    buckets: FLUSH_BUCKETS,
    registers,
  });
  const batches = new Histogram({
    name: 'engram_log_batch_records',
    help: 'Records brought to disk together.',
    buckets: BATCH_BUCKETS,
    registers,
  });
  const damaged = new Counter({
    name: 'engram_log_damaged_records_total',
    help: 'Records of the log that could not be read.',
    registers,
  });
  const head = new Gauge({ name: 'engram_log_position', help: 'Position of the last record.', registers });
  const quarantined = new Counter({
    name: 'engram_projection_quarantined_records_total',
    help: 'Records that a projection could not fold.',
    labelNames: ['projection'],
    registers,
  });
  const health = new Gauge({
    name: 'engram_health',
    help: 'Whether a part of the server works (1) or not (0).',
    labelNames: ['part'],
    registers,
  });
  let headPosition = 0;
  const positions = watchProjections(registers, () => headPosition);
  const caches = watchCaches(registers);
  const stopProcess = watchProcess(registers);

  return {
    requestObserved: (route, method, status, seconds) => {
      requests.observe({ route, method, status }, seconds);
    },
    appendObserved: (seconds, records) => {
      appends.observe(seconds);
      appended.inc(records);
    },
    flushObserved: (seconds, records) => {
      flushes.observe(seconds);
      batches.observe(records);
    },
    headAt: (position) => {
      headPosition = position;
      head.set(position);
    },
    projectionAt: (projection, position) => {
      positions.set(projection, position);
    },
    projectionQuarantined: (projection) => {
      quarantined.inc({ projection });
    },
    recordDamaged: () => {
      damaged.inc();
    },
    healthOf: (part, works) => {
      health.set({ part }, works ? 1 : 0);
    },
    watchCache: (name, figures) => {
      caches.set(name, figures);
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
    close: () => {
      stopProcess();
      registry.clear();
    },
  };
}

/** Positions by projection, and how far behind the log they are: only counted when somebody looks. */
function watchProjections(registers: Registry[], head: () => number): Map<string, number> {
  const positions = new Map<string, number>();
  new Gauge({
    name: 'engram_projection_position',
    help: 'Position that a projection has reached.',
    labelNames: ['projection'],
    registers,
    collect() {
      for (const [projection, position] of positions) this.set({ projection }, position);
    },
  });
  new Gauge({
    name: 'engram_projection_lag',
    help: 'Positions between the end of the log and where a projection is.',
    labelNames: ['projection'],
    registers,
    collect() {
      for (const [projection, position] of positions)
        this.set({ projection }, Math.max(0, head() - position));
    },
  });
  return positions;
}

function watchCaches(registers: Registry[]): Map<string, () => CacheFigures> {
  const caches = new Map<string, () => CacheFigures>();
  const gauge = (name: string, help: string, figure: (figures: CacheFigures) => number): void => {
    new Gauge({
      name,
      help,
      labelNames: ['cache'],
      registers,
      collect() {
        for (const [cache, figures] of caches) this.set({ cache }, figure(figures()));
      },
    });
  };
  gauge('engram_cache_bytes', 'Memory that a cache holds.', ({ bytes }) => bytes);
  gauge('engram_cache_entries', 'Entries of a cache.', ({ entries }) => entries);
  gauge('engram_cache_hits', 'Look-ups since the start that found an entry.', ({ hits }) => hits);
  gauge('engram_cache_misses', 'Look-ups since the start that found none.', ({ misses }) => misses);
  return caches;
}

/** The process itself, under the names that Prometheus uses everywhere. Answers what ends it. */
function watchProcess(registers: Registry[]): () => void {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  new Gauge({
    name: 'engram_event_loop_delay_seconds',
    help: 'How late the event loop was since the last look.',
    labelNames: ['quantile'],
    registers,
    collect() {
      for (const quantile of [0.5, 0.99, 1]) {
        // Nanoseconds, the timer's own interval included; NaN or 0 before the first sample.
        const late = delay.percentile(quantile * 100) / 1e9 - 0.01;
        this.set({ quantile }, Number.isFinite(late) ? Math.max(0, late) : 0);
      }
      delay.reset();
    },
  });
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory size in bytes.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: 'nodejs_heap_size_used_bytes',
    help: 'Process heap size used from Node.js in bytes.',
    registers,
    collect() {
      this.set(process.memoryUsage().heapUsed);
    },
  });
  new Gauge({
    name: 'process_cpu_seconds_total',
    help: 'Total user and system CPU time spent in seconds.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.set((user + system) / 1e6);
    },
  });
  return () => {
    delay.disable();
  };
}
