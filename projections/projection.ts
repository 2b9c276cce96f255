import type { LoggedRecord } from '../src/log/log.js';
import type { RecordType } from '../src/log/records.js';
import type { CollectionDefinition, Document, Key, Range } from '../src/read-models/store.js';

/** The documents of a projection as its `evolve` sees them: what is stored, with this batch's changes over it. */
export interface Documents {
  get<D extends Document>(collection: CollectionDefinition<D>, key: Key): Promise<D | undefined>;
  /** By the primary key, or by an index where one is named. */
  find<D extends Document>(collection: CollectionDefinition<D>, range: Range, index?: string): Promise<D[]>;
  put<D extends Document>(collection: CollectionDefinition<D>, document: D): void;
  delete<D extends Document>(collection: CollectionDefinition<D>, key: Key): void;
}

/**
 * A read model's maker: a deterministic function from records to documents. It reads only its own collections,
 * never a clock, randomness, or another projection; so that fed twice, in any batches, or from the start, it
 * gives the same documents to the byte.
 */
export interface Projection {
  readonly name: string;
  /** Raised whenever the same records would give other documents: the new version is built beside the old. */
  readonly version: number;
  readonly collections: readonly CollectionDefinition<never>[];
  readonly handles: readonly RecordType[];
  /** Folds one record. A record that it throws on is quarantined for this projection, and passed over. */
  evolve(record: LoggedRecord, documents: Documents): Promise<void>;
}
