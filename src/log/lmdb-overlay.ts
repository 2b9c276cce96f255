import type { Database } from 'lmdb';

export type Table = Database<Buffer, Buffer>;

/** One change to a table; an absent value removes. */
export interface Change {
  readonly table: OverlaidTable;
  readonly key: Buffer;
  readonly value: Buffer | undefined;
}

/** From `start`, inclusive, to `end`, exclusive; backwards the start is the greater. */
export interface TableRange {
  readonly start?: Buffer;
  readonly end?: Buffer;
  readonly reverse?: boolean;
  readonly limit?: number;
}

interface Entry {
  readonly key: Buffer;
  readonly value: Buffer;
}

/**
 * A table of LMDB with changes over it that are on the disk already, but not in LMDB yet: two layers of them at most, the
 * newer of which grows while the older is being written. Keys that only ever grow are added at the end; others cost a
 * search and a move of what is behind them.
 */
export class OverlaidTable {
  readonly stored: Table;
  #newer = new Layer();
  #older = new Layer();

  constructor(stored: Table) {
    this.stored = stored;
  }

  put(key: Buffer, value: Buffer | undefined): void {
    this.#newer.put(key, value);
  }

  getBinary(key: Buffer): Buffer | undefined {
    for (const layer of [this.#newer, this.#older]) {
      const at = layer.find(key);
      if (at !== undefined) return layer.values[at];
    }
    return this.stored.getBinary(key);
  }

  *getKeys(range: TableRange = {}): Generator<Buffer> {
    for (const { key } of this.getRange(range)) yield key;
  }

  /** One snapshot of what is stored, merged with what lies over it as of the first step. */
  *getRange(range: TableRange = {}): Generator<Entry> {
    const { limit = Infinity, ...bounds } = range;
    const over = this.#over(bounds);
    let [left, next] = [limit, 0];
    const sign = range.reverse === true ? -1 : 1;
    if (left <= 0) return;
    for (const entry of this.stored.getRange(
      over.length === 0 && limit < Infinity ? { ...bounds, limit } : bounds,
    )) {
      let isReplaced = false;
      for (let change; (change = over[next]) !== undefined; next++) {
        const order = sign * Buffer.compare(change.key, entry.key);
        if (order > 0) break;
        isReplaced ||= order === 0;
        if (change.value === undefined) continue;
        yield { key: change.key, value: change.value };
        if (--left === 0) return;
      }
      if (isReplaced) continue;
      yield entry;
      if (--left === 0) return;
    }
    for (const { key, value } of over.slice(next)) {
      if (value === undefined) continue;
      yield { key, value };
      if (--left === 0) return;
    }
  }

  /** What is to be written to LMDB now; it stays over the table until `settle`. */
  freeze(): readonly Change[] {
    this.#older = this.#newer;
    this.#newer = new Layer();
    return this.#older.keys.map((key, at) => ({ table: this, key, value: this.#older.values[at] }));
  }

  /** LMDB has what was frozen. */
  settle(): void {
    this.#older = new Layer();
  }

  /** Nothing lies over the table. */
  clear(): void {
    this.#newer = new Layer();
    this.#older = new Layer();
  }

  /** The changes within a range, in its order. */
  #over(range: Omit<TableRange, 'limit'>): { readonly key: Buffer; readonly value: Buffer | undefined }[] {
    const [newer, older] = [this.#newer.within(range), this.#older.within(range)];
    if (older.length === 0) return newer;
    if (newer.length === 0) return older;
    const sign = range.reverse === true ? -1 : 1;
    return [...newer, ...older.filter(({ key }) => this.#newer.find(key) === undefined)].sort(
      (a, b) => sign * Buffer.compare(a.key, b.key),
    );
  }
}

/** Changes by key, in the order of keys. */
class Layer {
  readonly keys: Buffer[] = [];
  readonly values: (Buffer | undefined)[] = [];

  put(key: Buffer, value: Buffer | undefined): void {
    const at = this.#from(key);
    if (this.keys[at]?.equals(key) === true) {
      this.values[at] = value;
    } else if (at === this.keys.length) {
      this.keys.push(key);
      this.values.push(value);
    } else {
      this.keys.splice(at, 0, key);
      this.values.splice(at, 0, value);
    }
  }

  find(key: Buffer): number | undefined {
    if (this.keys.length === 0) return undefined;
    const at = this.#from(key);
    return this.keys[at]?.equals(key) === true ? at : undefined;
  }

  within({
    start,
    end,
    reverse = false,
  }: Omit<TableRange, 'limit'>): { key: Buffer; value: Buffer | undefined }[] {
    if (this.keys.length === 0) return [];
    // Backwards what is asked for reaches from behind `end` up to `start`.
    const [low, high] = reverse
      ? [
          end === undefined ? 0 : this.#after(end),
          start === undefined ? this.keys.length : this.#after(start),
        ]
      : [start === undefined ? 0 : this.#from(start), end === undefined ? this.keys.length : this.#from(end)];
    const found = this.keys.slice(low, high).map((key, i) => ({ key, value: this.values[low + i] }));
    return reverse ? found.reverse() : found;
  }

  /** The place of the first key that is not less. */
  #from(key: Buffer): number {
    const last = this.keys.at(-1);
    if (last === undefined || Buffer.compare(last, key) < 0) return this.keys.length;
    let [low, high] = [0, this.keys.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (Buffer.compare(this.keys[middle] as Buffer, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #after(key: Buffer): number {
    const at = this.#from(key);
    return this.keys[at]?.equals(key) === true ? at + 1 : at;
  }
}
