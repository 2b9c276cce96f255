import { randomUUID } from 'node:crypto';
import { ReadStoreFormatError } from './errors.js';
import { OWN, type MongoCommands, type StateDocument } from './mongodb-commands.js';
import { emptyState, type State } from './mongodb-state.js';

const MAGIC = 'engram read models';
/** Raised when databases of before cannot be read any more: read models are rebuilt, never migrated. */
const FORMAT = 1;

/** What comes of looking at the state: another one, or none where it stays as it is, and what is told of it. */
export interface Decision<T> {
  readonly next?: State | undefined;
  readonly result: T;
}

/** The state of a MongoDB read store: known in this process, looked at again, changed by compare-and-set. */
export class MongoCatalogue {
  readonly #commands: MongoCommands;
  #known: State | undefined;
  #changing: Promise<unknown> = Promise.resolve();
  /** The look that is under way, and the one after it, which whoever comes meanwhile shares. */
  #looking: Promise<State> | undefined;
  #nextLook: Promise<State> | undefined;

  constructor(commands: MongoCommands) {
    this.#commands = commands;
  }

  /** As this process last saw it. The first time, an empty database is made ready. @throws ReadStoreFormatError */
  async known(): Promise<State> {
    return this.#known ?? (await this.read());
  }

  /** As it is. @throws ReadStoreFormatError */
  async read(): Promise<State> {
    return this.#adopt((await this.#commands.state()) ?? (await this.#begin()));
  }

  /**
   * With the layout that it has now (the rest may be older). Asks for no more than whether that has changed, and
   * once for all who ask while it is being asked.
   */
  layout(): Promise<State> {
    this.#nextLook ??= this.#lookAfter(this.#looking);
    return this.#nextLook;
  }

  /** As it is, and as most members have it: whatever was being changed before, by whomever, is in it or will not be. */
  async settled(): Promise<State> {
    await this.known();
    return this.#adopt((await this.#commands.settledState()) ?? (await this.#begin()));
  }

  /**
   * Decides on the state as it is known, and again on the state as it is where it has changed or where nothing
   * is to change; a decision that throws is one of those. Costs one command where nobody else changes it.
   */
  change<T>(decide: (state: State) => Decision<T>): Promise<T> {
    const turn = this.#changing.then(() => this.#change(decide));
    this.#changing = turn.catch(() => undefined);
    return turn;
  }

  async #change<T>(decide: (state: State) => Decision<T>): Promise<T> {
    const known = this.#known;
    const early = known && attempt(() => decide(known));
    if (known !== undefined && early?.next !== undefined && (await this.#replace(known, early.next))) {
      return early.result;
    }
    while (true) {
      const state = await this.read();
      const { next, result } = decide(state);
      if (next === undefined || (await this.#replace(state, next))) return result;
    }
  }

  async #replace(before: State, next: State): Promise<boolean> {
    const changed = { ...next, revision: before.revision + 1 };
    try {
      const document = { magic: MAGIC, format: FORMAT, ...changed };
      if (!(await this.#commands.replaceState(document, before.instance, before.revision))) return false;
    } catch (error) {
      this.#known = undefined;
      throw error;
    }
    this.#known = changed;
    return true;
  }

  async #lookAfter(other: Promise<State> | undefined): Promise<State> {
    // Whoever asks in the same turn shares this one.
    await (other ?? Promise.resolve()).catch(() => undefined);
    const look = this.#look();
    this.#looking = look;
    this.#nextLook = undefined;
    try {
      return await look;
    } finally {
      if (this.#looking === look) this.#looking = undefined;
    }
  }

  async #look(): Promise<State> {
    const known = await this.known();
    const found = await this.#commands.layout();
    if (found?.instance === known.instance && found.layout === known.layout) return known;
    return this.read();
  }

  /** What was read may come later than what was read after it. */
  #adopt(document: StateDocument): State {
    const { magic: _, format: __, ...state } = checked(document);
    const known = this.#known;
    if (known !== undefined && known.instance !== state.instance) this.#commands.forgetIndexes();
    if (known?.instance === state.instance && known.revision > state.revision) return known;
    this.#known = state;
    return state;
  }

  /** Makes an empty database ours. Another process may do so at the same time. */
  async #begin(): Promise<StateDocument> {
    const foreign = (await this.#commands.collectionNames()).filter(
      (name) => name !== OWN && !name.startsWith(`${OWN}.`),
    );
    if (foreign.length > 0) {
      const some = foreign.length > 3 ? `${foreign.slice(0, 3).join(', ')} and others` : foreign.join(', ');
      throw new ReadStoreFormatError(
        `The database ${this.#commands.database} holds no read models of this program, but ${some}: name one of its own in the URL.`,
      );
    }
    const document = { magic: MAGIC, format: FORMAT, ...emptyState(randomUUID()) };
    if (await this.#commands.insertState(document)) return document;
    return (await this.#commands.state()) ?? document;
  }
}

/** Undefined where it throws: by what may be out of date nobody is refused. */
function attempt<T>(decide: () => T): T | undefined {
  try {
    return decide();
  } catch {
    return undefined;
  }
}

/** @throws ReadStoreFormatError */
function checked(document: StateDocument): StateDocument {
  const is: { readonly magic?: unknown; readonly format?: unknown } = document;
  if (is.magic !== MAGIC) {
    throw new ReadStoreFormatError('The database holds no read models of this program.');
  }
  if (is.format !== FORMAT) {
    throw new ReadStoreFormatError(
      `The read models are of format ${String(is.format)}, this program writes format ${FORMAT}: drop the database, they are rebuilt from the log.`,
    );
  }
  return document;
}
