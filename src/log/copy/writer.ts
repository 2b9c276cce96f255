import type { RawLog, RawStored } from '../adapter.js';
import { isSound } from '../codec.js';
import { placeholder, PLACEHOLDER } from '../placeholder.js';
import { START, type Position } from '../position.js';
import { appendPlaced, type Placed } from './appends.js';
import { Correspondence, type Pair } from './correspondence.js';
import { findAll, firstShown, isForeign, Revisions, shownOf } from './finding.js';
import { speaksOfPositions, Translation } from './positions.js';
import { goneItsOwnWay, isAnother } from './start.js';

/** What was copied by now. */
export interface CopyCounts {
  readonly records: number;
  /** Of their data and metadata. */
  readonly bytes: number;
  /** Records that were gone or could not be read: placeholders hold their revisions. */
  readonly placeholders: number;
  /** Records that have come before others of other streams that they follow in the source. */
  readonly disordered: number;
}

/** Placeholders that are made at a time. */
const FILLED_AT_ONCE = 2_000;

/** Writes records of one log into another, each at its own revision. All of it may be done again after a failure. */
export class CopyWriter {
  readonly #source: RawLog;
  readonly #target: RawLog;
  readonly #revisions: Revisions;
  readonly #correspondence = new Correspondence();
  readonly #translation: Translation;
  readonly #roundRecords: number;
  #records = 0;
  #bytes = 0;
  #placeholders = 0;
  #disordered = 0;
  #last = START;

  /** @param roundRecords records that may be on their way at once */
  constructor(source: RawLog, target: RawLog, roundRecords: number) {
    this.#source = source;
    this.#target = target;
    this.#revisions = new Revisions(target);
    this.#translation = new Translation(source, target, this.#correspondence, 2 * roundRecords);
    this.#roundRecords = roundRecords;
  }

  get counts(): CopyCounts {
    return {
      records: this.#records,
      bytes: this.#bytes,
      placeholders: this.#placeholders,
      disordered: this.#disordered,
    };
  }

  /** The streams of what was written or found. */
  streams(): Iterable<string> {
    return this.#revisions.streams();
  }

  /** After a failure nobody knows what was written. */
  doubt(): void {
    this.#revisions.doubt();
  }

