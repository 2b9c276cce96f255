import { createHash } from 'node:crypto';
import { authEventKeys } from '../../src/protocol/auth-events.js';
import type { AuthState } from '../../src/protocol/auth-rules/index.js';
import { stateKeyText, type RoomEvent } from '../../src/protocol/events.js';
import type { JsonObject, JsonValue } from '../../src/protocol/json.js';
import { roomVersion, type RoomVersion } from '../../src/protocol/room-versions.js';
import type { Person } from './people.js';

export * from './people.js';

/** What a test says about an event; the builder adds the rest. A `stateKey` makes it state. */
export interface Draft {
  readonly type: string;
  readonly sender: Person;
  readonly stateKey?: string | undefined;
  readonly content?: JsonObject;
  readonly redacts?: string;
  readonly prevEvents?: readonly string[];
  readonly authEvents?: readonly string[];
  readonly roomId?: string;
}

/**
 * A room that grows event by event, in the words of a story:
 * `aRoom('11').createdBy(alice).joinRule('public').joinedBy(bob)`.
 *
 * Each step appends one event on the last one, with the auth events that the state then has. Event IDs have the
 * form of the room version and are the same in every run, but they are not reference hashes, and nothing is
 * signed. No step asks the authorisation rules: a room may be in any state that a test needs.
 */
export class TestRoom {
  readonly version: RoomVersion;
  readonly timeline: RoomEvent[] = [];
  readonly #name: string;
  readonly #state = new Map<string, RoomEvent>();
  #made = 0;
  #roomId: string | undefined;

  constructor(version: RoomVersion, name: string) {
    this.version = version;
    this.#name = name;
  }

