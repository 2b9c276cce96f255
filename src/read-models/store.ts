/**
 * What identifies a document in its collection: compared part by part, numbers before strings, strings by code
 * point (keys.ts). Any string and any finite number is a part; see MAX_ENTRY_BYTES for how long keys may be.
 */
export type Key = readonly (string | number)[];

/** A document's own fields; stored as JSON, so `undefined` and anything without a JSON form is out of place. */
export type Document = Readonly<Record<string, unknown>>;

/**
 * A collection of the catalogue (collections.ts). `D` is the type of its documents.
 */
export interface CollectionDefinition<D extends Document> {
  readonly name: string;
  /** The projection that writes it; its version is part of the collection's physical name. */
  readonly projection: string;
  /** The document's key, from its fields. */
  readonly key: (document: D) => Key;
  /**
   * Secondary indexes by name: the values under which a document is found, in order, or `undefined` to leave it
   * out. Entries with equal values are ordered by the documents' keys.
   */
  readonly indexes: Readonly<Record<string, (document: D) => Key | undefined>>;
  /** The same for stores that want names: the fields of the key and of each index. */
  readonly fields: {
    readonly key: readonly string[];
    readonly indexes: Readonly<Record<string, readonly string[]>>;
  };
}

/**
 * A range of keys: those that begin with `prefix`, and within it from/to further parts. Bounds are partial keys
 * after the prefix, and stand for every key that begins with them: `after` and `before` leave all of these out,
 * `from` and `to` let all of them in.
 */
export interface Range {
  readonly prefix: Key;
  readonly after?: Key;
  readonly from?: Key;
  readonly before?: Key;
  readonly to?: Key;
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** Reading a collection of the version that serves. */
export interface Collection<D extends Document> {
  get(key: Key): Promise<D | undefined>;
  /** In the order of the keys asked for. */
  getMany(keys: readonly Key[]): Promise<(D | undefined)[]>;
  /** By the primary key, or by an index where one is named. */
  find(range: Range, index?: string): Promise<D[]>;
  /** How many there are in the range (its limit bounds the counting). */
  count(range: Range, index?: string): Promise<number>;
}

/** One document's change; see projections/projection.ts. */
export interface DocumentWrite {
  readonly collection: CollectionDefinition<never>;
  readonly key: Key;
  /** `undefined` deletes. */
  readonly document: Document | undefined;
  /** The key and the entries of a document's indexes as bytes (keys.ts), where they were made already. */
  readonly encoded?: EncodedKeys;
}

export interface EncodedKeys {
  readonly key: Uint8Array;
  /** By index. */
  readonly entries: ReadonlyMap<string, Uint8Array>;
}

/** Where a projection stands. */
export interface Checkpoint {
  readonly projection: string;
  readonly version: number;
  /** Everything up to here is in its documents. */
  readonly position: number;
  /** The log's epoch that it was built from. */
  readonly epoch: string;
}

/** Which version of a projection answers queries. */
export interface Serving {
  readonly projection: string;
  readonly version: number;
}

/**
 * Who does what only one process may do at a time. See lease.ts for how it is kept, taken over and lost.
 */
export interface Lease {
  readonly name: string;
  /** The process that has it; '' after it was given back. */
  readonly holder: string;
  /** Raised by one with each change of the lease: as long as it stands still, nobody has shown to be alive. */
  readonly beat: number;
}

/** For a store whose files are this program's: what was taken out of documents does not stay in them. */
export interface Scrubbing {
  /** Up to which position of the log everything that was taken out of documents is gone from the files too; -1 for none. */
  scrubbed(): Promise<number>;
  /**
   * Overwrites what is left in the files of whatever was changed and deleted before the call, and remembers that it is
   * so up to a position of the log. False when `signal` ended it, or another process was still reading what has to be
   * overwritten: it is to be called again. One process at a time.
   */
  scrub(position: number, signal: AbortSignal): Promise<boolean>;
}

/**
 * The read store: named collections of documents, disposable. One writer per projection; a stale one is refused.
 *
 * Errors of every method: `ReadStoreUnavailableError`.
 */
export interface ReadStore {
  /** The collection as queries see it: the version that serves. Its methods reject with ReadModelNotReadyError while none does. */
  collection<D extends Document>(definition: CollectionDefinition<D>): Collection<D>;

  /** The collection of a certain version, for its projection. */
  version<D extends Document>(definition: CollectionDefinition<D>, version: number): Collection<D>;

  /**
   * Writes documents and the checkpoints that they belong to (by projection and version): after a crash either all
   * of it is there, or it is completed before anything else is read for writing. Each document is guarded by
   * position: one that is already as new as its write's checkpoint stays.
   *
   * A store without transactions over several documents keeps a journal: the whole write is laid down there first.
   * A compare-and-set on one document that has all checkpoints is the commit: it refuses a stale writer before any
   * document changes, and names the journal as pending. Then come the documents, then the checkpoints move, and the
   * journal is removed. One that is found pending later is done again from the start, which the guard by
   * position makes harmless. So is a slow writer whose journal somebody else has completed, if what it deletes
   * leaves its position behind (a tombstone). Such a store hides no part of a write from queries meanwhile, but
   * it does from projections.
   *
   * `expected` is the checkpoint's position before, or -1 where there was none.
   *
   * @throws KeyError when a document cannot have its key, before anything is written.
   * @throws DocumentSizeError when a document is larger than the store takes, before anything is written.
   * @throws CheckpointConflictError when a checkpoint is not where the writer thought (`expected`): somebody else
   *   is writing, and this writer must stop.
   */
  write(
    writes: readonly (DocumentWrite & { readonly projection: string; readonly version: number })[],
    checkpoints: readonly { readonly next: Checkpoint; readonly expected: number }[],
  ): Promise<void>;

  /** For whoever writes on from there: a write that died is completed first, and one that is still under way elsewhere is in or never will be. */
  checkpoint(projection: string, version: number): Promise<Checkpoint | undefined>;
  /** All of them, as they stand: for looking. */
  checkpoints(): Promise<Checkpoint[]>;

  serving(): Promise<Serving[]>;
  /** Switches queries to a version; other versions stay until dropped. */
  serve(projection: string, version: number): Promise<void>;
  /** Deletes all documents and the checkpoint of a version; where it served, nothing serves. A crash in between is made good later. */
  drop(projection: string, version: number): Promise<void>;

  /** Every document of a version of a collection in the order of keys, each as canonical JSON bytes: for comparing stores. Nothing may write to it meanwhile. */
  dump<D extends Document>(
    definition: CollectionDefinition<D>,
    version: number,
  ): AsyncIterable<{ key: Key; bytes: Uint8Array }>;

  /** A lease as it is; undefined where nobody ever had it. */
  lease(name: string): Promise<Lease | undefined>;
  /**
   * Changes a lease that is as expected (`undefined`: that nobody ever had); false where it is not. Leases are no
   * part of any version, and stay when all are dropped.
   */
  changeLease(next: Lease, expected: Lease | undefined): Promise<boolean>;

  /** Absent where files are the business of another server, which alone knows what it keeps in them. */
  readonly scrubbing?: Scrubbing;

  /** Lets go of what is kept open for reading: what another thread has written by now is read from here on. */
  refresh?(): void;

  close(): Promise<void>;
}
