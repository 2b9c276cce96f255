import type { Log } from '../../log/log.js';
import { emptyRoom, roomStream } from '../aggregates/room.js';
import type { RoomIndex } from '../../room-state/room-index.js';
import { START } from '../../log/position.js';
import { RoomSession, type RoomPorts } from './room-session.js';
import type { Rooms } from './rooms.js';
import { rebuildNodes } from './state-nodes.js';

const ROOM_PREFIX = roomStream('');

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

  constructor(ports: RoomPorts, rooms: Rooms) {
    this.#log = ports.log;
    this.#index = ports.index;
    this.#rooms = rooms;
    this.#ports = ports;
  }

  /** Brings the index to the log's end; drops it first where it was made from another history. */
  async catchUp(onProgress?: (position: number) => void): Promise<void> {
    if (this.#index.epoch !== this.#log.epoch) {
      await this.#index.clear();
      this.#index.moveTo(START, this.#log.epoch);
    }
    for await (const batch of this.#log.readAll({ after: this.#index.position })) {
      const behind = new Set<string>();
      for (const { stream, revision } of batch.records) {
        if (!stream.startsWith(ROOM_PREFIX)) continue;
        const roomId = stream.slice(ROOM_PREFIX.length);
        if ((this.#index.snapshot(roomId)?.revision ?? -1) < revision) behind.add(roomId);
      }
      for (const roomId of behind) {
        const snapshot = this.#index.snapshot(roomId);
        const session = new RoomSession(this.#ports, snapshot ?? emptyRoom(roomId));
        await this.#rooms.catchUp(session);
      }
      this.#index.moveTo(batch.position, this.#log.epoch);
      onProgress?.(batch.position);
    }
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
