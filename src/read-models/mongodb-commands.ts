import {
  MongoBulkWriteError,
  MongoServerError,
  type AnyBulkWriteOperation,
  type Collection,
  type Db,
  type Filter,
} from 'mongodb';
import { operationOf, type Change, type Changes, type Row } from './mongodb-documents.js';
import type { MongoLink } from './mongodb-link.js';
import type { State } from './mongodb-state.js';
import type { Lease } from './store.js';

/** What the database has of the state: the state, and what tells whose it is. */
export type StateDocument = State & { readonly magic: string; readonly format: number };

/** Documents whose keys, or whose entries in an index, lie between two texts. */
export interface Between {
  /** Included. */
  readonly low: string;
  /** Excluded. */
  readonly high: string;
  /** Undefined is the key itself. */
  readonly index: string | undefined;
  readonly reverse: boolean;
  readonly limit: number | undefined;
}

/** The names of our own collections begin so; all others are of read models. */
export const OWN = 'engram';
const STATE = { _id: 'state' } as const;
const STATES = OWN;
const JOURNAL = `${OWN}.journal`;
const LEASES = `${OWN}.leases`;

/**
 * Seconds for which MongoDB keeps what is left of deleted documents, and journals that nobody has committed: much
 * longer than a write can be under way. It is part of indexes that are there: another number takes another format.
 */
const KEPT = 24 * 60 * 60;

const DUPLICATE = 11000;
const NO_COLLECTION = 26;

/** Operations in one command, so that each is answered well within the time it has. */
const BULK = 1000;
/** Keys asked for in one command: with 4,000 bytes each they fit. */
const KEYS = 1000;
/** Documents that the server may send at once; it sends 16 MiB at most. */
const BATCH = 10_000;

interface Part {
  readonly _id: string;
  readonly write: readonly Changes[];
}

/**
 * Everything that the read store asks of MongoDB, and nothing of what it means. All of these are plain commands on
 * single collections, as MongoDB has had them since version 4.2.
 *
 * @throws ReadStoreUnavailableError from every method; the outcome is unknown then
 */
export class MongoCommands {
  readonly #link: MongoLink;
  /** Collections that have their indexes, as far as this process has seen to it. */
  readonly #indexed = new Set<string>();

  constructor(link: MongoLink) {
    this.#link = link;
  }

  get database(): string {
    return this.#link.database;
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  async state(): Promise<StateDocument | undefined> {
    return (await this.#link.run((db) => states(db).findOne(STATE, { projection: { _id: 0 } }))) ?? undefined;
  }

  /** As much of the state as says whether another layout is known. */
  async layout(): Promise<Pick<StateDocument, 'instance' | 'layout'> | undefined> {
    const projection = { _id: 0, instance: 1, layout: 1 };
    return (await this.#link.run((db) => states(db).findOne(STATE, { projection }))) ?? undefined;
  }

  /**
   * The state as most members have it, with its revision raised: whatever was sent before, and compares revisions,
   * is either in it or will not be.
   */
  async settledState(): Promise<StateDocument | undefined> {
    const found = await this.#link.run((db) =>
      states(db).findOneAndUpdate(
        STATE,
        { $inc: { revision: 1 } },
        { returnDocument: 'after', projection: { _id: 0 } },
      ),
    );
    return found ?? undefined;
  }

  /** False where there is one. */
  insertState(state: StateDocument): Promise<boolean> {
    return this.#link.run((db) => inserted(states(db).insertOne({ ...STATE, ...state })));
  }

  /** False where the state is not of this instance and revision any more. */
  async replaceState(next: StateDocument, instance: string, revision: number): Promise<boolean> {
    const result = await this.#link.run((db) =>
      states(db).replaceOne({ ...STATE, instance, revision }, next),
    );
    return result.matchedCount === 1;
  }

  /** Of all collections of the database, without MongoDB's own. */
  async collectionNames(): Promise<string[]> {
    const found = await this.#link.run((db) =>
      db.listCollections({}, { nameOnly: true, authorizedCollections: true }).toArray(),
    );
    return found.map(({ name }) => name).filter((name) => !name.startsWith('system.'));
  }

  /** To be called where another database has taken the place of the one that was known. */
  forgetIndexes(): void {
    this.#indexed.clear();
  }

