import type { EventFilter } from '../protocol/filters.js';
import type { StateEvent, TimelineEvent } from '../read-models/collections.js';
import { withAggregations } from './aggregations.js';
import { jsonArray } from './client-events.js';
import { eventPage } from './event-page.js';
import { visibleEvent } from './events.js';
import type { ReadSide, Viewer } from './read-side.js';
import { membersAt, readingLimit, stateOf } from './room-history.js';
import { sightOf } from './sight.js';
import { ALL_BUT_MEMBERS, wantsState } from './sync/room-state-part.js';
import { timelineToken } from './tokens.js';

/** `GET /rooms/{roomId}/context/{eventId}` as it was asked for, checked in form. */
export interface ContextRequest {
  readonly roomId: string;
  readonly eventId: string;
  /** Of the events before and after together. */
  readonly limit: number;
  readonly filter: EventFilter;
}

const MOST_EVENTS = 100;

/**
 * An event with those around it, and the state at the last of them, as JSON text (Client-Server API, Event context).
 *
 * @throws MatrixError M_FORBIDDEN for who may not read the room, M_NOT_FOUND for an event that is not there, or not
 *   for the reader to see
 */
export async function eventContext(side: ReadSide, viewer: Viewer, request: ContextRequest): Promise<string> {
  const { roomId, eventId, filter } = request;
  await readingLimit(side, viewer.userId, roomId);
  const sight = await sightOf(side, viewer, roomId);
  const event = await visibleEvent(side, sight.eyes, roomId, eventId);
  const limit = Math.min(filter.limit ?? request.limit, request.limit, MOST_EVENTS);
  const half = Math.floor(limit / 2);
  const reader = { ...sight, filter };
  const { position } = event;
  const around = (backwards: boolean, most: number) =>
    eventPage(side, { roomId, backwards, from: position, beyond: event }, reader, most);
  const [before, after] = await Promise.all([around(true, half), around(false, limit - half)]);

  const [eventText = ''] = await withAggregations(side, sight, [event]);
  const beforeTexts = await withAggregations(side, sight, before.events);
  const afterTexts = await withAggregations(side, sight, after.events);
  const state = await stateAround(side, request, event, [...before.events, ...after.events]);
  const token = (place: number) => JSON.stringify(timelineToken(place, side.epoch));
  const members = [
    `"start":${token(before.next)}`,
    `"end":${token(after.next)}`,
    `"event":${eventText}`,
    `"events_before":${jsonArray(beforeTexts)}`,
    `"events_after":${jsonArray(afterTexts)}`,
    `"state":${jsonArray(state.map(({ json }) => json))}`,
  ];
  return `{${members.join(',')}}`;
}

/** The state at the last event; with lazy loading, of the members only those who speak. */
async function stateAround(
  side: ReadSide,
  { roomId, filter }: ContextRequest,
  event: TimelineEvent,
  others: readonly TimelineEvent[],
): Promise<StateEvent[]> {
  const last = [event, ...others].reduce((a, b) => (b.position > a.position ? b : a));
  const root = last.state_after;
  if (!filter.lazyLoadMembers) {
    return (await stateOf(side, roomId, root)).filter((one) => wantsState(filter, one));
  }
  const people = [event, ...others].map(({ sender }) => sender);
  const state = await stateOf(side, roomId, root, ALL_BUT_MEMBERS);
  const members = await membersAt(side, roomId, root, people);
  return [...state, ...members].filter((one) => wantsState(filter, one));
}
