import { stateKeyText, type RoomEvent } from '../../src/protocol/events.js';
import type { JsonObject } from '../../src/protocol/json.js';
import { ROOM_VERSIONS } from '../../src/protocol/room-versions.js';
import { resolveMaps, type Tracer } from '../../src/protocol/state-resolution/index.js';
import { RoomHistory } from './random-history.js';

/** Alice made the room and has 100 (from version 12: is its creator), Bob has 50, Carol and Dave have 0. */
export const ALICE = '@alice:one';
export const BOB = '@bob:two';
export const CAROL = '@carol:three';
export const DAVE = '@dave:four';

/**
 * A room's history told line by line. The clock goes up by ten with each event, unless a time is given. A line
 * that the rules refuse is an error of the story.
 */
export class RoomStory {
  readonly history: RoomHistory;
  #clock = 0;

  constructor(versionId: string) {
    const version = ROOM_VERSIONS.get(versionId);
    if (version === undefined) throw new Error(`There is no room version ${versionId}`);
    this.history = new RoomHistory(version);
    const { creatorInContent } = version.auth;
    let last = this.tell([], ALICE, 'm.room.create', '', {
      room_version: versionId,
      ...(creatorInContent ? { creator: ALICE } : {}),
    });
    last = this.member(last, ALICE, ALICE, 'join');
    last = this.levels(last, ALICE, { [BOB]: 50 });
    last = this.tell([last], ALICE, 'm.room.join_rules', '', { join_rule: 'public' });
    last = this.member(last, BOB, BOB, 'join');
    this.start = this.member(last, CAROL, CAROL, 'join');
  }

  /** The last event before the story begins: Alice, Bob and Carol are in a public room. */
  readonly start: RoomEvent;

  tell(
    prev: readonly RoomEvent[],
    sender: string,
    type: string,
    stateKey: string,
    content: JsonObject,
    ts?: number,
  ) {
    this.#clock += 10;
    const attempt = { sender, type, stateKey, content, ts: ts ?? this.#clock };
    const event = this.history.add(
      prev.map(({ eventId }) => eventId),
      attempt,
    );
    if (event === undefined)
      throw new Error(`The rules refuse ${sender}'s ${type} ${JSON.stringify(content)}`);
    return event;
  }

  member(after: RoomEvent, sender: string, whom: string, membership: string, ts?: number): RoomEvent {
    return this.tell([after], sender, 'm.room.member', whom, { membership }, ts);
  }

  /** New power levels: Alice keeps hers. */
  levels(after: RoomEvent, sender: string, users: Readonly<Record<string, number>>, ts?: number): RoomEvent {
    const own = this.history.version.auth.privilegedCreators ? {} : { [ALICE]: 100 };
    return this.tell([after], sender, 'm.room.power_levels', '', { users: { ...own, ...users } }, ts);
  }

  topic(after: RoomEvent, sender: string, topic: string, ts?: number): RoomEvent {
    return this.tell([after], sender, 'm.room.topic', '', { topic }, ts);
  }

  stateAfter(event: RoomEvent): ReadonlyMap<string, string> {
    return this.history.stateAfter(event.eventId);
  }

  /** Resolves the states after these events. */
  merge(tips: readonly RoomEvent[], trace?: Tracer): ResolvedState {
    return this.resolve(
      tips.map((tip) => this.stateAfter(tip)),
      trace,
    );
  }

  resolve(sets: readonly ReadonlyMap<string, string>[], trace?: Tracer): ResolvedState {
    const options = trace === undefined ? {} : { trace };
    const state = resolveMaps(this.history.version, sets, this.history.events.values(), options);
    return (type, stateKey = '') => state.get(stateKeyText(type, stateKey));
  }
}

/** The event ID at a key. */
export type ResolvedState = (type: string, stateKey?: string) => string | undefined;
