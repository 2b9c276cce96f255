import type { RoomEvent } from '../events.js';

/** The events that a resolution may need. Pure: what another server has must have been fetched before. */
export interface EventSource {
  event(id: string): RoomEvent | undefined;
  /** Whether the event was rejected on receipt. Rejected events never enter a state and authorise nothing. */
  rejected(id: string): boolean;
}

/** The graph of a room's events by `auth_events`, read without parsing events where the caller has an index. */
export interface AuthGraph {
  /** The event's place in the log: greater than that of each of its auth events. `undefined`: not there. */
  order(id: string): number | undefined;
  /** `undefined`: not there. */
  authEvents(id: string): readonly string[] | undefined;
  /**
   * The state events that name this one in their `auth_events`, newest first if there is a choice. With it the
   * cost of an auth difference follows the conflict; without it every unconflicted state event is visited.
   */
  citedBy?(id: string): Iterable<string>;
}

/** Events that a resolution needs are not there: to be fetched, then the resolution is to be repeated. */
export class MissingEventsError extends Error {
  readonly eventIds: readonly string[];

  constructor(eventIds: Iterable<string>) {
    const ids = [...new Set(eventIds)].sort();
    super(`State resolution needs events that are not there: ${ids.join(', ')}`);
    this.name = 'MissingEventsError';
    this.eventIds = ids;
  }
}

/** The event with this ID. Throws MissingEventsError if it is not there. */
export function requireEvent(events: EventSource, id: string): RoomEvent {
  const event = events.event(id);
  if (event === undefined) throw new MissingEventsError([id]);
  return event;
}

/** The events with these IDs, in order. Throws one MissingEventsError that names all that are not there. */
export function requireEvents(events: EventSource, ids: Iterable<string>): RoomEvent[] {
  const found: RoomEvent[] = [];
  const missing: string[] = [];
  for (const id of ids) {
    const event = events.event(id);
    if (event === undefined) missing.push(id);
    else found.push(event);
  }
  if (missing.length > 0) throw new MissingEventsError(missing);
  return found;
}

/** An event's place in the log. Throws MissingEventsError. */
export function requireOrder(graph: AuthGraph, id: string): number {
  const order = graph.order(id);
  if (order === undefined) throw new MissingEventsError([id]);
  return order;
}

/** An event's auth events. Throws MissingEventsError. */
export function requireAuthEvents(graph: AuthGraph, id: string): readonly string[] {
  const ids = graph.authEvents(id);
  if (ids === undefined) throw new MissingEventsError([id]);
  return ids;
}

/** The oldest place in the log among these events; Infinity if there are none. */
export function oldestOrder(ids: Iterable<string>, graph: AuthGraph): number {
  let oldest = Infinity;
  const missing: string[] = [];
  for (const id of ids) {
    const order = graph.order(id);
    if (order === undefined) missing.push(id);
    else oldest = Math.min(oldest, order);
  }
  if (missing.length > 0) throw new MissingEventsError(missing);
  return oldest;
}

/** Event IDs by code point (as UTF-8 bytes), which is how servers in other languages compare text. */
export function compareEventIds(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}
