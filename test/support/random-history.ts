import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { authEventKeys } from '../../src/protocol/auth-events.js';
import { authorise } from '../../src/protocol/auth-rules/index.js';
import { stateKeyText, type RoomEvent } from '../../src/protocol/events.js';
import type { JsonObject } from '../../src/protocol/json.js';
import { ROOM_VERSIONS, type RoomVersion } from '../../src/protocol/room-versions.js';
import { slowResolve } from './slow-state-resolution.js';

/** What somebody tries to do in a room. */
export interface Attempt {
  readonly sender: string;
  readonly type: string;
  readonly stateKey?: string;
  readonly content: JsonObject;
  /** `origin_server_ts`; the sender may claim any. */
  readonly ts: number;
}

type StateMap = ReadonlyMap<string, string>;

/**
 * The graph of a room's events, grown one attempt at a time. An attempt is made upon any earlier events, gets its
 * auth events from the (resolved) state there, and is dropped if that state does not allow it: histories are those
 * that honest servers would make between them.
 */
export class RoomHistory {
  readonly version: RoomVersion;
  readonly events = new Map<string, RoomEvent>();
  /** In the order in which they were made. */
  readonly ids: string[] = [];
  /** State after each event. */
  readonly states = new Map<string, StateMap>();
  #roomId = '';

  constructor(version: RoomVersion) {
    this.version = version;
  }

  /** Makes an event upon `prev`; `undefined` if the state there refuses it. */
  add(prev: readonly string[], attempt: Attempt): RoomEvent | undefined {
    const before = this.stateBefore(prev);
    const keys = authEventKeys({ ...attempt, stateKey: attempt.stateKey }, this.version);
    const authEvents = keys.flatMap(({ type, stateKey }) => before.get(stateKeyText(type, stateKey)) ?? []);
    const event = this.make(prev, authEvents, attempt);
    const verdict = authorise(event, this.version, {
      get: (type, stateKey) => this.events.get(before.get(stateKeyText(type, stateKey)) ?? ''),
    });
    if (!verdict.allowed) return undefined;
    this.accept(event, before);
    return event;
  }

  stateBefore(prev: readonly string[]): StateMap {
    const states = [...new Set(prev.map((id) => this.stateAfter(id)))];
    const [only] = states;
    if (states.length === 1 && only !== undefined) return only;
    return states.length === 0 ? new Map() : slowResolve(this.slowRoom(), states);
  }

  stateAfter(id: string): StateMap {
    const state = this.states.get(id);
    if (state === undefined) throw new Error(`The history has no event ${id}`);
    return state;
  }

  slowRoom(rejected: ReadonlySet<string> = new Set()) {
    return { version: this.version, events: this.events, rejected, authorise };
  }

  /** Makes an event with these auth events, unchecked, without adding it. */
  make(prev: readonly string[], authEvents: readonly string[], attempt: Attempt): RoomEvent {
    const depth = 1 + Math.max(0, ...prev.map((id) => this.events.get(id)?.depth ?? 0));
    const isCreate = attempt.type === 'm.room.create';
    const hash = createHash('sha256')
      .update(JSON.stringify([prev, authEvents, attempt]))
      .digest('base64url');
    const eventId = this.version.eventIds === 'pdu' ? `$${hash.slice(0, 12)}:one` : `$${hash}`;
    if (isCreate) this.#roomId = this.version.roomIds === 'domain' ? '!room:one' : `!${hash}`;
    const roomId = this.#roomId;
    const { sender, type, stateKey, content, ts } = attempt;
    const named = isCreate && this.version.roomIds === 'create_event' ? {} : { room_id: roomId };
    const pdu = {
      ...named,
      type,
      sender,
      content,
      depth,
      origin_server_ts: ts,
      auth_events: authEvents,
      prev_events: prev,
      ...(stateKey === undefined ? {} : { state_key: stateKey }),
    };
    return {
      eventId,
      roomId,
      type,
      sender,
      stateKey,
      content,
      depth,
      originServerTs: ts,
      authEvents,
      prevEvents: prev,
      redacts: undefined,
      pdu,
    };
  }

  /** Adds an event to the history, after this state. */
  accept(event: RoomEvent, before: StateMap): void {
    this.events.set(event.eventId, event);
    this.ids.push(event.eventId);
    const after =
      event.stateKey === undefined
        ? before
        : new Map([...before, [stateKeyText(event.type, event.stateKey), event.eventId]]);
    this.states.set(event.eventId, after);
  }
}

export const USERS = ['@alice:one', '@bob:two', '@carol:three', '@dave:four', '@eve:five'] as const;
const [ALICE, BOB, CAROL] = USERS;

/** The first events of a room: its creator is there, people may join. */
function found(history: RoomHistory, stateDefault: number | undefined, ts: number): void {
  const { version } = history;
  const { creatorInContent, privilegedCreators } = version.auth;
  const say = (type: string, stateKey: string, content: JsonObject): void => {
    const event = history.add(history.ids.slice(-1), { sender: ALICE, type, stateKey, content, ts });
    if (event === undefined) throw new Error(`The room's founder may not send ${type}`);
  };
  say('m.room.create', '', {
    room_version: version.id,
    ...(creatorInContent ? { creator: ALICE } : {}),
    ...(privilegedCreators ? { additional_creators: [BOB] } : {}),
  });
  say('m.room.member', ALICE, { membership: 'join' });
  if (stateDefault !== undefined) {
    const users = privilegedCreators ? { [CAROL]: 50 } : { [ALICE]: 100, [BOB]: 50 };
    say('m.room.power_levels', '', { users, state_default: stateDefault });
  }
  say('m.room.join_rules', '', { join_rule: 'public' });
}

