import type { RawLog, RawStored } from '../adapter.js';
import { isSound } from '../codec.js';
import { PLACEHOLDER } from '../placeholder.js';
import type { Position } from '../position.js';
import { findAll, AT_ONCE, firstShown, isForeign, shownOf, streamOf } from './finding.js';
import { Lookahead } from './lookahead.js';
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
  #suspectsAll = false;
  #lookahead: Lookahead | undefined;
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

  /**
   * Streams in which something is damaged, or that the copy has less of, with the revision from which on that may be:
   * to be compared by their indexes at the end, since nothing else may know what is there.
   */
  async suspects(): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    const streams = [...new Set([...this.#streams, ...this.#suspects])];
    while (streams.length > 0) {
      await Promise.all(
        streams.splice(0, AT_ONCE).map(async (stream) => {
          const last = await this.#source.revision(stream);
          const copied = await this.#target.revision(stream);
          if (this.#suspectsAll || this.#suspects.has(stream)) found.set(stream, 0);
          else if (copied < last) found.set(stream, copied + 1);
        }),
      );
    }
    return found;
  }

  /** Compares a batch of the source's records, and says whether there may be more. May be done again where it fails. */
  async take(records: readonly RawStored[]): Promise<boolean> {
    const wanted: RawStored[] = [];
    for (const record of records) {
      if (record.position > this.#upTo) break;
      if (isForeign(record)) continue;
      if (isSound(record)) {
        wanted.push(record);
        this.#streams.add(record.stream);
      } else this.suspect(await streamOf(this.#source, record));
    }
    const found = await this.#find(wanted);
    const missing: RawStored[] = [];
    for (const record of wanted) {
      if (!found.has(record) && (await this.#isMissing(record))) missing.push(record);
    }
    for (const [record, copy] of found) this.#compare(record, copy);
    for (const { stream, revision } of missing) this.#differs(stream, revision, 'The copy does not have it.');
    return (records.at(-1)?.position ?? this.#upTo) < this.#upTo;
  }

  /** Ends reading side by side; also where it failed, to begin with it again. */
  async pause(): Promise<void> {
    await this.#lookahead?.close();
    this.#lookahead = undefined;
  }

  /** A damaged record without a stream is of any of them. */
  suspect(stream: string | undefined): void {
    if (stream !== undefined) this.#suspects.add(stream);
    else this.#suspectsAll = true;
  }

  /** Compares what a stream's index leads to, where that is damaged. May be done again where it fails. */
  async takeSuspect(stream: string, from: number): Promise<void> {
    let damaged = 0;
    const differing: number[] = [];
    for await (const { revision, position, record } of shownOf(this.#source, stream, from)) {
      if (position > this.#upTo) break;
      if (record !== undefined && isSound(record)) continue;
      damaged++;
      const there = await firstShown(this.#target, stream, revision);
      const copy = there?.revision === revision ? there.record : undefined;
      const isKept = copy !== undefined && record !== undefined && isSame(record, copy);
      // What was damaged after it was copied is whole in the copy, a placeholder is where it was before.
      if (copy === undefined || !(isKept || isSound(copy))) differing.push(revision);
    }
    this.#damaged += damaged;
    for (const revision of differing) {
      this.#differs(stream, revision, 'It is damaged, and in the copy otherwise.');
    }
  }

  /** Both logs are read side by side, from where the first record is. */
  async #find(records: readonly RawStored[]): Promise<ReadonlyMap<RawStored, RawStored>> {
    const [first] = records;
    if (this.#lookahead === undefined) {
      const start = first === undefined ? undefined : (await findAll(this.#target, [first])).get(first);
      if (start === undefined) return findAll(this.#target, records);
      this.#lookahead = new Lookahead(this.#target, start.position - 1);
    }
    return this.#lookahead.findAll(records);
  }

  #compare(record: RawStored, copy: RawStored): void {
    const { stream, revision } = record;
    // Where the source has a placeholder, an older copy may have the record.
    if ((isSame(record, copy) || record.type === PLACEHOLDER) && isSound(copy)) {
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
  async #isMissing({ stream, revision }: RawStored): Promise<boolean> {
    const last = await this.#target.revision(stream);
    const shownThere = await firstShown(this.#target, stream);
    const isHidden = revision <= last && (shownThere === undefined || shownThere.revision > revision);
    const shown = await firstShown(this.#source, stream);
    return !isHidden || (shown !== undefined && shown.revision <= revision);
  }

  #differs(stream: string, revision: number, reason: string): void {
    this.#differing++;
    if (this.#differences.length < MOST_LISTED) this.#differences.push({ stream, revision, reason });
  }
}
