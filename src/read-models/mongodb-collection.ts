import { KeyError } from './errors.js';
import { encodeKey, MAX_ENTRY_BYTES, rangeBounds } from './keys.js';
import type { Between, MongoCommands } from './mongodb-commands.js';
import { keyText, type Row } from './mongodb-documents.js';
import type { Collection, CollectionDefinition, Document, Key, Range } from './store.js';

/** Runs a read on the collection of the database that is meant; where there is none yet, gives what is then read. */
export type Reading = <T>(read: (physical: string) => Promise<T>, nothing: T) => Promise<T>;

/**
 * Reading one collection. Each method is one command (`getMany` of more than a thousand keys is several), answered by one index. A
 * `find` that goes on while a write changes entries of its index may miss or repeat a document that moves there.
 */
export class MongoCollection<D extends Document> implements Collection<D> {
  readonly #commands: MongoCommands;
  readonly #definition: CollectionDefinition<D>;
  readonly #reading: Reading;

  constructor(commands: MongoCommands, definition: CollectionDefinition<D>, reading: Reading) {
    this.#commands = commands;
    this.#definition = definition;
    this.#reading = reading;
  }

  async get(key: Key): Promise<D | undefined> {
    const id = idOf(key);
    const row = await this.#reading<Row | undefined>(
      async (physical) => (id === undefined ? undefined : this.#commands.row(physical, id)),
      undefined,
    );
    return documentOf(row) as D | undefined;
  }

  async getMany(keys: readonly Key[]): Promise<(D | undefined)[]> {
    const ids = keys.map(idOf);
    const asked = [...new Set(ids.filter((id) => id !== undefined))];
    const rows = await this.#reading((physical) => this.#commands.rowsById(physical, asked), []);
    const found = new Map(rows.map((row) => [row._id, row]));
    return ids.map((id) => documentOf(id === undefined ? undefined : found.get(id)) as D | undefined);
  }

  async find(range: Range, index?: string): Promise<D[]> {
    const between = this.#between(range, index);
    const rows = await this.#reading(
      async (physical) => (between === undefined ? [] : this.#commands.rowsBetween(physical, between)),
      [],
    );
    return rows.map((row) => documentOf(row) as D | undefined).filter((document) => document !== undefined);
  }

  async count(range: Range, index?: string): Promise<number> {
    const between = this.#between(range, index);
    return this.#reading(
      async (physical) => (between === undefined ? 0 : this.#commands.countBetween(physical, between)),
      0,
    );
  }

  /** Undefined where there can be nothing. */
  #between(range: Range, index: string | undefined): Between | undefined {
    if (index !== undefined && !Object.hasOwn(this.#definition.indexes, index)) {
      throw new KeyError(`There is no index ${index}.`);
    }
    const { limit, reverse = false } = range;
    const bounds = rangeBounds(range);
    if (bounds === undefined || (limit !== undefined && limit <= 0)) return undefined;
    return { low: keyText(bounds.low), high: keyText(bounds.high), index, reverse, limit };
  }
}

/** The document of a row; undefined where it was deleted. */
export function documentOf(row: Row | undefined): Document | undefined {
  return row?.json === undefined ? undefined : (JSON.parse(row.json) as Document);
}

/** Undefined for what is too long to be the key of a document. */
function idOf(key: Key): string | undefined {
  const bytes = encodeKey(key);
  return bytes.length > MAX_ENTRY_BYTES ? undefined : keyText(bytes);
}
