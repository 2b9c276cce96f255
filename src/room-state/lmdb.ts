import { hash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { open, type Database, type RootDatabase } from 'lmdb';
import type { Hash } from './node.js';
import type { NodeStore } from './nodes.js';
import type { EventPlace, IndexChange, RoomIndex, RoomSnapshot } from './room-index.js';

/** Raised when what is kept here changes its form: the folder's content is then dropped and made again. */
const FORMAT = 1;

interface Progress {
  readonly format: number;
  readonly epoch: string;
  readonly position: number;
}

/**
 * State nodes and the room index in one LMDB database. Writes are committed in the background and in order, and
 * readable at once: until its commit a value is served from memory. After a crash the last of them may be
 * missing, never one without those before it; the log gives them again.
 */
export class LmdbRoomState implements NodeStore, RoomIndex {
  readonly #root: RootDatabase<Progress, string>;
  readonly #nodes: WriteBehind<Uint8Array>;
  readonly #places: WriteBehind<EventPlace>;
  readonly #transactions: WriteBehind<string>;
  readonly #snapshots: WriteBehind<RoomSnapshot>;
  readonly #memberships: Database<string, [string, string]>;
  readonly #pendingMemberships = new Map<string, Map<string, string | undefined>>();
  /** Keyed so that newer ones come first. */
  readonly #citations: Database<string, [string, string, number]>;
  readonly #pendingCitations = new Map<string, string[]>();
  readonly #onError: (error: unknown) => void;
  #progress: Progress;

  /**
   * @param onError is told of writes that failed, as when the disk is full: what could not be written stays in
   *   memory and in the log
   */
  constructor(folder: string, onError: (error: unknown) => void = rethrow) {
    this.#onError = onError;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#root = open<Progress, string>({ path: folder, maxDbs: 8, encoding: 'json' });
    this.#nodes = this.#open('nodes', { encoding: 'binary', keyEncoding: 'binary' });
    this.#places = this.#open('places', { encoding: 'msgpack' });
    this.#transactions = this.#open('transactions', { encoding: 'string', keyEncoding: 'binary' });
    this.#snapshots = this.#open('snapshots', { encoding: 'msgpack' });
    this.#citations = this.#root.openDB({ name: 'citations', encoding: 'string' });
    this.#memberships = this.#root.openDB({ name: 'memberships', encoding: 'string' });
    this.#progress = this.#root.get('progress') ?? { format: FORMAT, epoch: '', position: -1 };
    if (this.#progress.format !== FORMAT) {
      this.#dropAll();
      this.#progress = { format: FORMAT, epoch: '', position: -1 };
    }
  }

  get(name: Hash): Uint8Array | undefined {
    return this.#nodes.get(name, nodeKey(name));
  }

  has(name: Hash): boolean {
    return this.#nodes.has(name, nodeKey(name));
  }

  put(nodes: ReadonlyMap<Hash, Uint8Array>): void {
    for (const [name, bytes] of nodes) this.#nodes.put(name, nodeKey(name), bytes);
  }

  place(roomId: string, eventId: string): EventPlace | undefined {
    return this.#places.get(`${roomId}\n${eventId}`, [roomId, eventId]);
  }

  transaction(roomId: string, key: string): string | undefined {
    const digest = transactionDigest(roomId, key);
    return this.#transactions.get(digest.toString('latin1'), digest);
  }

  snapshot(roomId: string): RoomSnapshot | undefined {
    return this.#snapshots.get(roomId, roomId);
  }

  rooms(userId: string): { roomId: string; membership: string }[] {
    const found = new Map<string, string>();
    const range = this.#memberships.getRange({ start: [userId, ''], end: [userId, '\u{10ffff}'] });
    for (const { key, value } of range) found.set(key[1], value);
    for (const [roomId, membership] of this.#pendingMemberships.get(userId) ?? []) {
      if (membership === undefined) found.delete(roomId);
      else found.set(roomId, membership);
    }
    return [...found].map(([roomId, membership]) => ({ roomId, membership }));
  }

  membership(userId: string, roomId: string): string | undefined {
    const pending = this.#pendingMemberships.get(userId);
    return pending?.has(roomId) === true ? pending.get(roomId) : this.#memberships.get([userId, roomId]);
  }

  *citedBy(roomId: string, eventId: string): Iterable<string> {
    const pending = this.#pendingCitations.get(`${roomId}\n${eventId}`) ?? [];
    yield* pending.toReversed();
    const start: [string, string, number] = [roomId, eventId, -Number.MAX_SAFE_INTEGER];
    const end: [string, string, number] = [roomId, eventId, 0];
    for (const { value } of this.#citations.getRange({ start, end })) {
      if (!pending.includes(value)) yield value;
    }
  }

  get position(): number {
    return this.#progress.position;
  }

  get epoch(): string {
    return this.#progress.epoch;
  }

  moveTo(position: number, epoch: string): void {
    this.#progress = { format: FORMAT, epoch, position };
    this.#root.put('progress', this.#progress).catch(this.#onError);
  }

  async clear(): Promise<void> {
    await this.#root.committed;
    this.#dropAll();
    this.moveTo(-1, '');
  }

  async close(): Promise<void> {
    await this.#root.flushed;
    await this.#root.close();
  }

  #dropAll(): void {
    for (const database of [this.#nodes, this.#places, this.#transactions, this.#snapshots]) database.clear();
    this.#pendingMemberships.clear();
    this.#memberships.clearSync();
    this.#pendingCitations.clear();
    this.#citations.clearSync();
  }

  record(change: IndexChange): void {
    const { roomId } = change.snapshot;
    this.#snapshots.put(roomId, roomId, change.snapshot);
    for (const [eventId, place] of change.places) {
      this.#places.put(`${roomId}\n${eventId}`, [roomId, eventId], place);
    }
    for (const [key, eventId] of change.transactions) {
      const digest = transactionDigest(roomId, key);
      this.#transactions.put(digest.toString('latin1'), digest, eventId);
    }
    for (const { userId, membership } of change.memberships) this.#putMembership(userId, roomId, membership);
    for (const { cited, by, position } of change.citations) this.#putCitation(roomId, cited, by, position);
  }

  #putCitation(roomId: string, cited: string, by: string, position: number): void {
    const name = `${roomId}\n${cited}`;
    const pending = this.#pendingCitations.get(name) ?? [];
    this.#pendingCitations.set(name, pending);
    pending.push(by);
    this.#citations.put([roomId, cited, -position], by).then(() => {
      pending.splice(pending.indexOf(by), 1);
      if (pending.length === 0) this.#pendingCitations.delete(name);
    }, this.#onError);
  }

  #putMembership(userId: string, roomId: string, membership: string | undefined): void {
    const pending = this.#pendingMemberships.get(userId) ?? new Map<string, string | undefined>();
    this.#pendingMemberships.set(userId, pending.set(roomId, membership));
    const written =
      membership === undefined
        ? this.#memberships.remove([userId, roomId])
        : this.#memberships.put([userId, roomId], membership);
    written.then(() => {
      if (pending.get(roomId) === membership) pending.delete(roomId);
      if (pending.size === 0 && this.#pendingMemberships.get(userId) === pending) {
        this.#pendingMemberships.delete(userId);
      }
    }, this.#onError);
  }

  #open<V>(
    name: string,
    options: { encoding: 'binary' | 'string' | 'msgpack'; keyEncoding?: 'binary' },
  ): WriteBehind<V> {
    return new WriteBehind(
      this.#root.openDB<V, string | Buffer | string[]>({ name, ...options }),
      this.#onError,
    );
  }
}

