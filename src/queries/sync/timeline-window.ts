import type { EventFilter, IncomingRelation } from '../../protocol/filters.js';
import { timeline, type TimelineEvent } from '../../read-models/collections.js';
import type { ReadSide } from '../read-side.js';
import { visibleEvents, type Eyes } from '../room-history.js';

/** Which part of a room's timeline: after `after` (absent: from the beginning) up to and with `to`. */
export interface Window {
  readonly after: number | undefined;
  readonly to: number;
}

export interface TimelinePart {
  /** Oldest first. */
  readonly events: readonly TimelineEvent[];
  /** Whether there are more in the window, before these. */
  readonly limited: boolean;
}

const PAGE = 100;
/** With a filter that matches little, this much is looked through for one answer. */
const MOST_LOOKED_AT = 5000;

/**
 * The newest events of a window that the filter wants and the user may see, at most `limit`. Reads as many as it
 * answers, plus one to know whether there are more; a picky filter reads on in pages.
 */
export async function timelinePart(
  side: ReadSide,
  eyes: Eyes,
  roomId: string,
  window: Window,
  filter: EventFilter,
  limit: number,
  ignored: ReadonlySet<string>,
): Promise<TimelinePart> {
  const collection = side.store.collection(timeline);
  const found: TimelineEvent[] = [];
  let before = window.to + 1;
  for (let lookedAt = 0; found.length <= limit && lookedAt < MOST_LOOKED_AT;) {
    const size = filter.matchesAll ? limit + 1 - found.length : PAGE;
    const range = { prefix: [roomId], before: [before], reverse: true, limit: size };
    const page = await collection.find(
      window.after === undefined ? range : { ...range, after: [window.after] },
    );
    const wanted = page.filter((event) => wants(filter, event) && !isIgnored(event, ignored));
    found.push(...(await visibleEvents(side, eyes, wanted)));
    lookedAt += page.length;
    const last = page.at(-1);
    if (last === undefined || page.length < size) break;
    before = last.position;
  }
  return { events: found.slice(0, limit).reverse(), limited: found.length > limit };
}

/** Whether an event filter wants an event of a timeline. */
export function wants(filter: EventFilter, event: TimelineEvent): boolean {
  return matchesFilter(filter, event, []);
}

/** The same with the relations to the event, which filters that need them (`needsRelations`) look at. */
export function matchesFilter(
  filter: EventFilter,
  event: TimelineEvent,
  relations: Iterable<IncomingRelation>,
): boolean {
  if (filter.matchesAll) return true;
  const { type, sender, room_id } = event;
  const content = event.contains_url === true ? { url: '' } : {};
  return filter.matches({ type, sender, room_id, content }, relations);
}

/** Of ignored users only state is sent (Client-Server API, Ignoring Users). */
export function isIgnored(event: TimelineEvent, ignored: ReadonlySet<string>): boolean {
  return ignored.has(event.sender) && event.state_key === undefined;
}
