import { hash } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { DiskGuard } from '../runtime/disk-guard.js';
import { damageOf, requireAccess } from '../runtime/lmdb-check.js';
import { flushLeft, leaveUnflushed, lossOf } from '../runtime/unflushed.js';
import { RoomStateDamagedError } from './errors.js';
import { checkedJson, isSoundValue, plainBytes, WriteBehind, type Codec } from './lmdb-table.js';
import { WriteQueue, type TableKey } from './lmdb-write-queue.js';
import type { Hash } from './node.js';
import type { NodeStore } from './nodes.js';
import type { EventPlace, IndexChange, RoomIndex, RoomSnapshot } from './room-index.js';

/** Raised when what is kept here changes its form: the folder's content is then dropped and made again. */
const FORMAT = 3;

/** The database's file in its folder. */
export const ROOM_STATE_FILE = 'data.mdb';

/** What is in it. */
export const ROOM_STATE_CONTENT = {
  tables: ['state', 'nodes', 'places', 'transactions', 'snapshots', 'citations', 'memberships'],
  isSound: isSoundValue,
};

interface Progress {
  readonly format: number;
  readonly epoch: string;
  readonly position: number;
}

export interface LmdbRoomStateOptions {
  /** Bytes that must be free on the disk for anything to be written. */
  readonly leastFree?: number;
  /** Told of everything that shows that the file is damaged. */
  readonly onDamage?: (error: unknown) => void;
}

/**
 * State nodes and the room index in one LMDB database. Writes are committed some time later and in order, and
 * readable at once: until its commit a value is served from memory. After a crash the last of them may be
 * missing, never one without those before it, and after a power loss all of them; the log gives them again.
 */
export class LmdbRoomState implements NodeStore, RoomIndex {
  readonly #file: string;
  readonly #root: RootDatabase<Buffer, TableKey>;
  readonly #queue: WriteQueue;
  readonly #onDamage: (error: unknown) => void;
  readonly #objection: () => string | undefined;
  readonly #state: WriteBehind<Progress>;
  readonly #nodes: WriteBehind<Uint8Array>;
  readonly #places: WriteBehind<EventPlace>;
  readonly #transactions: WriteBehind<string>;
  readonly #snapshots: WriteBehind<RoomSnapshot>;
  readonly #memberships: WriteBehind<string>;
  readonly #pendingMemberships = new Map<string, Map<string, string | undefined>>();
  /** Keyed so that newer ones come first. */
  readonly #citations: WriteBehind<string>;
  readonly #pendingCitations = new Map<string, string[]>();
  #progress: Progress;

  /**
   * @param onError is told when writing stops, as when the disk is full: what could not be written stays in memory and
   *   in the log
   *
   * @throws RoomStateDamagedError when the folder's file is not a whole database
   */
  constructor(
    folder: string,
    onError: (error: unknown) => void = rethrow,
    { leastFree = 0, onDamage = () => undefined }: LmdbRoomStateOptions = {},
  ) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const file = join(folder, ROOM_STATE_FILE);
    requireAccess(file, join(folder, 'lock.mdb'));
    const damage = lossOf(file) ?? (existsSync(file) ? damageOf(file, false) : undefined);
    if (damage !== undefined) throw new RoomStateDamagedError(`${file} ${damage}.`);
    this.#file = file;
    this.#root = open<Buffer, TableKey>({
      path: folder,
      maxDbs: 8,
      encoding: 'binary',
      noSync: leaveUnflushed(file),
      overlappingSync: false,
    });
    const disk = new DiskGuard(file, leastFree);
    this.#objection = () => disk.objection();
    this.#queue = new WriteQueue(this.#root, this.#objection, onError);
    this.#onDamage = onDamage;
    this.#state = this.#table('state', checkedJson());
    this.#nodes = this.#table('nodes', plainBytes, 'binary');
    this.#places = this.#table('places', checkedJson());
    this.#transactions = this.#table('transactions', checkedJson(), 'binary');
    this.#snapshots = this.#table('snapshots', checkedJson());
    this.#citations = this.#table('citations', checkedJson());
    this.#memberships = this.#table('memberships', checkedJson());
    const found = this.#state.get('progress', 'progress');
    this.#progress = found ?? { format: FORMAT, epoch: '', position: -1 };
    if (found?.format !== FORMAT) {
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
    const range = this.#memberships.range({ start: [userId, ''], end: [userId, '\u{10ffff}'] });
    for (const { key, value } of range) found.set(String(key[1]), value);
    for (const [roomId, membership] of this.#pendingMemberships.get(userId) ?? []) {
      if (membership === undefined) found.delete(roomId);
      else found.set(roomId, membership);
    }
    return [...found].map(([roomId, membership]) => ({ roomId, membership }));
  }

  membership(userId: string, roomId: string): string | undefined {
    const pending = this.#pendingMemberships.get(userId);
    return pending?.has(roomId) === true
      ? pending.get(roomId)
      : this.#memberships.get(`${userId}\n${roomId}`, [userId, roomId]);
  }

  *citedBy(roomId: string, eventId: string): Iterable<string> {
    const pending = this.#pendingCitations.get(`${roomId}\n${eventId}`) ?? [];
    yield* pending.toReversed();
    const start: [string, string, number] = [roomId, eventId, -Number.MAX_SAFE_INTEGER];
    const end: [string, string, number] = [roomId, eventId, 0];
    for (const { value } of this.#citations.range({ start, end })) {
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
    this.#state.put('progress', 'progress', this.#progress);
  }

  async clear(): Promise<void> {
    this.#queue.discard();
    this.#dropAll();
    this.moveTo(-1, '');
  }

  async close(): Promise<void> {
    this.#queue.finish();
    await this.#root.close();
    flushLeft(this.#file);
  }

  #dropAll(): void {
    const objection = this.#objection();
    if (objection !== undefined) throw new Error(objection);
    const tables = [this.#nodes, this.#places, this.#transactions, this.#snapshots];
    this.#root.transactionSync(() => {
      for (const table of [...tables, this.#state, this.#memberships, this.#citations]) table.clear();
    });
    this.#pendingMemberships.clear();
    this.#pendingCitations.clear();
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
    this.#citations.set([roomId, cited, -position], by, () => {
      pending.splice(pending.indexOf(by), 1);
      if (pending.length === 0 && this.#pendingCitations.get(name) === pending)
        this.#pendingCitations.delete(name);
    });
  }

  #putMembership(userId: string, roomId: string, membership: string | undefined): void {
    const pending = this.#pendingMemberships.get(userId) ?? new Map<string, string | undefined>();
    this.#pendingMemberships.set(userId, pending.set(roomId, membership));
    this.#memberships.set([userId, roomId], membership, () => {
      if (pending.get(roomId) === membership) pending.delete(roomId);
      if (pending.size === 0 && this.#pendingMemberships.get(userId) === pending) {
        this.#pendingMemberships.delete(userId);
      }
    });
  }

  #table<V>(name: string, codec: Codec<V>, keyEncoding?: 'binary'): WriteBehind<V> {
    const table = this.#root.openDB<Buffer, TableKey>({
      name,
      encoding: 'binary',
      ...(keyEncoding === undefined ? {} : { keyEncoding }),
    });
    return new WriteBehind(table, codec, this.#queue, this.#onDamage);
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
