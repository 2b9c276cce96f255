import type { EventFilter } from '../protocol/filters.js';
import { timeline, type TimelineEvent } from '../read-models/collections.js';
import type { ReadSide } from './read-side.js';
import { incomingRelations } from './relation-index.js';
import { visibleEvents, type Eyes } from './room-history.js';
import { isIgnored, matchesFilter } from './sync/timeline-window.js';

/** A stretch of a room's timeline, read from one end. Places are positions: everything up to one is before it. */
export interface Stretch {
  readonly roomId: string;
  readonly backwards: boolean;
  /** Where to begin. */
  readonly from: number;
  /** Where `from` is the place of an event: begin beyond it, with what came in the same commit. */
  readonly beyond?: TimelineEvent | undefined;
  /** Where to stop, though the limit is not reached; absent: at the timeline's end. */
  readonly to?: number | undefined;
}

/** Who reads, and what of it they want. */
export interface Reader {
  readonly eyes: Eyes;
  readonly ignored: ReadonlySet<string>;
  readonly filter: EventFilter;
}

export interface EventPage {
  /** In the order of reading. */
  readonly events: readonly TimelineEvent[];
  /** Where to go on. */
  readonly next: number;
  /** Whether the stretch has nothing more. */
  readonly isLast: boolean;
}

const PAGE = 100;
/** With a filter that matches little, or history that is hidden, this much is looked through for one answer. */
const MOST_LOOKED_AT = 5000;

/**
 * The next events of a stretch that the reader wants and may see, at most `limit`, but those of one commit together:
 * they share a position, between which there is no place. Reads in pages, of as many as are wanted at first.
 */
export async function eventPage(
  side: ReadSide,
  stretch: Stretch,
  reader: Reader,
  limit: number,
): Promise<EventPage> {
  const events: TimelineEvent[] = [];
  let cursor = stretch.beyond;
  for (let lookedAt = 0; lookedAt < MOST_LOOKED_AT;) {
    // One more than wanted, to know whether there is more.
    const size = lookedAt === 0 ? Math.min(limit + 1, PAGE) : PAGE;
    const page = await readOn(side, stretch, cursor, size);
    const shown = new Set(await wantedEvents(side, reader, page));
    for (const event of page) {
      if (events.length >= limit && event.position !== cursor?.position) {
        return { events, next: placeBeyond(stretch, cursor), isLast: false };
      }
      if (shown.has(event)) events.push(event);
      cursor = event;
    }
    if (page.length < size) return { events, next: placeBeyond(stretch, cursor), isLast: true };
    lookedAt += page.length;
  }
  return { events, next: placeBeyond(stretch, cursor), isLast: false };
}

/** Which of these events the reader wants and may see. */
export async function wantedEvents(
  side: ReadSide,
  { eyes, ignored, filter }: Reader,
  events: readonly TimelineEvent[],
): Promise<TimelineEvent[]> {
  const wanted: TimelineEvent[] = [];
  for (const event of events) {
    if (isIgnored(event, ignored)) continue;
    const relations = filter.needsRelations ? await incomingRelations(side, event) : [];
    if (matchesFilter(filter, event, relations)) wanted.push(event);
  }
  return visibleEvents(side, eyes, wanted);
}

function readOn(
  side: ReadSide,
  stretch: Stretch,
  cursor: TimelineEvent | undefined,
  limit: number,
): Promise<TimelineEvent[]> {
  const { roomId, backwards, from, to } = stretch;
  const seen = cursor === undefined ? undefined : [cursor.position, cursor.index];
  // A place is after the events of its own position.
  const range = backwards
    ? {
        ...(seen === undefined ? { to: [from] } : { before: seen }),
        ...(to === undefined ? {} : { after: [to] }),
      }
    : { after: seen ?? [from], ...(to === undefined ? {} : { to: [to] }) };
  return side.store.collection(timeline).find({ prefix: [roomId], ...range, reverse: backwards, limit });
}

function placeBeyond({ backwards, from }: Stretch, last: TimelineEvent | undefined): number {
  if (last === undefined) return from;
  return backwards ? last.position - 1 : last.position;
}
