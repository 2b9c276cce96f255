import type { Database } from 'lmdb';
import { CheckpointConflictError, ReadStoreFormatError } from './errors.js';
import { decodeFact, encodeFact, FORMAT_KEY, MAGIC } from './lmdb-stored.js';
import type { Checkpoint, CollectionDefinition, Lease, Serving } from './store.js';

/** Raised when stores of before cannot be read any more: read models are rebuilt, never migrated. */
const FORMAT = 3;

/** A physical collection: the numbers that its entries' keys begin with. */
export interface Slot {
  readonly projection: string;
  readonly version: number;
  readonly id: number;
  readonly indexes: Readonly<Record<string, number>>;
}

interface Catalogue {
  readonly generation: number;
  readonly nextId: number;
  /** By physical name, `<collection>@<version>`. */
  readonly slots: Readonly<Record<string, Slot>>;
  /** Versions by projection. */
  readonly serving: Readonly<Record<string, number>>;
  /** Numbers whose entries are being deleted. */
  readonly dropped: readonly number[];
}

const EMPTY: Catalogue = { generation: 0, nextId: 1, slots: {}, serving: {}, dropped: [] };
const GENERATION = Buffer.from('generation');
/** A checksum, and a number. */
const GENERATION_BYTES = 12;
const CATALOGUE = Buffer.from('catalogue');
const CHECKPOINTS = Buffer.from('checkpoints');
const LEASE = 'lease/';
const SCRUBBED = Buffer.from('scrubbed');

/**
 * What an LMDB read store knows of itself. Held in memory, and read again when a number in the store says that
 * another process or thread changed it (200 ns). Whatever changes it must run in a write transaction.
 */
export class LmdbCatalogue {
  readonly #meta: Database<Buffer, Uint8Array>;
  #known: Catalogue = EMPTY;
  /** The checksum that was stored with its number, once that was looked at. */
  #checksum: number | undefined;

  constructor(meta: Database<Buffer, Uint8Array>) {
    this.#meta = meta;
  }

  /** @throws ReadStoreFormatError */
  checkFormat(): void {
    const found = this.#format();
    const is = typeof found === 'object' && found !== null ? found : {};
    if (!('magic' in is) || is.magic !== MAGIC || !('format' in is)) {
      throw new ReadStoreFormatError('The database holds no read models of this program.');
    }
    if (is.format !== FORMAT) {
      throw new ReadStoreFormatError(
        `The read models are of format ${String(is.format)}, this program writes format ${FORMAT}: delete them, they are rebuilt from the log.`,
        { ours: true },
      );
    }
  }

  isEmpty(): boolean {
    return [...this.#meta.getKeys({ limit: 1 })].length === 0;
  }

  /** Makes what is empty a store of this format. */
  begin(): void {
    if (!this.isEmpty()) return;
    void this.#meta.put(FORMAT_KEY, Buffer.from(JSON.stringify({ magic: MAGIC, format: FORMAT })));
    this.#change(EMPTY);
  }

  current(): Catalogue {
    const bytes = this.#meta.getBinaryFast(GENERATION);
    // Field by field: what lmdb gives here is longer than it says.
    if (
      bytes?.length === GENERATION_BYTES &&
      bytes.readUInt32LE() === this.#checksum &&
      bytes.readDoubleBE(4) === this.#known.generation
    ) {
      return this.#known;
    }
    const generation = bytes === undefined ? 0 : decodeFact(GENERATION, bytes).readDoubleBE();
    this.#checksum = bytes?.readUInt32LE();
    if (generation !== this.#known.generation)
      this.#known = (this.#read(CATALOGUE) as Catalogue | undefined) ?? EMPTY;
    return this.#known;
  }

  slot(definition: CollectionDefinition<never>, version: number): Slot | undefined {
    const slot = this.current().slots[`${definition.name}@${version}`];
    if (slot !== undefined) checkIndexes(definition, slot);
    return slot;
  }

  /** The slot, made where there is none. */
  makeSlot(definition: CollectionDefinition<never>, version: number): Slot {
    const found = this.slot(definition, version);
    if (found !== undefined) return found;
    const { nextId, slots, ...rest } = this.current();
    const names = Object.keys(definition.indexes);
    const slot: Slot = {
      projection: definition.projection,
      version,
      id: nextId,
      indexes: Object.fromEntries(names.map((name, i) => [name, nextId + 1 + i])),
    };
    this.#change({
      ...rest,
      nextId: nextId + 1 + names.length,
      slots: { ...slots, [`${definition.name}@${version}`]: slot },
    });
    return slot;
  }

  serving(): Serving[] {
    return Object.entries(this.current().serving).map(([projection, version]) => ({ projection, version }));
  }

