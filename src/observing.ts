import type { ProjectionRunner } from '../projections/runner.js';
import type { Log } from './log/log.js';
import type { Metrics } from './metrics.js';

/** Milliseconds are what the log measures in, seconds what Prometheus wants. */
export function observeAppends(metrics: Metrics): {
  appended(records: number, bytes: number, appendMs: number, flushMs: number): void;
} {
  return {
    appended(records, _bytes, appendMs, flushMs) {
      metrics.appendObserved(appendMs / 1000, records);
      metrics.flushObserved(flushMs / 1000, records);
    },
  };
}

/** Tells the metrics where the log and the projections are, and what could not be read or folded. */
export class Progress {
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #quarantined = new Map<string, number>();
  #damaged = 0;

  constructor(log: Log, metrics: Metrics) {
    this.#log = log;
    this.#metrics = metrics;
  }

  /** To be called when something was folded: costs a look at each projection. */
  observe(runner: Pick<ProjectionRunner, 'progress'>): void {
    this.#metrics.headAt(this.#log.head);
    for (const { projection, position, quarantined } of runner.progress()) {
      this.#metrics.projectionAt(projection, position);
      for (let known = this.#quarantined.get(projection) ?? 0; known < quarantined; known++) {
        this.#metrics.projectionQuarantined(projection);
      }
      this.#quarantined.set(projection, quarantined);
    }
    for (; this.#damaged < this.#log.damaged.length; this.#damaged++) this.#metrics.recordDamaged();
  }
}
