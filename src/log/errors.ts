/** The stream is not where the writer thought: load again, decide again. */
export class WrongRevisionError extends Error {
  readonly stream: string;
  readonly expected: number;
  readonly actual: number;

  constructor(stream: string, expected: number, actual: number) {
    super(`Stream ${stream} is at revision ${actual}, not ${expected}.`);
    this.name = 'WrongRevisionError';
    this.stream = stream;
    this.expected = expected;
    this.actual = actual;
  }
}

/** One record alone is larger than an append may be (1 MiB). */
export class RecordTooLargeError extends Error {
  readonly bytes: number;
  readonly limit: number;

  constructor(bytes: number, limit: number) {
    super(`A record of ${bytes} bytes exceeds the limit of ${limit} bytes.`);
    this.name = 'RecordTooLargeError';
    this.bytes = bytes;
    this.limit = limit;
  }
}

/** A record does not fit the schema of its type: a fault of ours, found before it is history. */
export class InvalidRecordError extends Error {
  constructor(type: string, details: string) {
    super(`A record of type ${type} does not fit its schema: ${details}`);
    this.name = 'InvalidRecordError';
  }
}

/** The log cannot be reached or written now. Where `outcomeUnknown`, repeat with the same record IDs to settle it. */
export class LogUnavailableError extends Error {
  readonly outcomeUnknown: boolean;

  constructor(message: string, options: { outcomeUnknown: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.name = 'LogUnavailableError';
    this.outcomeUnknown = options.outcomeUnknown;
  }
}

export class LogClosedError extends Error {
  constructor() {
    super('The log is closed.');
    this.name = 'LogClosedError';
  }
}

/** The folder or server holds something that this program must not touch: foreign, newer, or in use. */
export class LogFormatError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'LogFormatError';
  }
}
