import type { RawLog, RawStored } from '../adapter.js';
import { isSound } from '../codec.js';
import { PLACEHOLDER } from '../placeholder.js';
import type { Position } from '../position.js';
import { isStreamName } from '../stream-name.js';
import { findAll, firstShown, isForeign, shownOf } from './finding.js';
import { isSame } from './positions.js';

/** Where a copy is not what it was copied from. */
export interface Difference {
  readonly stream: string;
  readonly revision: number;
  readonly reason: string;
}

/** What comparing a log with its copy has come to. */
export interface Comparison {
  /** Records that are the same, to the byte but for the positions that some speak of. */
  readonly records: number;
  readonly bytes: number;
  /** Streams that they are of. */
  readonly streams: number;
  /** Records that are damaged in the source: in the copy they are as damaged, or a placeholder, or whole. */
  readonly damaged: number;
  readonly differing: number;
  /** The first of them. */
  readonly differences: readonly Difference[];
}

const MOST_LISTED = 100;

/** Compares the records of a source up to a position with those at the same places of its copy. */
export class Comparer {
  readonly #source: RawLog;
  readonly #target: RawLog;
  readonly #upTo: Position;
  readonly #streams = new Set<string>();
  readonly #suspects = new Set<string>();
  readonly #differences: Difference[] = [];
  #records = 0;
  #bytes = 0;
  #damaged = 0;
  #differing = 0;

  constructor(source: RawLog, target: RawLog, upTo: Position) {
    this.#source = source;
    this.#target = target;
    this.#upTo = upTo;
  }

  get result(): Comparison {
    return {
      records: this.#records,
      bytes: this.#bytes,
      streams: this.#streams.size,
      damaged: this.#damaged,
      differing: this.#differing,
      differences: this.#differences,
    };
  }

  /** Streams in which something is damaged: to be compared as a whole at the end, since only their indexes know them. */
  get suspects(): ReadonlySet<string> {
    return this.#suspects;
  }

  /** Compares a batch of the source's records, and says whether there may be more. */
  async take(records: readonly RawStored[]): Promise<boolean> {
    const wanted: RawStored[] = [];
    for (const record of records) {
      if (record.position > this.#upTo) break;
      if (isForeign(record)) continue;
      if (isSound(record)) wanted.push(record);
      else this.#suspects.add(record.stream);
      this.#streams.add(record.stream);
    }
    const found = await findAll(this.#target, wanted);
    for (const record of wanted) {
      const copy = found.get(record);
      if (copy === undefined) await this.#missing(record);
      else this.#compare(record, copy);
    }
    return (records.at(-1)?.position ?? this.#upTo) < this.#upTo;
  }

  /** A damaged record without a stream is of any of them. */
  suspect(stream: string | undefined): void {
    if (stream !== undefined) this.#suspects.add(stream);
    else for (const known of this.#streams) this.#suspects.add(known);
  }

  /** Compares what a stream's index leads to, where that is damaged. */
  async takeSuspect(stream: string): Promise<void> {
    if (!isStreamName(stream)) return;
    for await (const { revision, position, record } of shownOf(this.#source, stream, 0)) {
      if (position > this.#upTo) break;
      if (record !== undefined && isSound(record)) continue;
      this.#damaged++;
      const there = await firstShown(this.#target, stream, revision);
      const copy = there?.revision === revision ? there.record : undefined;
      const isKept = copy !== undefined && record !== undefined && isSame(record, copy);
      // What was damaged after it was copied is whole in the copy, a placeholder is where it was before.
      if (copy === undefined || !(isKept || isSound(copy))) {
        this.#differs(stream, revision, 'It is damaged, and in the copy otherwise.');
      }
    }
  }

  #compare(record: RawStored, copy: RawStored): void {
    const { stream, revision } = record;
    if (isSame(record, copy) && isSound(copy)) {
      this.#records++;
      this.#bytes += record.data.byteLength + record.metadata.byteLength;
    } else if (copy.type === PLACEHOLDER) {
      this.#differs(stream, revision, 'The copy has a placeholder: it could not be read when it was copied.');
    } else {
      this.#differs(
        stream,
        revision,
        isSound(copy) ? 'The copy has another record.' : 'The copy is damaged.',
      );
    }
  }

  /** What neither shows is gone by retention; what the copy alone does not show is missing. */
  async #missing(record: RawStored): Promise<void> {
    const { stream, revision } = record;
    const last = await this.#target.revision(stream);
    const shownThere = await firstShown(this.#target, stream);
    const isHidden = revision <= last && (shownThere === undefined || shownThere.revision > revision);
    const shown = await firstShown(this.#source, stream);
    if (!isHidden || (shown !== undefined && shown.revision <= revision)) {
      this.#differs(stream, revision, 'The copy does not have it.');
    }
  }

  #differs(stream: string, revision: number, reason: string): void {
    this.#differing++;
    if (this.#differences.length < MOST_LISTED) this.#differences.push({ stream, revision, reason });
  }
}
