import { crc32 } from 'node:zlib';
import type { RangeOptions } from 'lmdb';
import { RoomStateDamagedError } from './errors.js';
import type { Table, TableKey, WriteQueue } from './lmdb-write-queue.js';

/** How values become bytes; decoding throws what is no value. */
export interface Codec<V> {
  encode(value: V): Buffer;
  decode(bytes: Buffer): V;
}

/** Bytes that whoever reads them checks by their name. */
export const plainBytes: Codec<Uint8Array> = {
  encode: (value) => Buffer.from(value.buffer, value.byteOffset, value.byteLength),
  decode: (bytes) => bytes,
};

const CHECKSUM_BYTES = 4;

/** JSON behind a CRC-32 of it: LMDB keeps no checksums, and what is decided must not rest on what a bad disk makes of it. */
export function checkedJson<V>(): Codec<V> {
  return {
    encode(value) {
      const text = JSON.stringify(value);
      const bytes = Buffer.allocUnsafe(CHECKSUM_BYTES + Buffer.byteLength(text));
      bytes.write(text, CHECKSUM_BYTES);
      bytes.writeUInt32LE(crc32(bytes.subarray(CHECKSUM_BYTES)));
      return bytes;
    },
    decode(bytes) {
      if (!isWhole(bytes)) throw new RoomStateDamagedError();
      return JSON.parse(bytes.toString('utf8', CHECKSUM_BYTES)) as V;
    },
  };
}

function isWhole(bytes: Buffer): boolean {
  return bytes.byteLength >= CHECKSUM_BYTES && bytes.readUInt32LE() === crc32(bytes.subarray(CHECKSUM_BYTES));
}

/** Whether what lies in a table was stored so; nodes are told by their names, and mended one by one. */
export function isSoundValue(table: string, _key: Buffer, bytes: Buffer): boolean {
  return table === 'nodes' || isWhole(bytes);
}

/** A table whose changes can be read before they are committed. */
export class WriteBehind<V> {
  readonly #table: Table;
  readonly #codec: Codec<V>;
  readonly #queue: WriteQueue;
  readonly #onDamage: (error: unknown) => void;
  readonly #pending = new Map<string, V>();

  constructor(table: Table, codec: Codec<V>, queue: WriteQueue, onDamage: (error: unknown) => void) {
    this.#table = table;
    this.#codec = codec;
    this.#queue = queue;
    this.#onDamage = onDamage;
  }

  /** @param name the key as text */
  get(name: string, key: TableKey): V | undefined {
    const pending = this.#pending.get(name);
    if (pending !== undefined) return pending;
    return this.#reading(() => {
      const bytes = this.#table.getBinary(key);
      return bytes && this.#codec.decode(bytes);
    });
  }

  has(name: string, key: TableKey): boolean {
    return this.#pending.has(name) || this.#reading(() => this.#table.doesExist(key));
  }

  put(name: string, key: TableKey, value: V): void {
    const isQueued = this.#pending.has(name);
    this.#pending.set(name, value);
    if (isQueued) return;
    this.#queue.push({
      table: this.#table,
      key,
      value: () => this.#codec.encode(this.#pending.get(name) as V),
      done: () => this.#pending.delete(name),
    });
  }

  /** Sets or removes what its caller keeps in sight until it is committed (`done`). */
  set(key: TableKey, value: V | undefined, done: () => void): void {
    const bytes = value && this.#codec.encode(value);
    this.#queue.push({ table: this.#table, key, value: () => bytes, done });
  }

  /** What is committed. */
  range(options: RangeOptions): { key: TableKey; value: V }[] {
    return this.#reading(() =>
      [...this.#table.getRange(options)].map(({ key, value }) => ({ key, value: this.#codec.decode(value) })),
    );
  }

  clear(): void {
    this.#pending.clear();
    this.#table.clearSync();
  }

  /** @throws RoomStateDamagedError for whatever LMDB cannot read, too: nothing here comes from outside */
  #reading<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      this.#onDamage(error);
      throw error instanceof RoomStateDamagedError ? error : new RoomStateDamagedError(error);
    }
  }
}
