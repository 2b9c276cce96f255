import type { EventFilter } from '../../protocol/filters.js';
import { stateKeyText } from '../../protocol/events.js';
import type { StateEvent, TimelineEvent } from '../../read-models/collections.js';
import { diff } from '../../room-state/diff.js';
import type { Hash } from '../../room-state/node.js';
import type { ReadSide } from '../read-side.js';
import { eventsById, membersAt, rootAt, stateOf } from '../room-history.js';

/** Which state a client is to be told of. */
export interface StateRequest {
  readonly roomId: string;
  /** What it knows the state of; absent: nothing. */
  readonly since: number | undefined;
  /** The position at which the state is told: just before the timeline, or its end. */
  readonly at: number;
  readonly timeline: readonly TimelineEvent[];
  readonly filter: EventFilter;
  readonly userId: string;
}

export interface StatePart {
  readonly events: readonly StateEvent[];
  /** Those of `events` that are there because somebody speaks in the timeline (lazy loading). */
  readonly lazy: readonly StateEvent[];
}

/** The state apart from its members. */
export const ALL_BUT_MEMBERS = { except: [stateKeyText('m.room.member', '')] };

/**
 * The state that a client lacks: all of it, or what differs between two moments, found by comparing tries, so that
 * it costs what has changed. With lazy loading, members come only where they changed, or speak.
 */
export async function statePart(side: ReadSide, request: StateRequest): Promise<StatePart> {
  const { filter, roomId, since, at } = request;
  const root = await rootAt(side, roomId, at);
  const isLazy = filter.lazyLoadMembers;
  let events: StateEvent[];
  if (since === undefined) {
    events = await stateOf(side, roomId, root, isLazy ? ALL_BUT_MEMBERS : undefined);
  } else {
    const before = await rootAt(side, roomId, since);
    events = before === root ? [] : await changedEvents(side, roomId, before, root);
  }
  const lazy = isLazy ? await membersAt(side, roomId, root, speakers(request)) : [];
  const listed = new Set(events.map((event) => event.event_id));
  return {
    events: events.filter((event) => wantsState(filter, event)),
    lazy: lazy.filter((event) => !listed.has(event.event_id) && wantsState(filter, event)),
  };
}

async function changedEvents(
  side: ReadSide,
  roomId: string,
  before: Hash,
  after: Hash,
): Promise<StateEvent[]> {
  const ids: string[] = [];
  for (const change of diff(side.nodes, before, after)) {
    // A key that lost its event (by state resolution) has nothing to show: there is no event that says so.
    if (change.after !== undefined) ids.push(change.after);
  }
  return eventsById(side, roomId, ids);
}

/** Who speaks in the timeline; at first also the user, whose own membership every client needs. */
function speakers({ timeline, since, userId }: StateRequest): Set<string> {
  const people = new Set(timeline.map((event) => event.sender));
  if (since === undefined) people.add(userId);
  return people;
}

/** Whether an event filter wants an event of a state. */
export function wantsState(filter: EventFilter, event: StateEvent): boolean {
  if (filter.matchesAll) return true;
  const { type, sender, room_id } = event;
  return filter.matches({ type, sender, room_id, content: {} });
}