/** Those who have power act more often, else most attempts would be refused. */
const user = fc.oneof(
  { weight: 3, arbitrary: fc.constant(ALICE) },
  { weight: 2, arbitrary: fc.constant(BOB) },
  { weight: 4, arbitrary: fc.constantFrom(...USERS) },
);
const level = fc.constantFrom(0, 25, 50, 75, 100);

/** An act without its place: what, by whom, to whom. Kinds that change who may do what are frequent. */
const act = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('join' as const), by: user }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('leave' as const), by: user }) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constantFrom('ban', 'kick', 'invite', 'knock'), by: user, whom: user }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('level' as const), by: user, whom: user, level }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('threshold' as const),
      by: user,
      name: fc.constantFrom('users_default', 'state_default', 'ban', 'kick', 'invite'),
      level,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('rule' as const),
      by: user,
      rule: fc.constantFrom('public', 'invite', 'knock', 'restricted'),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom('m.room.topic', 'm.room.name', 'm.third_party', 'own', 'm.room.message'),
      by: user,
    }),
  },
);
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;

const FRIENDLY: Readonly<Record<string, string>> = {
  ban: 'ban',
  kick: 'leave',
  invite: 'invite',
  knock: 'knock',
};

/** The event that an act means in the state where it happens. */
function attemptOf(history: RoomHistory, prev: readonly string[], it: Act, ts: number): Attempt {
  const sender = it.by;
  const member = (stateKey: string, content: JsonObject): Attempt => {
    return { sender, type: 'm.room.member', stateKey, content, ts };
  };
  if ('name' in it || 'level' in it) {
    const content = history.events.get(
      history.stateBefore(prev).get(stateKeyText('m.room.power_levels', '')) ?? '',
    )?.content ?? { users: {} };
    const changed =
      'name' in it
        ? { ...content, [it.name]: it.level }
        : { ...content, users: { ...(content['users'] as JsonObject), [it.whom]: it.level } };
    return { sender, type: 'm.room.power_levels', stateKey: '', content: changed, ts };
  }
  if ('rule' in it) {
    return { sender, type: 'm.room.join_rules', stateKey: '', content: { join_rule: it.rule }, ts };
  }
  if ('whom' in it) {
    const membership = FRIENDLY[it.kind] ?? 'leave';
    return member(it.kind === 'knock' ? sender : it.whom, { membership });
  }
  switch (it.kind) {
    case 'join':
      return member(sender, { membership: 'join', displayname: `${ts}`, ...authorisedBy(history) });
    case 'leave':
      return member(sender, { membership: 'leave' });
    case 'own':
      return { sender, type: 'own', stateKey: sender, content: { ts }, ts };
    case 'm.room.message':
      return { sender, type: it.kind, content: { body: '' }, ts };
    default:
      return { sender, type: it.kind, stateKey: '', content: { ts }, ts };
  }
}

function authorisedBy({ version }: RoomHistory): JsonObject {
  return version.auth.restricted ? { join_authorised_via_users_server: ALICE } : {};
}

/** A random history, and a few of its events whose states are to be resolved. */
export interface RandomHistory {
  readonly history: RoomHistory;
  readonly tips: readonly string[];
}

/**
 * Rooms of up to `maxActs` random acts, each upon one to three earlier events: often the newest, often some way
 * back, so that branches live side by side and meet. Clocks disagree.
 */
export function randomHistory(versionId: string, maxActs = 40): fc.Arbitrary<RandomHistory> {
  const version = ROOM_VERSIONS.get(versionId);
  if (version === undefined) throw new Error(`There is no room version ${versionId}`);
  const place = fc.record({
    back: fc.array(fc.oneof(fc.nat(2), fc.nat(12)), { minLength: 1, maxLength: 3 }),
    clock: fc.integer({ min: -8, max: 8 }),
    act,
  });
  return fc
    .record({
      stateDefault: fc.constantFrom(0, 0, 25, 50, 50, undefined),
      joined: fc.subarray([...USERS.slice(1)]),
      places: fc.array(place, { minLength: Math.ceil(maxActs / 3), maxLength: maxActs, size: 'max' }),
      tips: fc.array(fc.oneof(fc.nat(4), fc.nat(20)), { minLength: 2, maxLength: 4 }),
    })
    .map(({ stateDefault, joined, places, tips }) => {
      const history = new RoomHistory(version);
      found(history, stateDefault, 100);
      for (const sender of joined) {
        const content = { membership: 'join' };
        history.add(history.ids.slice(-1), {
          sender,
          type: 'm.room.member',
          stateKey: sender,
          content,
          ts: 100,
        });
      }
      const from = (back: number): string =>
        history.ids.at(-1 - Math.min(back, history.ids.length - 1)) ?? '';
      places.forEach((it, index) => {
        const prev = [...new Set(it.back.map(from))];
        history.add(prev, attemptOf(history, prev, it.act, 100 + Math.floor(index / 2) + it.clock));
      });
      return { history, tips: [...new Set(tips.map(from))] };
    });
}
