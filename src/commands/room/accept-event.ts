import type { RecordOf } from '../../log/records.js';
import { parseStateKeyText, stateKeyText, type RoomEvent } from '../../protocol/events.js';
import { powerLevels } from '../../protocol/power-levels.js';
import { redactionAllowed } from '../../protocol/auth-rules/index.js';
import { splitForgettable } from '../../protocol/redaction.js';
import type { RoomVersion } from '../../protocol/room-versions.js';
import type { Hash } from '../../room-state/node.js';
import { EMPTY_ROOT } from '../../room-state/trie.js';
import { diff } from '../../room-state/diff.js';
import { deltaOf, resolveState, type DeltaEntry, type ResolvedState } from './resolve-state.js';
import type { RoomSession } from './room-session.js';

const CREATE = { type: 'm.room.create', stateKey: '' };
const POWER_LEVELS = { type: 'm.room.power_levels', stateKey: '' };

export type AcceptedRecord = RecordOf<'room.event.accepted'>;

/** The state before an event, and how it follows from those of its previous events where they had to be resolved. */
export interface StateBefore {
  readonly root: Hash;
  readonly resolution?: { readonly base: Hash; readonly delta: DeltaEntry[] };
}

/**
 * The state before an event with these previous events, which must be known with their place: the state after
 * the only one, or the resolution of those after each (Server-Server API, Room State Resolution).
 */
export async function stateBefore(session: RoomSession, prevEvents: readonly string[]): Promise<StateBefore> {
  const roots = prevEvents.map((id) => {
    const place = session.place(id);
    if (place === undefined) throw new Error(`The previous event ${id} is not known.`);
    return place.stateAfter;
  });
  const [first] = roots;
  if (first === undefined) return { root: EMPTY_ROOT };
  const { root, delta } = await resolveState(session, roots);
  return delta.length === 0 ? { root } : { root, resolution: { base: first, delta: [...delta] } };
}

/** The state after an event: the one before, with the event in it if it is a state event. */
export function stateAfter(session: RoomSession, event: RoomEvent, before: Hash): Hash {
  if (event.stateKey === undefined) return before;
  return session.changed(before, new Map([[stateKeyText(event.type, event.stateKey), event.eventId]]));
}

/**
 * The record of an event that has passed every check: with the state before and after it, what it changes in the
 * room's current state, the new extremities, and whether a redaction takes effect. The session holds the event; it
 * is moved on by whoever records this.
 *
 * Cost for a message at the room's front: no state is touched. For a state event: one path of the trie.
 */
export async function acceptEvent(
  session: RoomSession,
  version: RoomVersion,
  event: RoomEvent,
  before: StateBefore,
  transaction?: { device_id: string; transaction_id: string },
): Promise<AcceptedRecord> {
  const { graph } = session.snapshot;
  const after = stateAfter(session, event, before.root);
  session.expect(event, before.root, after);
  const extremities = [
    ...(graph?.extremities ?? []).filter((id) => !event.prevEvents.includes(id)),
    event.eventId,
  ];
  const root = await currentRoot(session, event, after, extremities);
  const current = currentChange(session, graph?.root ?? EMPTY_ROOT, root, event, before.root, after);
  const redaction = await redactionOf(session, version, event, before.root);
  const { clear, forgettable } = splitForgettable(event.pdu, version);
  return {
    type: 'room.event.accepted',
    version: 1,
    data: {
      event_id: event.eventId,
      room_version: version.id,
      event: { ...clear },
      ...(forgettable === undefined ? {} : { forgettable: { ...forgettable } }),
      state_before: before.root,
      state_after: after,
      ...(before.resolution === undefined ? {} : { resolution: before.resolution }),
      ...(current === undefined ? {} : { current }),
      extremities,
      ...(redaction === undefined ? {} : { redaction }),
      ...(transaction === undefined ? {} : { transaction }),
    },
  };
}

/** The current state is the resolution of the states after all extremities; mostly there is one. */
async function currentRoot(
  session: RoomSession,
  event: RoomEvent,
  after: Hash,
  extremities: readonly string[],
): Promise<Hash> {
  if (extremities.length === 1) return after;
  const roots = extremities.map((id) => {
    if (id === event.eventId) return after;
    const place = session.place(id);
    if (place === undefined) throw new Error(`The extremity ${id} is not known.`);
    return place.stateAfter;
  });
  const resolved: ResolvedState = await resolveState(session, roots);
  return resolved.root;
}

function currentChange(
  session: RoomSession,
  from: Hash,
  to: Hash,
  event: RoomEvent,
  before: Hash,
  after: Hash,
): { root: Hash; delta: DeltaEntry[] } | undefined {
  if (from === to) return undefined;
  if (event.stateKey !== undefined && before === from && after === to) {
    // Nearly always the event itself is the whole difference, and then no walk is needed.
    const change = new Map([[stateKeyText(event.type, event.stateKey), event.eventId]]);
    return { root: to, delta: deltaOf(session, from, change) };
  }
  const delta = [...diff(session.ports.reader, from, to)].map(({ key, before, after }): DeltaEntry => {
    const { type, stateKey } = parseStateKeyText(key);
    return { type, state_key: stateKey, event_id: after ?? null, replaces: before ?? null };
  });
  return { root: to, delta };
}

async function redactionOf(
  session: RoomSession,
  version: RoomVersion,
  event: RoomEvent,
  before: Hash,
): Promise<{ target: string; applied: boolean } | undefined> {
  if (event.type !== 'm.room.redaction' || event.redacts === undefined) return undefined;
  await session.load([event.redacts]);
  await session.loadState([CREATE, POWER_LEVELS], before);
  const target = session.event(event.redacts);
  const create = session.state('m.room.create', '', before);
  const known =
    target !== undefined && create !== undefined && session.place(event.redacts)?.standing === 'accepted';
  if (!known) return { target: event.redacts, applied: false };
  const levels = powerLevels(session.state('m.room.power_levels', '', before), create, version);
  return { target: event.redacts, applied: redactionAllowed(event, target, version, levels) };
}
