/** The read store cannot be reached or written now. */
export class ReadStoreUnavailableError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'ReadStoreUnavailableError';
  }
}

/** No version of this read model serves yet: it is being built from the log. */
export class ReadModelNotReadyError extends Error {
  readonly projection: string;

  constructor(projection: string) {
    super(`The read model ${projection} is being built from the log.`);
    this.name = 'ReadModelNotReadyError';
    this.projection = projection;
  }
}

/** A checkpoint is not where its writer left it: another process writes this projection. */
export class CheckpointConflictError extends Error {
  readonly projection: string;

  constructor(projection: string, expected: number, actual: number) {
    super(`Projection ${projection} stands at ${actual}, not ${expected}: another writer has it.`);
    this.name = 'CheckpointConflictError';
    this.projection = projection;
  }
}

/** The folder or database holds something that this program must not touch. */
export class ReadStoreFormatError extends Error {
  /** Whether it is read models of ours, in another format or damaged: they may be deleted, and are built again. */
  readonly ours: boolean;

  constructor(message: string, { ours = false }: { readonly ours?: boolean } = {}) {
    super(message);
    this.name = 'ReadStoreFormatError';
    this.ours = ours;
  }
}

/** A document's key or index values cannot be stored: longer than a store takes, or no JSON number. */
export class KeyError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'KeyError';
  }
}

/** A document is larger than the store takes. */
export class DocumentSizeError extends Error {
  constructor(collection: string, bytes: number, limit: number) {
    super(`A document of ${collection} has ${bytes} bytes, and the read store takes ${limit} at most.`);
    this.name = 'DocumentSizeError';
  }
}

/** The read models have not come as far as the caller must see; they are catching up. */
export class ReadModelsBehindError extends Error {
  readonly wanted: number;
  readonly processed: number;

  constructor(wanted: number, processed: number) {
    super(`The read models stand at position ${processed}, short of ${wanted}.`);
    this.name = 'ReadModelsBehindError';
    this.wanted = wanted;
    this.processed = processed;
  }
}
