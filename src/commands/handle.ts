import type { Appended, Log, LoggedRecord, NewRecord } from '../log/log.js';
import { LogUnavailableError, WrongRevisionError } from '../log/errors.js';
import type { RecordBody } from '../log/records.js';
import type { Clock } from '../runtime/clock.js';
import { uuid, type Random } from '../runtime/random.js';
import { metadataOf, type CommandContext, type Done } from './command.js';
import { StreamQueues } from './stream-queue.js';

/** What the write side needs of the world. */
export interface CommandPorts {
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  /**
   * Whether other processes append to the same streams. What is at hand may then be old: an append would fail, and a
   * decision that appends nothing is checked against the log before it is answered.
   */
  readonly shared?: boolean;
}

/** What a command came to: facts to be recorded (perhaps none), and what its caller is told. */
export interface Decision<T> {
  readonly records: readonly RecordBody[];
  readonly result: T;
}

/** How the write side keeps the state of one kind of stream. */
export interface Aggregate<S> {
  /** The state as of the stream's last record. */
  load(stream: string): Promise<{ readonly state: S; readonly revision: number }>;
  /** The state after one more fact, which may not be in the log yet. */
  evolve(state: S, record: NewRecord, revision: number): S | Promise<S>;
  /** The records are in the log: `state` is what they led to, and may be kept. */
  committed(stream: string, state: S, records: readonly LoggedRecord[]): void | Promise<void>;
  /** What was kept of the stream is not what the log has. */
  evict(stream: string): void;
  /** Mends what a decision failed on, where that is something that the log can give again; says whether it did. */
  repair?(stream: string, error: unknown): Promise<boolean>;
}

interface Job<S> {
  readonly context: CommandContext;
  readonly decide: (state: S) => Promise<Decision<unknown>> | Decision<unknown>;
  resolve(done: Done<unknown>): void;
  reject(error: unknown): void;
}

type Outcome<S> =
  | { readonly job: Job<S>; readonly records: readonly NewRecord[]; readonly result: unknown }
  | { readonly job: Job<S>; readonly error: unknown };

/** Losing this often in a row to other writers means that something is wrong. */
const MOST_CONFLICTS = 20;
const MOST_REPEATS = 4;

/**
 * Decides commands on streams: load, decide, append at the revision that was read, and again from the start
 * where another writer was faster. Commands that wait for the same stream are decided one after the other, each
 * on what the ones before it led to, and appended together: one flush for all of them.
 */
export class CommandHandler<S> {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #shared: boolean;
  readonly #aggregate: Aggregate<S>;
  readonly #queues: StreamQueues<Job<S>>;

  constructor(ports: CommandPorts, aggregate: Aggregate<S>) {
    this.#log = ports.log;
    this.#clock = ports.clock;
    this.#random = ports.random;
    this.#shared = ports.shared === true;
    this.#aggregate = aggregate;
    this.#queues = new StreamQueues((stream, jobs) => this.#run(stream, jobs));
  }

  /**
   * @param decide pure but for loading what it looks at; called again with newer state after a conflict. A
   *   refusal is thrown (MatrixError), and then nothing is recorded.
   */
  handle<T>(
    stream: string,
    context: CommandContext,
    decide: (state: S) => Promise<Decision<T>> | Decision<T>,
  ): Promise<Done<T>> {
    return new Promise<Done<T>>((resolve, reject) => {
      this.#queues.push(stream, {
        context,
        decide,
        // The queue holds commands of every type of result; each gets its own back.
        resolve: (done) => {
          resolve(done as Done<T>);
        },
        reject,
      });
    });
  }

  async #run(stream: string, jobs: readonly Job<S>[]): Promise<void> {
    try {
      for (let conflicts = 0; ; conflicts++) {
        if (await this.#attempt(stream, jobs, conflicts === MOST_CONFLICTS)) return;
      }
    } catch (error) {
      this.#aggregate.evict(stream);
      for (const job of jobs) job.reject(error);
    }
  }

  /** @returns false where it has to be done again: another writer was faster, or something was mended. */
  async #attempt(stream: string, jobs: readonly Job<S>[], last: boolean): Promise<boolean> {
    // 1. Load.
    const loaded = await this.#aggregate.load(stream);
    let { state, revision } = loaded;
    // 2. Decide, each command on the state that those before it led to.
    const outcomes: Outcome<S>[] = [];
    for (const job of jobs) {
      try {
        const { records: bodies, result } = await job.decide(state);
        const metadata = metadataOf(job.context);
        const records = bodies.map((body) => ({ ...body, id: uuid(this.#random), metadata }));
        for (const record of records) state = await this.#aggregate.evolve(state, record, ++revision);
        outcomes.push({ job, records, result });
      } catch (error) {
        if (!last && (await this.#aggregate.repair?.(stream, error)) === true) return false;
        outcomes.push({ job, error });
      }
    }
    // 3. Append at the revision that was read.
    const records = outcomes.flatMap((outcome) => ('error' in outcome ? [] : outcome.records));
    let appended: Appended | undefined;
    if (records.length === 0) {
      // What appends nothing was perhaps decided on a state of long ago.
      if (this.#shared && !last && (await this.#log.revision(stream)) !== loaded.revision) {
        this.#aggregate.evict(stream);
        return false;
      }
    } else {
      try {
        appended = await this.#append(stream, loaded.revision, records);
      } catch (error) {
        this.#aggregate.evict(stream);
        if (error instanceof WrongRevisionError && !last) return false;
        throw error;
      }
      if (appended.revision === revision) {
        const first = loaded.revision + 1;
        const logged = records.map((record, nth) =>
          asLogged(record, stream, first + nth, appended?.positions[nth]),
        );
        // It has happened: whatever goes wrong from here on, the callers are told so, and the next load makes up for it.
        try {
          await this.#aggregate.committed(stream, state, logged);
        } catch {
          this.#aggregate.evict(stream);
        }
      } else {
        // So much that it was staged and took effect as one record: what was assumed of revisions does not hold.
        this.#aggregate.evict(stream);
      }
    }
    // 4. Answer.
    this.#answer(outcomes, appended?.positions ?? []);
    return true;
  }

  #answer(outcomes: readonly Outcome<S>[], positions: readonly number[]): void {
    let taken = 0;
    for (const outcome of outcomes) {
      if ('error' in outcome) {
        outcome.job.reject(outcome.error);
      } else {
        taken += outcome.records.length;
        const own = outcome.records.length > 0 ? positions[taken - 1] : undefined;
        outcome.job.resolve({ result: outcome.result, position: own ?? this.#log.head });
      }
    }
  }

  /** An append whose answer was lost is repeated with the same record IDs: written once, whichever it was. */
  async #append(stream: string, revision: number, records: readonly NewRecord[]): Promise<Appended> {
    for (let repeat = 0; ; repeat++) {
      try {
        return await this.#log.append(stream, revision, records);
      } catch (error) {
        if (!(error instanceof LogUnavailableError) || !error.outcomeUnknown || repeat === MOST_REPEATS)
          throw error;
        await new Promise<void>((resolve) => this.#clock.after(50 * 2 ** repeat, resolve));
      }
    }
  }
}

/** A record that was just written, as reading it back would give it. */
function asLogged(record: NewRecord, stream: string, revision: number, position = 0): LoggedRecord {
  return { ...record, stream, revision, position, index: 0, forgotten: false };
}
