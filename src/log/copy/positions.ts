import type { RawLog, RawRecord, RawStored } from '../adapter.js';
import { decode, isSound, withData } from '../codec.js';
import type { JsonObject } from '../json.js';
import { START, type Position } from '../position.js';
import { findAll, firstShown, isForeign } from './finding.js';
import type { Correspondence } from './correspondence.js';

/*
 * Positions differ from log to log, and some records speak of them. These get the target's positions: all else of them,
 * and every other record, stays as it is. They are never staged, since none is written with others of any size; and
 * nothing follows from them in other streams, so that they may come a little after their place.
 */
const FIELDS: Readonly<Record<string, string>> = {
  'cursor.moved': 'position',
  'receipt.posted': 'event_position',
};

/** Whether a record names a position. */
export function speaksOfPositions({ type }: RawRecord): boolean {
  return FIELDS[type] !== undefined;
}

/** Whether two records are the same but for the positions that they name; for those that name none, to the byte. */
export function isSame(one: RawStored, other: RawStored): boolean {
  if (one.id !== other.id || one.type !== other.type) return false;
  const field = FIELDS[one.type];
  if (equal(one.data, other.data) && equal(one.metadata, other.metadata)) return true;
  if (field === undefined || !isSound(one) || !isSound(other)) return false;
  const [first, second] = [decode(one), decode(other)];
  return (
    JSON.stringify({ ...first, data: { ...first.data, [field]: null } }) ===
    JSON.stringify({ ...second, data: { ...second.data, [field]: null } })
  );
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

/** Translates positions of one log into those of its copy. */
export class Translation {
  readonly #source: RawLog;
  readonly #target: RawLog;
  readonly #correspondence: Correspondence;
  readonly #safeDistance: number;

  /** @param safeDistance more records than are ever on their way at once: what lies so far apart is in the same order in both */
  constructor(source: RawLog, target: RawLog, correspondence: Correspondence, safeDistance: number) {
    this.#source = source;
    this.#target = target;
    this.#correspondence = correspondence;
    this.#safeDistance = safeDistance;
  }

  /** The record as the target is to have it. All that it speaks of has been copied before. */
  async translated(record: RawStored): Promise<RawRecord> {
    const field = FIELDS[record.type];
    if (field === undefined || !isSound(record)) return record;
    const data: JsonObject = decode(record).data;
    const position = data[field];
    if (typeof position !== 'number' || position <= START) return record;
    const there = field === 'position' ? await this.#upTo(position) : await this.#at(position);
    return there === position ? record : withData(record, { ...data, [field]: there });
  }

  /** Where the record at a position is; null where it cannot be had any more. */
  async #at(position: Position): Promise<Position | null> {
    const known = this.#correspondence.at(position);
    if (known !== undefined) return known;
    const reading = { direction: 'forwards', after: position - 1, expected: 1 } as const;
    for await (const { records } of this.#source.readAll(reading)) {
      const [first] = records;
      if (first === undefined) continue;
      if (first.position !== position) return null;
      return (await findAll(this.#target, [first])).get(first)?.position ?? null;
    }
    return null;
  }

  /**
   * A place up to which the target has nothing but what the source has up to this one: at the last record where that
   * is remembered, else some way before it. A cursor that goes on from there does a little again.
   */
  async #upTo(position: Position): Promise<Position> {
    const known = this.#correspondence.upTo(position);
    if (known !== undefined) return known;
    let left = this.#safeDistance;
    for await (const { records } of this.#source.readAll({ direction: 'backwards', before: position + 1 })) {
      for (const record of records) {
        if (isForeign(record) || speaksOfPositions(record) || !isSound(record) || --left > 0) continue;
        const shown = await firstShown(this.#target, record.stream, record.revision);
        if (shown?.revision === record.revision) return shown.position;
      }
    }
    return START;
  }
}
