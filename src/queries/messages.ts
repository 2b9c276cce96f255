import type { EventFilter } from '../protocol/filters.js';
import type { TimelineEvent } from '../read-models/collections.js';
import { withAggregations } from './aggregations.js';
import { jsonArray } from './client-events.js';
import { eventPage, type EventPage, type Stretch } from './event-page.js';
import type { ReadSide, Viewer } from './read-side.js';
import { membersAt, readingLimit } from './room-history.js';
import { sightOf } from './sight.js';
import { parseFrom, parseTimelineToken, timelineToken } from './tokens.js';

/** `GET /rooms/{roomId}/messages` as it was asked for, checked in form. */
export interface MessagesRequest {
  readonly roomId: string;
  readonly backwards: boolean;
  /** Tokens. Without `from` reading begins at that end of the history from which it can go on. */
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly limit: number;
  readonly filter: EventFilter;
}

const MOST_EVENTS = 1000;
/** Before every event. */
const BEGINNING = -1;

/**
 * A page of a room's history, as JSON text (Client-Server API, Getting events for a room). `end` is absent once there
 * was nothing more to find: clients ask on until then, and an empty page with an `end` only means that what was
 * looked through was not for them.
 *
 * @throws MatrixError M_FORBIDDEN, M_INVALID_PARAM for a token that is none
 */
export async function messages(side: ReadSide, viewer: Viewer, request: MessagesRequest): Promise<string> {
  const { roomId, backwards, filter } = request;
  const { until } = await readingLimit(side, viewer.userId, roomId);
  const end = until ?? side.positions.processed;
  const { epoch } = side;
  const start = request.from === undefined ? undefined : parseFrom(request.from, backwards, epoch);
  const from = start ?? (backwards ? end : BEGINNING);
  const to = request.to === undefined ? undefined : parseTimelineToken(request.to, 'to', epoch);
  const stretch: Stretch = backwards
    ? { roomId, backwards, from: Math.min(from, end), to }
    : { roomId, backwards, from, to: Math.min(to ?? end, end) };
  const sight = await sightOf(side, viewer, roomId);
  const limit = Math.min(filter.limit ?? request.limit, request.limit, MOST_EVENTS);

  const page: EventPage = filter.matchesNothing
    ? { events: [], next: from, isLast: true }
    : await eventPage(side, stretch, { ...sight, filter }, limit);
  const texts = await withAggregations(side, sight, page.events);
  const members = [
    `"start":${JSON.stringify(timelineToken(from, side.epoch))}`,
    `"chunk":${jsonArray(texts)}`,
  ];
  if (!page.isLast || page.events.length > 0) {
    members.push(`"end":${JSON.stringify(timelineToken(page.next, side.epoch))}`);
  }
  if (filter.lazyLoadMembers) {
    members.push(`"state":${jsonArray(await speakers(side, roomId, page.events))}`);
  }
  return `{${members.join(',')}}`;
}

/** The member events of those who speak in a page, as of its first event (Lazy-loading room members). */
export async function speakers(
  side: ReadSide,
  roomId: string,
  events: readonly TimelineEvent[],
): Promise<string[]> {
  const [first] = events;
  if (first === undefined) return [];
  const people = events.map(({ sender }) => sender);
  const members = await membersAt(side, roomId, first.state_after, people);
  return members.map(({ json }) => json);
}
