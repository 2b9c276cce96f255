import { LRUCache } from 'lru-cache';
import type { Log, LoggedRecord } from '../../log/log.js';
import { parseEvent } from '../../protocol/event-format.js';
import type { RoomEvent } from '../../protocol/events.js';
import type { JsonObject } from '../../protocol/json.js';
import { joinForgettable } from '../../protocol/redaction.js';
import { roomVersion } from '../../protocol/room-versions.js';
import type { RecordBody } from '../../log/records.js';
import type { RoomIndex } from '../../room-state/room-index.js';
import { isEventRecord, roomStream, type EventRecord } from '../aggregates/room.js';

/** What an event costs in memory beside its text, roughly. */
const OBJECT_BYTES = 1000;
const BYTES_PER_CHARACTER = 3;

/** The event that a record holds, as it was before anything of it was forgotten, as far as that is still known. */
export function eventOf(record: EventRecord): RoomEvent {
  const { data } = record;
  const version = roomVersion(data.room_version);
  if (version === undefined) throw new Error(`A record has the unknown room version ${data.room_version}.`);
  const pdu = joinForgettable(data.event as JsonObject, data.forgettable as JsonObject | undefined);
  const event = parseEvent(pdu, version, { eventId: data.event_id });
  if (event instanceof Error) throw event;
  return event;
}

/**
 * Events by ID: from a cache bounded in bytes, else by one read of the room's stream at the revision that the
 * index knows.
 */
export class RoomEvents {
  readonly #log: Log;
  readonly #index: RoomIndex;
  /** By event ID: in the oldest room versions two rooms may have an event of the same ID, and then the last is kept. */
  readonly #cache: LRUCache<string, RoomEvent>;
  /** How often something was forgotten: what was being read meanwhile is not kept. */
  #forgotten = 0;
  #hits = 0;
  #misses = 0;

  constructor(log: Log, index: RoomIndex, cacheBytes: number) {
    this.#log = log;
    this.#index = index;
    this.#cache = new LRUCache({ maxSize: cacheBytes });
  }

  /** From the cache alone. */
  cached(roomId: string, eventId: string): RoomEvent | undefined {
    const event = this.#cache.get(eventId);
    if (event?.roomId !== roomId) return undefined;
    this.#hits++;
    return event;
  }

  remember(event: RoomEvent): void {
    const size = OBJECT_BYTES + JSON.stringify(event.content).length * BYTES_PER_CHARACTER;
    this.#cache.set(event.eventId, event, { size });
  }

  /** The event, or `undefined` where the log does not have it, or has it damaged. */
  async load(roomId: string, eventId: string): Promise<RoomEvent | undefined> {
    const cached = this.cached(roomId, eventId);
    if (cached !== undefined) return cached;
    this.#misses++;
    const forgotten = this.#forgotten;
    const record = await this.record(roomId, eventId);
    if (record === undefined) return undefined;
    const event = eventOf(record);
    if (forgotten === this.#forgotten) this.remember(event);
    return event;
  }

  /** The content of an event is not to be at hand any more: it is read again, without it. */
  forget(eventId: string): void {
    this.#forgotten++;
    this.#cache.delete(eventId);
  }

  /** The record that decided about an event: the latest, where an outlier was placed later. */
  async record(roomId: string, eventId: string): Promise<(LoggedRecord & EventRecord) | undefined> {
    const place = this.#index.place(roomId, eventId);
    if (place === undefined) return undefined;
    for await (const batch of this.#log.read(roomStream(roomId), { from: place.revision, limit: 1 })) {
      for (const record of batch.records) {
        if (isEventRecord<LoggedRecord & RecordBody>(record) && record.data.event_id === eventId)
          return record;
      }
    }
    return undefined;
  }

  /** Memory in use, in bytes as the bound counts them, and how often an event was at hand. */
  get figures(): { bytes: number; entries: number; hits: number; misses: number } {
    const { calculatedSize: bytes, size: entries } = this.#cache;
    return { bytes, entries, hits: this.#hits, misses: this.#misses };
  }
}