  get roomId(): string {
    if (this.#roomId === undefined) throw new Error('The room has not been created yet.');
    return this.#roomId;
  }

  /** The current state; it moves on with the room. */
  get state(): AuthState {
    return { get: (type, stateKey) => this.get(type, stateKey) };
  }

  /** The state as it is now, and stays. */
  stateNow(): ReadonlyMap<string, RoomEvent> {
    return new Map(this.#state);
  }

  get(type: string, stateKey = ''): RoomEvent | undefined {
    return this.#state.get(stateKeyText(type, stateKey));
  }

  /** The event that the story has just added. */
  get last(): RoomEvent {
    const last = this.timeline.at(-1);
    if (last === undefined) throw new Error('The room has no event yet.');
    return last;
  }

  /** Makes an event on top of the room without adding it: what somebody might send next. */
  event(draft: Draft): RoomEvent {
    const { type, sender, stateKey, content = {}, redacts } = draft;
    const previous = this.timeline.at(-1);
    this.#made += 1;
    const eventId = this.#eventId(sender);
    const isCreate = type === 'm.room.create';
    const roomId = draft.roomId ?? (isCreate ? this.#newRoomId(eventId, sender) : this.roomId);
    const authEvents =
      draft.authEvents ??
      authEventKeys({ type, sender: sender.id, stateKey, content }, this.version)
        .map((key) => this.get(key.type, key.stateKey)?.eventId)
        .filter((id) => id !== undefined);
    const prevEvents = draft.prevEvents ?? (previous === undefined ? [] : [previous.eventId]);
    const fields = {
      depth: (previous?.depth ?? 0) + 1,
      originServerTs: 1_600_000_000_000 + this.#made * 1000,
    };
    const pdu: JsonObject = {
      ...(this.version.eventIds === 'pdu' && { event_id: eventId }),
      ...((!isCreate || this.version.roomIds === 'domain' || draft.roomId !== undefined) && {
        room_id: roomId,
      }),
      type,
      sender: sender.id,
      ...(stateKey !== undefined && { state_key: stateKey }),
      content,
      ...(redacts !== undefined && this.version.redaction.redactsIn === 'event' && { redacts }),
      depth: fields.depth,
      origin_server_ts: fields.originServerTs,
      auth_events: this.#references(authEvents),
      prev_events: this.#references(prevEvents),
      hashes: {},
      signatures: {},
    };
    return {
      eventId,
      roomId,
      type,
      sender: sender.id,
      stateKey,
      content,
      ...fields,
      authEvents,
      prevEvents,
      redacts,
      pdu,
    };
  }

  /** Adds an event, made by `event` or elsewhere, to the room. */
  add(event: RoomEvent): this {
    if (event.type === 'm.room.create') this.#roomId ??= event.roomId;
    this.timeline.push(event);
    if (event.stateKey !== undefined) this.#state.set(stateKeyText(event.type, event.stateKey), event);
    return this;
  }

  /** The room's create event alone. `creator` and `room_version` are filled in; `content` may say otherwise. */
  begunBy(creator: Person, content: JsonObject = {}): this {
    const full: JsonObject = {
      ...(this.version.auth.creatorInContent && { creator: creator.id }),
      room_version: this.version.id,
      ...content,
    };
    return this.add(this.event({ type: 'm.room.create', sender: creator, stateKey: '', content: full }));
  }

  /** The create event and its sender's join. */
  createdBy(creator: Person, content: JsonObject = {}): this {
    return this.begunBy(creator, content).joinedBy(creator);
  }

  setState(sender: Person, type: string, content: JsonObject, stateKey = ''): this {
    return this.add(this.event({ type, sender, stateKey, content }));
  }

  says(sender: Person, body: string): this {
    return this.add(this.event({ type: 'm.room.message', sender, content: { msgtype: 'm.text', body } }));
  }

  membership(sender: Person, target: Person, membership: string, more: JsonObject = {}): this {
    return this.setState(sender, 'm.room.member', { membership, ...more }, target.id);
  }

  joinedBy(...people: Person[]): this {
    for (const one of people) this.membership(one, one, 'join');
    return this;
  }

  leftBy(...people: Person[]): this {
    for (const one of people) this.membership(one, one, 'leave');
    return this;
  }

  knockedBy(...people: Person[]): this {
    for (const one of people) this.membership(one, one, 'knock');
    return this;
  }

  /** Invited by the room's creator unless `by` says otherwise. */
  invited(target: Person, by: Person = this.creator): this {
    return this.membership(by, target, 'invite');
  }

  banned(target: Person, by: Person = this.creator): this {
    return this.membership(by, target, 'ban');
  }

  joinRule(rule: string, more: JsonObject = {}): this {
    return this.setState(this.creator, 'm.room.join_rules', { join_rule: rule, ...more });
  }

  powerLevels(content: JsonObject, by: Person = this.creator): this {
    return this.setState(by, 'm.room.power_levels', content);
  }

  historyVisibility(visibility: string): this {
    return this.setState(this.creator, 'm.room.history_visibility', { history_visibility: visibility });
  }

  /** Who sent the create event. */
  get creator(): Person {
    const sender = this.get('m.room.create')?.sender;
    if (sender === undefined) throw new Error('The room has not been created yet.');
    return { id: sender, server: sender.slice(sender.indexOf(':') + 1) };
  }

  #eventId(sender: Person): string {
    const hash = createHash('sha256').update(`${this.#name} ${this.version.id} ${this.#made}`).digest();
    switch (this.version.eventIds) {
      case 'pdu':
        return `$${this.#name}-${this.#made}:${sender.server}`;
      case 'base64':
        return `$${hash.toString('base64').slice(0, 43)}`;
      case 'base64url':
        return `$${hash.toString('base64url')}`;
    }
  }

  #newRoomId(createId: string, creator: Person): string {
    return this.version.roomIds === 'create_event'
      ? `!${createId.slice(1)}`
      : `!${this.#name}:${creator.server}`;
  }

  #references(ids: readonly string[]): JsonValue {
    if (this.version.eventReferences === 'ids') return ids;
    return ids.map((id) => [id, { sha256: '' }]);
  }
}

/**
 * A room of this version, yet to be created. Rooms that are to differ in their IDs need different names.
 */
export function aRoom(version: RoomVersion | string, name = 'room'): TestRoom {
  const known = typeof version === 'string' ? roomVersion(version) : version;
  if (known === undefined) throw new Error('There is no such room version.');
  return new TestRoom(known, name);
}
