import { LRUCache } from 'lru-cache';
import { peeks, roomSummaries, type Peek } from '../../read-models/collections.js';
import type { ReadStore } from '../../read-models/store.js';
import type { Notifier } from '../notifier.js';
import type { ReadSide, Viewer } from '../read-side.js';
import { joinedRoom } from './joined-room.js';
import type { RoomsParts, SyncPass } from './request.js';

const MOST_USERS = 10_000;

/** What users' devices look into, kept until something happens to them: mostly nothing, and then no read either. */
export class Peeks {
  readonly #store: ReadStore;
  readonly #kept = new LRUCache<string, Promise<readonly Peek[]>>({ max: MOST_USERS });

  constructor(store: ReadStore, notifier: Notifier) {
    this.#store = store;
    notifier.wakes.subscribe(({ users }) => {
      for (const userId of users) this.#kept.delete(userId);
    });
  }

  async of({ userId, deviceId }: Viewer): Promise<readonly Peek[]> {
    const all = await (this.#kept.get(userId) ?? this.#read(userId));
    return all.length === 0 ? all : all.filter(({ device_id }) => device_id === deviceId);
  }

  #read(userId: string): Promise<readonly Peek[]> {
    const read = this.#store.collection(peeks).find({ prefix: [userId] });
    this.#kept.set(userId, read);
    read.catch(() => {
      if (this.#kept.get(userId) === read) this.#kept.delete(userId);
    });
    return read;
  }
}

/**
 * The rooms that the viewer's device looks into and in which something happened, as JSON text by room ID (MSC2753).
 * A room that everybody may look into no more is told no more.
 */
export async function peekedRooms(
  side: ReadSide,
  pass: SyncPass,
  parts: RoomsParts,
  peeked: readonly Peek[],
): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const { room_id: roomId, position } of peeked) {
    const isIn = pass.rooms.get(roomId)?.membership === 'join';
    if (isIn || position > pass.to.position || !pass.filter.room.matchesRoom(roomId)) continue;
    const last = pass.since?.position;
    const since = last === undefined || position > last ? undefined : last;
    if (since !== undefined && (await parts.activity.of(roomId)) <= since) continue;
    const summary = await side.store.collection(roomSummaries).get([roomId]);
    if (summary?.history_visibility !== 'world_readable') continue;
    const stretch = { roomId, since, to: pass.to.position, accountData: undefined };
    const text = await joinedRoom(side, pass, stretch, parts.lazyMembers);
    if (text !== undefined) texts.set(roomId, text);
  }
  return texts;
}