  serve(projection: string, version: number): void {
    const current = this.current();
    if (current.serving[projection] === version) return;
    this.#change({ ...current, serving: { ...current.serving, [projection]: version } });
  }

  checkpoint(projection: string, version: number): Checkpoint | undefined {
    return this.checkpoints().find((one) => one.projection === projection && one.version === version);
  }

  /** Of all projections: they are kept as one, since nearly all move together. */
  checkpoints(): Checkpoint[] {
    return (this.#read(CHECKPOINTS) as Checkpoint[] | undefined) ?? [];
  }

  /** Moves checkpoints, each from where it is expected to be. @throws CheckpointConflictError */
  moveCheckpoints(moves: readonly { readonly next: Checkpoint; readonly expected: number }[]): void {
    const known = new Map(this.checkpoints().map((one) => [`${one.projection}@${one.version}`, one]));
    for (const { next, expected } of moves) {
      const name = `${next.projection}@${next.version}`;
      const actual = known.get(name)?.position ?? -1;
      if (actual !== expected) throw new CheckpointConflictError(next.projection, expected, actual);
      known.set(name, next);
    }
    this.#write(CHECKPOINTS, [...known.values()]);
  }

  lease(name: string): Lease | undefined {
    return this.#read(leaseKey(name)) as Lease | undefined;
  }

  changeLease(next: Lease, expected: Lease | undefined): boolean {
    const actual = this.lease(next.name);
    if (actual?.holder !== expected?.holder || actual?.beat !== expected?.beat) return false;
    const { name, holder, beat } = next;
    this.#write(leaseKey(name), { name, holder, beat });
    return true;
  }

  /** Up to which position of the log the files were scrubbed. */
  scrubbed(): number {
    const found = this.#read(SCRUBBED);
    return typeof found === 'number' ? found : -1;
  }

  writeScrubbed(position: number): void {
    this.#write(SCRUBBED, position);
  }

  /** Forgets a version; its entries are still to be deleted. */
  drop(projection: string, version: number): void {
    const current = this.current();
    const slots = Object.entries(current.slots);
    const gone = slots.filter(([, slot]) => slot.projection === projection && slot.version === version);
    const serving = Object.entries(current.serving).filter(
      (entry) => entry[0] !== projection || entry[1] !== version,
    );
    const left = this.checkpoints().filter((one) => one.projection !== projection || one.version !== version);
    this.#write(CHECKPOINTS, left);
    // Its documents may have what was taken out of others long ago.
    void this.#meta.remove(SCRUBBED);
    this.#change({
      ...current,
      slots: Object.fromEntries(slots.filter((entry) => !gone.includes(entry))),
      serving: Object.fromEntries(serving),
      dropped: [...current.dropped, ...gone.flatMap(([, slot]) => [slot.id, ...Object.values(slot.indexes)])],
    });
  }

  purged(id: number): void {
    const current = this.current();
    this.#change({ ...current, dropped: current.dropped.filter((other) => other !== id) });
  }

  /** Forgets what is in memory, where the transaction that it came from was undone. */
  reload(): void {
    this.#known = { ...EMPTY, generation: -1 };
  }

  #change(next: Catalogue): void {
    const generation = this.current().generation + 1;
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(generation);
    this.#known = { ...next, generation };
    this.#write(CATALOGUE, this.#known);
    void this.#meta.put(GENERATION, encodeFact(GENERATION, bytes));
  }

  /** The one value without a checksum: stores of every format are told by it. */
  #format(): unknown {
    const bytes = this.#meta.getBinary(FORMAT_KEY);
    try {
      return bytes === undefined ? undefined : JSON.parse(bytes.toString());
    } catch {
      return undefined;
    }
  }

  #read(key: Uint8Array): unknown {
    const bytes = this.#meta.getBinary(key);
    return bytes === undefined ? undefined : (JSON.parse(decodeFact(key, bytes).toString()) as unknown);
  }

  #write(key: Uint8Array, value: unknown): void {
    void this.#meta.put(key, encodeFact(key, Buffer.from(JSON.stringify(value))));
  }
}

function leaseKey(name: string): Uint8Array {
  return Buffer.from(`${LEASE}${name}`);
}

/** Entries of an index that was added later are missing for the documents of before. */
function checkIndexes(definition: CollectionDefinition<never>, slot: Slot): void {
  const names = Object.keys(definition.indexes);
  if (names.length === Object.keys(slot.indexes).length && names.every((name) => name in slot.indexes))
    return;
  throw new ReadStoreFormatError(
    `Collection ${definition.name} was written with other indexes: raise its projection's version.`,
  );
}
