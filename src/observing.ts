import type { ProjectionRunner } from '../projections/runner.js';
import type { Log } from './log/log.js';
import type { Metrics } from './metrics.js';
import type { Clock, Timer } from './runtime/clock.js';

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

/** Milliseconds between two looks at the server's health. */
const LOOK = 5000;

/** What an operator is told of a part that does not work any more. */
const AILING: Readonly<Record<string, string>> = {
  disk: 'The disk is full or cannot be reached: nothing can be changed until there is space again.',
  log: 'The log cannot be reached: nothing can be changed.',
  read_models: 'Read models do not all serve: some reads are answered 503.',
  room_state: 'The room index is damaged: some requests are answered 503.',
};

interface HealthLogger {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

type Health = Readonly<Record<string, boolean>>;

/** Logs when a part of the server stops working and when it works again, and keeps the metrics informed. */
export class HealthWatch {
  readonly #check: () => Promise<Health>;
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #logger: HealthLogger;
  readonly #ailing = new Set<string>();
  #timer: Timer | undefined;
  #stopped = false;

  constructor(
    check: () => Promise<Health>,
    { clock }: { readonly clock: Clock },
    metrics: Metrics,
    logger: HealthLogger,
  ) {
    this.#check = check;
    this.#clock = clock;
    this.#metrics = metrics;
    this.#logger = logger;
  }

  /** Looks now, and from now on every five seconds. */
  start(): void {
    void this.#look();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    for (const [part, works] of Object.entries(await this.#found())) {
      this.#metrics.healthOf(part, works);
      if (works) {
        if (this.#ailing.delete(part)) this.#logger.info({ part }, 'It works again.');
      } else if (!this.#ailing.has(part)) {
        this.#ailing.add(part);
        this.#logger.error({ part }, AILING[part] ?? 'A part of the server does not work.');
      }
    }
    if (this.#stopped) return;
    this.#timer = this.#clock.after(LOOK, () => {
      void this.#look();
    });
  }

  /** What cannot be asked, since its store is away, does not work. */
  async #found(): Promise<Health> {
    try {
      return await this.#check();
    } catch {
      return { read_models: false };
    }
  }
}