  /**
   * Writes what follows in the source, as read from it, in its order, and what lies before it in its streams and was
   * not among what was read. Gives what was passed over, since it is not what its checksum says: it is copied with what
   * follows in its stream, or by `complete`, from where the stream's index leads.
   *
   * @throws LogUnavailableError, CopyRefusedError
   */
  async write(records: readonly RawStored[]): Promise<readonly RawStored[]> {
    const damaged: RawStored[] = [];
    let round = new Round();
    for (const record of records) {
      if (isForeign(record)) continue;
      const { stream, revision } = record;
      if (!isSound(record)) {
        damaged.push(record);
        continue;
      }
      const last = round.revision(stream) ?? (await this.#revisions.of(stream));
      if (revision > last + 1 || round.size >= this.#roundRecords) {
        await this.#finish(round);
        round = new Round();
        await this.#fill(stream, last + 1, revision - 1);
      }
      round.add(record, revision > last);
    }
    await this.#finish(round);
    return damaged;
  }

  /** Writes what a stream has up to a position of the source, and was not copied in passing. */
  async complete(stream: string, upTo: Position): Promise<void> {
    const last = await this.#revisions.of(stream);
    let end = last;
    for await (const { revision, position } of shownOf(this.#source, stream, last + 1)) {
      if (position > upTo) break;
      end = revision;
    }
    await this.#fill(stream, last + 1, end);
  }

  /** Holds revisions of a stream by placeholders, for records that retention has taken. */
  async retire(stream: string, from: number, to: number): Promise<void> {
    await this.#put(stream, from, to, true);
  }

  /** One round is finished as a whole: no record of the next is written before. */
  async #finish(round: Round): Promise<void> {
    const pairs = await this.#checkPresent(round.present);
    const positions = await this.#append(round.first.map((record) => placed(record)));
    for (const [nth, { position }] of round.first.entries()) {
      pairs.push({ source: position, target: positions[nth] ?? 0 });
    }
    this.#correspondence.add(pairs.sort((a, b) => a.source - b.source));
    await this.#append(await Promise.all(round.second.map((record) => this.#translated(record))));
  }

  /** What is there already has to be the same record; from where to go on, only the last of them are looked at. */
  async #checkPresent(present: readonly RawStored[]): Promise<Pair[]> {
    const found = await findAll(this.#target, present);
    const pairs: Pair[] = [];
    for (const [record, there] of found) {
      if (isAnother(record, there)) throw goneItsOwnWay(there);
      if (record.type === PLACEHOLDER || speaksOfPositions(record)) continue;
      pairs.push({ source: record.position, target: there.position });
    }
    return pairs;
  }

  /**
   * Writes these revisions of a stream as its index has them: records that reading the whole log could not give
   * as they are, damaged ones too, and placeholders for the rest.
   */
  async #fill(stream: string, from: number, to: number): Promise<void> {
    if (from > to) return;
    const start = (await firstShown(this.#source, stream))?.revision ?? Infinity;
    let next = from;
    for await (const { revision, record } of shownOf(this.#source, stream, from, to - from + 1)) {
      if (revision > to) break;
      await this.#put(stream, next, Math.min(revision, start) - 1, true);
      await this.#put(stream, Math.max(next, start), revision - 1, false);
      if (record === undefined) await this.#put(stream, revision, revision, false);
      else await this.#append([await this.#translated(record)]);
      next = revision + 1;
    }
    await this.#put(stream, next, Math.min(to, start - 1), true);
    await this.#put(stream, Math.max(next, start), to, false);
  }

  async #put(stream: string, from: number, to: number, retired: boolean): Promise<void> {
    for (let first = from; first <= to; first += FILLED_AT_ONCE) {
      const count = Math.min(FILLED_AT_ONCE, to - first + 1);
      const records = Array.from({ length: count }, (_, nth) => {
        const revision = first + nth;
        return { stream, revision, record: placeholder(stream, revision, retired) };
      });
      await this.#append(records);
    }
  }

  async #translated(record: RawStored): Promise<Placed> {
    return placed(record, await this.#translation.translated(record));
  }

  async #append(records: readonly Placed[]): Promise<readonly Position[]> {
    if (records.length === 0) return [];
    const positions = await appendPlaced(this.#target, records);
    for (const position of positions) {
      if (position < this.#last) this.#disordered++;
      this.#last = Math.max(this.#last, position);
    }
    for (const { stream, revision, record } of records) {
      this.#revisions.set(stream, revision);
      if (record.type === PLACEHOLDER) this.#placeholders++;
      else {
        this.#records++;
        this.#bytes += record.data.byteLength + record.metadata.byteLength;
      }
    }
    return positions;
  }
}

function placed({ stream, revision, ...record }: RawStored, as: Placed['record'] = record): Placed {
  return { stream, revision, record: as };
}

/** Records that are written together: first those that speak of no positions, then the others. */
class Round {
  readonly present: RawStored[] = [];
  readonly first: RawStored[] = [];
  readonly second: RawStored[] = [];
  readonly #last = new Map<string, number>();
  readonly #later = new Set<string>();

  get size(): number {
    return this.present.length + this.first.length + this.second.length;
  }

  /** The last revision of a stream when this round is finished, where it is among its streams. */
  revision(stream: string): number | undefined {
    return this.#last.get(stream);
  }

  add(record: RawStored, isNew: boolean): void {
    const { stream, revision } = record;
    if (!isNew) {
      this.present.push(record);
      return;
    }
    this.#last.set(stream, revision);
    // A stream's own order is kept.
    if (speaksOfPositions(record)) this.#later.add(stream);
    if (this.#later.has(stream)) this.second.push(record);
    else this.first.push(record);
  }
}