  async dropCollection(physical: string): Promise<void> {
    await this.#link.run((db) =>
      db.dropCollection(physical).catch((error: unknown) => {
        if (!(error instanceof MongoServerError && error.code === NO_COLLECTION)) throw error;
      }),
    );
  }

  /** Makes the collection and its indexes where they are not there. */
  async prepareCollection(physical: string, indexes: readonly string[]): Promise<void> {
    if (this.#indexed.has(physical)) return;
    const ofCatalogue = indexes.map((name) => ({
      key: { [`by.${name}`]: 1 as const },
      name: `by.${name}`,
      sparse: true,
    }));
    const ofDeleted = {
      key: { deleted: 1 as const },
      name: 'deleted',
      sparse: true,
      expireAfterSeconds: KEPT,
    };
    await this.#link.run((db) => rows(db, physical).createIndexes([...ofCatalogue, ofDeleted]));
    this.#indexed.add(physical);
  }

  /** Makes changes, each but where the document is as new already, in any order: they are of different documents. */
  async change(physical: string, changes: readonly Change[], position: number): Promise<void> {
    for (let start = 0; start < changes.length; start += BULK) {
      const some = changes.slice(start, start + BULK);
      const refused = await this.#bulk(
        physical,
        some.map((change) => operationOf(change, position, true)),
      );
      if (refused.length === 0) continue;
      // These documents are there: as new already, or put there meanwhile by a write of before, which is changed now.
      const again = some.filter((_, i) => refused.includes(i));
      await this.#bulk(
        physical,
        again.map((change) => operationOf(change, position, false)),
      );
    }
  }

  async row(physical: string, id: string): Promise<Row | undefined> {
    const projection = { json: 1 };
    return (
      (await this.#link.run((db) => rows(db, physical).findOne({ _id: id }, { projection }))) ?? undefined
    );
  }

  async rowsById(physical: string, ids: readonly string[]): Promise<Row[]> {
    const found: Row[] = [];
    for (let start = 0; start < ids.length; start += KEYS) {
      const $in = ids.slice(start, start + KEYS);
      const options = { projection: { json: 1 }, batchSize: BATCH };
      found.push(
        ...(await this.#link.run((db) => rows(db, physical).find({ _id: { $in } }, options).toArray())),
      );
    }
    return found;
  }

  rowsBetween(physical: string, between: Between): Promise<Row[]> {
    const { index, reverse, limit } = between;
    const options = {
      projection: { json: 1 },
      sort: { [fieldOf(index)]: reverse ? -1 : 1 } as const,
      hint: hintOf(index),
      batchSize: BATCH,
      ...(limit === undefined ? {} : { limit }),
    };
    return this.#link.run((db) => rows(db, physical).find(filterOf(between), options).toArray());
  }

  countBetween(physical: string, between: Between): Promise<number> {
    const { index, limit } = between;
    const options = { hint: hintOf(index), ...(limit === undefined ? {} : { limit }) };
    return this.#link.run((db) => rows(db, physical).countDocuments(filterOf(between), options));
  }

  /** Its date is the server's, as of those that it is compared with when it is to be removed. */
  async putPart(journal: string, part: number, write: readonly Changes[]): Promise<void> {
    if (!this.#indexed.has(JOURNAL)) {
      const index = { key: { at: 1 as const }, name: 'at', expireAfterSeconds: KEPT };
      await this.#link.run((db) => db.collection(JOURNAL).createIndexes([index]));
      this.#indexed.add(JOURNAL);
    }
    const update = { $set: { write }, $currentDate: { at: true } } as const;
    await this.#link.run((db) =>
      db.collection<Part>(JOURNAL).updateOne({ _id: partId(journal, part) }, update, { upsert: true }),
    );
  }

  async part(journal: string, part: number): Promise<readonly Changes[] | undefined> {
    const found = await this.#link.run((db) =>
      db.collection<Part>(JOURNAL).findOne({ _id: partId(journal, part) }),
    );
    return found?.write;
  }

  async removeParts(journal: string, parts: number): Promise<void> {
    const $in = Array.from({ length: parts }, (_, part) => partId(journal, part));
    await this.#link.run((db) => db.collection<Part>(JOURNAL).deleteMany({ _id: { $in } }));
  }

  async lease(name: string): Promise<Lease | undefined> {
    const found = await this.#link.run((db) => leases(db).findOne({ _id: name }));
    return found === null ? undefined : { name, holder: found.holder, beat: found.beat };
  }

  /** False where there is one. */
  insertLease({ name, holder, beat }: Lease): Promise<boolean> {
    return this.#link.run((db) => inserted(leases(db).insertOne({ _id: name, holder, beat })));
  }

  /** False where it is not as expected. */
  async replaceLease({ name, holder, beat }: Lease, expected: Lease): Promise<boolean> {
    const filter = { _id: name, holder: expected.holder, beat: expected.beat };
    const result = await this.#link.run((db) => leases(db).updateOne(filter, { $set: { holder, beat } }));
    return result.matchedCount === 1;
  }

  /** Runs operations in any order; gives the indexes of those that were refused as duplicates. */
  #bulk(physical: string, operations: readonly AnyBulkWriteOperation<Row>[]): Promise<number[]> {
    return this.#link.run(async (db) => {
      try {
        await rows(db, physical).bulkWrite(operations, { ordered: false });
        return [];
      } catch (error) {
        if (!(error instanceof MongoBulkWriteError)) throw error;
        const refused = [error.writeErrors].flat();
        const isAll = refused.length > 0 && refused.every(({ code }) => code === DUPLICATE);
        if (!isAll || error.result.getWriteConcernError() !== undefined) throw error;
        return refused.map(({ index }) => index);
      }
    });
  }
}

interface LeaseDocument {
  readonly _id: string;
  readonly holder: string;
  readonly beat: number;
}

function states(db: Db): Collection<StateDocument & { readonly _id: string }> {
  return db.collection(STATES);
}

function rows(db: Db, physical: string): Collection<Row> {
  return db.collection(physical);
}

function leases(db: Db): Collection<LeaseDocument> {
  return db.collection(LEASES);
}

async function inserted(insertion: Promise<unknown>): Promise<boolean> {
  try {
    await insertion;
    return true;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === DUPLICATE) return false;
    throw error;
  }
}

function partId(journal: string, part: number): string {
  return `${journal}/${part}`;
}

function fieldOf(index: string | undefined): string {
  return index === undefined ? '_id' : `by.${index}`;
}

function hintOf(index: string | undefined): string {
  return index === undefined ? '_id_' : `by.${index}`;
}

/** What is left of deleted documents has keys, and is in no index of the catalogue. */
function filterOf({ low, high, index }: Between): Filter<Row> {
  const range = { [fieldOf(index)]: { $gte: low, $lt: high } };
  return index === undefined ? { ...range, deleted: { $exists: false } } : range;
}
