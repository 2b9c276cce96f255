import type { Log, LoggedRecord } from '../../log/log.js';
import { emptyRoom, roomStream } from '../aggregates/room.js';
import type { RoomIndex } from '../../room-state/room-index.js';
import { START, type Position } from '../../log/position.js';
import type { WriteSide } from '../write-side.js';
import { RoomSession, type RoomPorts } from './room-session.js';
import type { Rooms } from './rooms.js';
import { rebuildNodes } from './state-nodes.js';

const ROOM_PREFIX = roomStream('');

/** How often a room is loaded again for one batch: two suffice, unless the log has lost what it just gave. */
const MOST_TRIES = 5;

/**
 * Keeps the room index at the log's end. While commands run in this process they write their own entries; this
 * fills in what a crash cut off, or other processes wrote, in the order of the log, and moves the index's
 * position. At most the records since the last orderly stop are read at start.
 */
export class RoomIndexer {
  readonly #log: Log;
  readonly #index: RoomIndex;
  readonly #rooms: Rooms;
  readonly #ports: RoomPorts;
  readonly #decide: WriteSide['rooms'];

  constructor({ ports, roomAggregate, rooms }: Pick<WriteSide, 'ports' | 'roomAggregate' | 'rooms'>) {
    this.#log = ports.log;
    this.#index = ports.index;
    this.#rooms = roomAggregate;
    this.#ports = ports;
    this.#decide = rooms;
  }

  /** Brings the index to the log's end; drops it first where it was made from another history. */
  async catchUp(onProgress?: (position: number) => void): Promise<void> {
    if (this.#index.epoch !== this.#log.epoch) {
      await this.#index.clear();
      this.#index.moveTo(START, this.#log.epoch);
    }
    for await (const batch of this.#log.readAll({ after: this.#index.position })) {
      for (const [roomId, revision] of newestRevisions(batch.records)) {
        if (this.#revision(roomId) >= revision) continue;
        const session = new RoomSession(this.#ports, this.#index.snapshot(roomId) ?? emptyRoom(roomId));
        await this.#rooms.catchUp(session);
      }
      this.#index.moveTo(batch.position, this.#log.epoch);
      onProgress?.(batch.position);
    }
  }

  /**
   * Takes in a batch of the log that other processes may have written. Rooms in which this process decides have
   * most of it already; the others are brought to their end in the room's turn, so that nothing is decided meanwhile.
   */
  async take(records: readonly LoggedRecord[], position: Position): Promise<void> {
    for (const [roomId, revision] of newestRevisions(records)) {
      for (let tries = 0; this.#revision(roomId) < revision && tries < MOST_TRIES; tries++) {
        await this.#refresh(roomId);
      }
    }
    this.#index.moveTo(position, this.#log.epoch);
  }

  /** What is at hand of a room is dropped and loaded again; a command that ends in between may put it back once. */
  async #refresh(roomId: string): Promise<void> {
    const stream = roomStream(roomId);
    const context = { correlationId: 'room-index', now: this.#ports.clock.now() };
    this.#rooms.evict(stream);
    await this.#decide.handle(stream, context, () => ({ records: [], result: undefined }));
  }

  #revision(roomId: string): number {
    return this.#index.snapshot(roomId)?.revision ?? -1;
  }

  /** Makes every state node of every room again, over what is missing or damaged. Costs the whole log. */
  async rebuildNodes(): Promise<void> {
    const roomIds = new Set<string>();
    for await (const batch of this.#log.readAll()) {
      for (const { stream } of batch.records) {
        if (stream.startsWith(ROOM_PREFIX)) roomIds.add(stream.slice(ROOM_PREFIX.length));
      }
    }
    for (const roomId of roomIds) await rebuildNodes(new RoomSession(this.#ports, emptyRoom(roomId)));
  }
}

/** The rooms that records are of, each with the newest revision among them. */
function newestRevisions(records: readonly LoggedRecord[]): Map<string, number> {
  const newest = new Map<string, number>();
  for (const { stream, revision } of records) {
    if (stream.startsWith(ROOM_PREFIX)) newest.set(stream.slice(ROOM_PREFIX.length), revision);
  }
  return newest;
}
