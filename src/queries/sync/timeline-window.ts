import type { EventFilter, IncomingRelation } from '../../protocol/filters.js';
import { timeline, type TimelineEvent } from '../../read-models/collections.js';
import { stateKeyText } from '../../protocol/events.js';
import { lookup } from '../../room-state/trie.js';
import type { ReadSide } from '../read-side.js';
import { rootAt, visibleEvents, type Eyes } from '../room-history.js';

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
    found.push(...(await shown(side, eyes, wanted, window.to)));
    lookedAt += page.length;
    const last = page.at(-1);
    if (last === undefined || page.length < size) break;
    before = last.position;
  }
  const end = endOfWhole(found, limit);
  if (end !== undefined) return { events: found.slice(0, end).reverse(), limited: found.length > end };
  const position = found[limit]?.position ?? 0;
  const rest = await collection.find({ prefix: [roomId, position], reverse: true });
  const first = found.findIndex((event) => event.position === position);
  const whole = rest.filter((event) => wants(filter, event) && !isIgnored(event, ignored));
  const events = [...found.slice(0, first), ...(await shown(side, eyes, whole, window.to))];
  const earlier = { prefix: [roomId], before: [position], limit: 1 };
  const older = await collection.count(
    window.after === undefined ? earlier : { ...earlier, after: [window.after] },
  );
  return { events: events.reverse(), limited: older > 0 };
}

/**
 * Where to cut, so that events of one commit, which share a position, stay together: a token cannot point between
 * them. `undefined` where the cut is amid one that has not been read to its end.
 */
function endOfWhole(found: readonly TimelineEvent[], limit: number): number | undefined {
  const isSplit = limit > 0 && found.length > limit && found[limit]?.position === found[limit - 1]?.position;
  return isSplit ? undefined : Math.min(limit, found.length);
}

/**
 * What the user may see of these events; and what is in the room's state at the end of the window, even if it came
 * about while they were out: a client that is not told would have the state wrong.
 */
async function shown(
  side: ReadSide,
  eyes: Eyes,
  events: readonly TimelineEvent[],
  to: number,
): Promise<TimelineEvent[]> {
  const seen = await visibleEvents(side, eyes, events);
  if (seen.length === events.length) return seen;
  const visible = new Set(seen);
  const hidden = events.filter((event) => !visible.has(event) && event.state_key !== undefined);
  const roomId = hidden[0]?.room_id;
  if (roomId === undefined) return seen;
  const root = await rootAt(side, roomId, to);
  for (const event of hidden) {
    const key = stateKeyText(event.type, event.state_key ?? '');
    if (lookup(side.nodes, root, key) === event.event_id) visible.add(event);
  }
  return events.filter((event) => visible.has(event));
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
