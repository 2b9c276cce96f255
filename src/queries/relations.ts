import { timeline, type TimelineEvent } from '../read-models/collections.js';
import { withAggregations } from './aggregations.js';
import { jsonArray } from './client-events.js';
import { visibleEvent } from './events.js';
import type { ReadSide, Viewer } from './read-side.js';
import { childrenOf, type Places } from './relation-index.js';
import { visibleEvents } from './room-history.js';
import { sightOf, type Sight } from './sight.js';
import { isIgnored } from './sync/timeline-window.js';
import { parseFrom, parseTimelineToken, timelineToken } from './tokens.js';

/** `GET /rooms/{roomId}/relations/...` as it was asked for, checked in form. */
export interface RelationsRequest {
  readonly roomId: string;
  readonly eventId: string;
  readonly relType: string | undefined;
  readonly eventType: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly limit: number | undefined;
  readonly backwards: boolean;
  /** Whether relations of relations count too. */
  readonly recurse: boolean;
}

const DEFAULT_LIMIT = 50;
const MOST_EVENTS = 500;
/** The specification asks for three levels at least. */
const LEVELS = 3;
/** What is beyond is not found. */
const MOST_LOOKED_AT = 5000;

/**
 * The events that relate to one, a page of them, as JSON text (Client-Server API, Relationships API).
 *
 * Cost: of one type of relation, as many reads as the page has events. Those of any type, and those of relations
 * to relations, have to be put in order first, so all of them are read.
 *
 * @throws MatrixError M_NOT_FOUND where the reader may not see the parent, M_INVALID_PARAM
 */
export async function relations(side: ReadSide, viewer: Viewer, request: RelationsRequest): Promise<string> {
  const { roomId, eventId, relType, backwards, recurse } = request;
  const sight = await sightOf(side, viewer, roomId);
  await visibleEvent(side, sight.eyes, roomId, eventId);
  const limit = Math.max(1, Math.min(request.limit ?? DEFAULT_LIMIT, MOST_EVENTS));

  const places = placesOf(side, request);
  const inOrder =
    relType !== undefined && !recurse
      ? childrenOf(side, [roomId, eventId, relType], places, backwards)
      : [await sortedDescendants(side, request, places)];
  const found: TimelineEvent[] = [];
  let lookedAt = 0;
  for await (const events of inOrder) {
    const wanted = events.filter((event) => isWanted(request, event) && !isIgnored(event, sight.ignored));
    found.push(...(await visibleEvents(side, sight.eyes, wanted)));
    lookedAt += events.length;
    if (found.length > limit || lookedAt >= MOST_LOOKED_AT) break;
  }
  return answer(side, sight, request, found, limit);
}

/** From where to where, by tokens: after one place, up to another. */
function placesOf(side: ReadSide, { from, to, backwards }: RelationsRequest): Places {
  const start = from === undefined ? undefined : parseFrom(from, backwards, side.epoch);
  const end = to === undefined ? undefined : parseTimelineToken(to, 'to', side.epoch);
  return backwards ? { after: end, to: start } : { after: start, to: end };
}

function isWanted({ relType, eventType }: RelationsRequest, event: TimelineEvent): boolean {
  return (
    (relType === undefined || event.relates_to?.rel_type === relType) &&
    (eventType === undefined || event.type === eventType)
  );
}

/** Children, and theirs where that is asked for; each once, whatever goes round in circles. */
async function sortedDescendants(
  side: ReadSide,
  request: RelationsRequest,
  { after = -Infinity, to = Infinity }: Places,
): Promise<TimelineEvent[]> {
  const { roomId, eventId, backwards, recurse } = request;
  const collection = side.store.collection(timeline);
  const found = new Map<string, TimelineEvent>();
  let parents = [eventId];
  for (let level = 0; level < (recurse ? LEVELS : 1) && parents.length > 0; level++) {
    const next: string[] = [];
    for (const parent of parents) {
      const range = { prefix: [roomId, parent], reverse: true, limit: MOST_LOOKED_AT - found.size };
      if (range.limit <= 0) break;
      for (const child of await collection.find(range, 'relation')) {
        // What the filter leaves out leads to nothing either, says the specification.
        if (found.has(child.event_id) || child.event_id === eventId || !isWanted(request, child)) continue;
        found.set(child.event_id, child);
        next.push(child.event_id);
      }
    }
    parents = next;
  }
  return [...found.values()]
    .filter(({ position }) => position > after && position <= to)
    .sort((a, b) => (backwards ? compare(b, a) : compare(a, b)));
}

function compare(a: TimelineEvent, b: TimelineEvent): number {
  return a.position - b.position || a.index - b.index;
}

async function answer(
  side: ReadSide,
  sight: Sight,
  { from, backwards, recurse }: RelationsRequest,
  found: readonly TimelineEvent[],
  limit: number,
): Promise<string> {
  // Those of one commit stay together: there is no place between them.
  const end = found[limit - 1]?.position;
  const page = found.filter((event, nth) => nth < limit || event.position === end);
  const members = [`"chunk":${jsonArray(await withAggregations(side, sight, page))}`];
  const last = page.at(-1);
  if (last !== undefined && found.length > page.length) {
    const place = backwards ? last.position - 1 : last.position;
    members.push(`"next_batch":${JSON.stringify(timelineToken(place, side.epoch))}`);
  }
  if (from !== undefined) members.push(`"prev_batch":${JSON.stringify(from)}`);
  if (recurse) members.push(`"recursion_depth":${LEVELS}`);
  return `{${members.join(',')}}`;
}
