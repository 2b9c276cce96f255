import type { RawLog, RawStored } from '../adapter.js';
import { NO_STREAM, type Position } from '../position.js';
import { isStreamName } from '../stream-name.js';

/** Streams that are looked up at the same time. */
export const AT_ONCE = 16;

/** Whether the log is asked to leave these alone: EventStoreDB's own events lie in the whole log, too. */
export function isForeign({ stream, type }: RawStored): boolean {
  return type.startsWith('$') || stream.startsWith('$');
}

/** What lies at a revision of a stream: a record, or damage. */
export interface Shown {
  readonly revision: number;
  readonly position: Position;
  readonly record: RawStored | undefined;
}

/** A stream as its retention shows it now, from a revision on, damaged records among the others. */
export async function* shownOf(
  log: RawLog,
  stream: string,
  from: number,
  expected?: number,
): AsyncGenerator<Shown> {
  const options = { direction: 'forwards', from, ...(expected === undefined ? {} : { expected }) } as const;
  for await (const { records, damaged } of log.readStream(stream, options)) {
    const shown: Shown[] = records.map((record) => ({
      revision: record.revision,
      position: record.position,
      record,
    }));
    for (const { revision, position } of damaged) {
      if (revision !== undefined) shown.push({ revision, position, record: undefined });
    }
    yield* shown.sort((a, b) => a.revision - b.revision);
  }
}

/** The first that a stream shows from a revision on, or undefined where it shows nothing. */
export async function firstShown(log: RawLog, stream: string, from = 0): Promise<Shown | undefined> {
  for await (const shown of shownOf(log, stream, from, 1)) return shown;
  return undefined;
}

/**
 * The stream of a record whose checksum is wrong, if the stream's index leads to it. Otherwise it may be the name that
 * is damaged, and the record may be of any stream.
 */
export async function streamOf(
  log: RawLog,
  { stream, revision, position }: RawStored,
): Promise<string | undefined> {
  if (!isStreamName(stream)) return undefined;
  return (await firstShown(log, stream, revision))?.position === position ? stream : undefined;
}

/**
 * Looks records of one log up in another, each at its stream and revision; those that it does not show are left out.
 * One read for each stream, several at once.
 */
export async function findAll(
  log: RawLog,
  records: readonly RawStored[],
): Promise<ReadonlyMap<RawStored, RawStored>> {
  const streams = [...byStream(records)];
  const found = new Map<RawStored, RawStored>();
  while (streams.length > 0) {
    await Promise.all(
      streams.splice(0, AT_ONCE).map(async ([stream, wanted]) => {
        const revisions = wanted.map(({ revision }) => revision);
        const there = await range(log, stream, Math.min(...revisions), Math.max(...revisions));
        for (const record of wanted) {
          const other = there.get(record.revision);
          if (other !== undefined) found.set(record, other);
        }
      }),
    );
  }
  return found;
}

function byStream(records: readonly RawStored[]): ReadonlyMap<string, readonly RawStored[]> {
  const streams = new Map<string, RawStored[]>();
  for (const record of records) {
    const others = streams.get(record.stream);
    if (others === undefined) streams.set(record.stream, [record]);
    else others.push(record);
  }
  return streams;
}

async function range(
  log: RawLog,
  stream: string,
  from: number,
  to: number,
): Promise<ReadonlyMap<number, RawStored>> {
  const records = new Map<number, RawStored>();
  for await (const { revision, record } of shownOf(log, stream, from, to - from + 1)) {
    if (revision > to) break;
    if (record !== undefined) records.set(revision, record);
    if (revision === to) break;
  }
  return records;
}

/** The last revisions of a log's streams, looked up once each, and then kept up by who appends. */
export class Revisions {
  readonly #log: RawLog;
  readonly #known = new Map<string, number | undefined>();

  constructor(log: RawLog) {
    this.#log = log;
  }

  async of(stream: string): Promise<number> {
    const known = this.#known.get(stream) ?? (await this.#log.revision(stream));
    this.#known.set(stream, known);
    return known;
  }

  set(stream: string, revision: number): void {
    this.#known.set(stream, revision);
  }

  /** After a failure nobody knows what was written: all are looked up again. */
  doubt(): void {
    for (const stream of this.#known.keys()) this.#known.set(stream, undefined);
  }

  /** Every stream that was ever asked for and exists. */
  *streams(): Generator<string> {
    for (const [stream, revision] of this.#known) if (revision !== NO_STREAM) yield stream;
  }
}