/** Without somebody to tell, a failed write is a fault like any other. */
function rethrow(error: unknown): never {
  throw error;
}

/** Raw bytes are a shorter key than their text. */
function nodeKey(name: Hash): Buffer {
  return Buffer.from(name, 'base64url');
}

/** What clients choose as transaction ID can be longer than a key may be. */
function transactionDigest(roomId: string, key: string): Buffer {
  return hash('sha256', `${roomId}\n${key}`, 'buffer');
}

/** A database whose writes can be read before they are committed. */
class WriteBehind<V> {
  readonly #database: Database<V, string | Buffer | string[]>;
  readonly #pending = new Map<string, V>();

  readonly #onError: (error: unknown) => void;

  constructor(database: Database<V, string | Buffer | string[]>, onError: (error: unknown) => void) {
    this.#database = database;
    this.#onError = onError;
  }

  get(name: string, key: string | Buffer | string[]): V | undefined {
    return this.#pending.get(name) ?? this.#database.get(key);
  }

  has(name: string, key: string | Buffer | string[]): boolean {
    return this.#pending.has(name) || this.#database.doesExist(key);
  }

  put(name: string, key: string | Buffer | string[], value: V): void {
    this.#pending.set(name, value);
    this.#database.put(key, value).then(() => {
      if (this.#pending.get(name) === value) this.#pending.delete(name);
    }, this.#onError);
  }

  clear(): void {
    this.#pending.clear();
    this.#database.clearSync();
  }
}
