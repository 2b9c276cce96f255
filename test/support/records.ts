import { createHash } from 'node:crypto';
import type { LoggedRecord } from '../../src/log/log.js';
import type { Position } from '../../src/log/position.js';
import type { RecordBody, RecordOf } from '../../src/log/records.js';
import { stateKeyText, type RoomEvent } from '../../src/protocol/events.js';
import type { JsonObject } from '../../src/protocol/json.js';
import { splitForgettable } from '../../src/protocol/redaction.js';
import type { MemoryLog } from './memory-log.js';
import { aRoom, type Draft, type Person, type TestRoom } from './room.js';

type Accepted = RecordOf<'room.event.accepted'>['data'];
type Streamed = RecordBody & { readonly stream: string };

/**
 * A room whose story is recorded as the write side would: `room.tell((r) => r.createdBy(alice).says(alice, 'Hi'))`.
 * Roots are hashes of the state that the story is in, not those of tries. A message moves nothing; a state
 * event becomes current; a redaction takes effect where its target is in the timeline.
 */
export class RecordedRoom {
  readonly room: TestRoom;
  readonly #log: MemoryLog;
  readonly #current = new Map<string, string>();
  readonly #accepted = new Set<string>();
  #told = 0;
  #commit: Streamed[] | undefined;

  constructor(log: MemoryLog, version: string, name?: string) {
    this.#log = log;
    this.room = aRoom(version, name);
  }

  get id(): string {
    return this.room.roomId;
  }

  get root(): string {
    const state = JSON.stringify([...this.#current].sort());
    return createHash('sha256').update(state).digest('base64url');
  }

  /** Records what a piece of the story adds; gives its last event. */
  tell(story: (room: TestRoom) => unknown, more: Partial<Accepted> = {}): RoomEvent {
    story(this.room);
    for (const event of this.room.timeline.slice(this.#told)) this.accept(event, more);
    this.#told = this.room.timeline.length;
    return this.room.last;
  }

  /** Records any event by a draft, as the next of the story. */
  send(draft: Draft, more: Partial<Accepted> = {}): RoomEvent {
    return this.tell((room) => room.add(room.event(draft)), more);
  }

  redact(sender: Person, target: RoomEvent, content: JsonObject = {}): RoomEvent {
    const redacts = target.eventId;
    const inContent = this.room.version.redaction.redactsIn === 'content';
    return this.send({
      type: 'm.room.redaction',
      sender,
      content: inContent ? { ...content, redacts } : content,
      redacts,
    });
  }

  /** Records an event that comes on top of the room as accepted; `more` says what is special about it. */
  accept(event: RoomEvent, more: Partial<Accepted> = {}): void {
    const before = this.root;
    const delta = more.current?.delta ?? this.#deltaOf(event);
    for (const { type, state_key, event_id } of delta) {
      if (event_id === null) this.#current.delete(stateKeyText(type, state_key));
      else this.#current.set(stateKeyText(type, state_key), event_id);
    }
    const redaction =
      event.redacts === undefined
        ? undefined
        : { target: event.redacts, applied: this.#accepted.has(event.redacts) };
    this.#accepted.add(event.eventId);
    const root = this.root;
    this.append({
      type: 'room.event.accepted',
      version: 1,
      data: {
        ...this.eventData(event),
        state_before: before,
        state_after: root,
        ...(root === before ? {} : { current: { root, delta } }),
        extremities: [event.eventId],
        ...(redaction === undefined ? {} : { redaction }),
        ...more,
      },
    });
  }

  softFail(event: RoomEvent): void {
    const [state_before, state_after] = [this.root, this.root];
    const data = {
      ...this.eventData(event),
      state_before,
      state_after,
      rule: '5',
      reason: 'Not in the room.',
    };
    this.append({ type: 'room.event.soft_failed', version: 1, data });
  }

  outlier(event: RoomEvent, rejected?: { rule: string; reason: string }): void {
    const data = { ...this.eventData(event), ...(rejected === undefined ? {} : { rejected }) };
    this.append({ type: 'room.event.outlier', version: 1, data });
  }

  list(visibility: 'public' | 'private', by: Person): void {
    this.append({ type: 'room.visibility.changed', version: 1, data: { visibility, by: by.id } });
  }

  forgottenBy(person: Person): void {
    const body = { type: 'room.forgotten', version: 1, data: { room_id: this.id } } as const;
    this.#log.append([{ ...body, stream: `user-${person.id}` }]);
  }

  /** What is recorded meanwhile comes in by one commit, at one position. */
  together(story: () => void): Position {
    this.#commit = [];
    story();
    const records = this.#commit;
    this.#commit = undefined;
    return this.#log.append(records);
  }

  append(body: RecordBody): void {
    // What is read from a log has been a text.
    const record = { ...(JSON.parse(JSON.stringify(body)) as RecordBody), stream: `room-${this.id}` };
    if (this.#commit === undefined) this.#log.append([record]);
    else this.#commit.push(record);
  }

  eventData(event: RoomEvent): Pick<Accepted, 'event_id' | 'room_version' | 'event' | 'forgettable'> {
    const { version } = this.room;
    const { clear, forgettable } = splitForgettable({ ...event.pdu, hashes: { sha256: '' } }, version);
    const split = forgettable === undefined ? {} : { forgettable: { ...forgettable } };
    return { event_id: event.eventId, room_version: version.id, event: { ...clear }, ...split };
  }

  #deltaOf(event: RoomEvent): NonNullable<Accepted['current']>['delta'] {
    if (event.stateKey === undefined) return [];
    const { type, stateKey, eventId } = event;
    const replaces = this.#current.get(stateKeyText(type, stateKey)) ?? null;
    return [{ type, state_key: stateKey, event_id: eventId, replaces }];
  }
}

/** The log's records as if some of them had lost their sealed fields. */
export function forgetting(records: readonly LoggedRecord[], eventIds: readonly string[]): LoggedRecord[] {
  return records.map((record) => {
    if (record.type !== 'room.event.accepted' || !eventIds.includes(record.data.event_id)) return record;
    const { forgettable: _, ...data } = record.data;
    return { ...record, data, forgotten: true };
  });
}
