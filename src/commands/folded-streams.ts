import { LRUCache } from 'lru-cache';
import type { Log, NewRecord, RecordMetadata } from '../log/log.js';
import { NO_STREAM } from '../log/position.js';
import type { RecordBody } from '../log/records.js';
import type { Aggregate } from './handle.js';

/** The state after one more record, which has this revision. */
type Evolve<S> = (
  state: S,
  record: RecordBody & { readonly metadata: RecordMetadata },
  revision: number,
) => S;

/**
 * Streams whose state is the fold of all their records: accounts, aliases, tokens. The states in use are kept;
 * another is read from its first record.
 */
export class FoldedStreams<S extends object> implements Aggregate<S> {
  readonly #log: Log;
  readonly #initial: S;
  readonly #evolve: Evolve<S>;
  readonly #kept: LRUCache<string, { state: S; revision: number }>;

  constructor(log: Log, initial: S, evolve: Evolve<S>, mostKept = 10_000) {
    this.#log = log;
    this.#initial = initial;
    this.#evolve = evolve;
    this.#kept = new LRUCache({ max: mostKept });
  }

  async load(stream: string): Promise<{ state: S; revision: number }> {
    const kept = this.#kept.get(stream);
    if (kept !== undefined) return kept;
    let state = this.#initial;
    let revision = NO_STREAM;
    for await (const batch of this.#log.read(stream)) {
      for (const record of batch.records) {
        state = this.#evolve(state, record, record.revision);
        revision = record.revision;
      }
      for (const damaged of batch.damaged) revision = Math.max(revision, damaged.revision ?? -1);
    }
    // Where retention has hidden all of it, only the log knows where it ends.
    if (revision === NO_STREAM) revision = await this.#log.revision(stream);
    const loaded = { state, revision };
    this.#kept.set(stream, loaded);
    return loaded;
  }

  evolve(state: S, record: NewRecord, revision: number): S {
    return this.#evolve(state, record, revision);
  }

  committed(stream: string, state: S, records: readonly { revision: number }[]): void {
    const last = records.at(-1);
    if (last !== undefined) this.#kept.set(stream, { state, revision: last.revision });
  }

  evict(stream: string): void {
    this.#kept.delete(stream);
  }
}
