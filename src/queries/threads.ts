import { threads, timeline, type Thread, type TimelineEvent } from '../read-models/collections.js';
import { withAggregations } from './aggregations.js';
import { jsonArray } from './client-events.js';
import type { ReadSide, Viewer } from './read-side.js';
import { eventById, readingLimit, visibleEvents } from './room-history.js';
import { sightOf, type Sight } from './sight.js';
import { isIgnored } from './sync/timeline-window.js';
import { parseFrom, timelineToken } from './tokens.js';

/** `GET /rooms/{roomId}/threads` as it was asked for, checked in form. */
export interface ThreadsRequest {
  readonly roomId: string;
  /** Only threads that the viewer takes part in. */
  readonly participated: boolean;
  readonly limit: number;
  readonly from: string | undefined;
}

const PAGE = 50;
const MOST_THREADS = 100;
/** Threads that are not for the viewer, or not what they want, are passed over; so many at most. */
const MOST_LOOKED_AT = 1000;

/**
 * The threads of a room, those in which something was said last first, as JSON text: their roots with what is
 * aggregated of the children (Client-Server API, Querying threads in a room).
 *
 * @throws MatrixError M_FORBIDDEN for who may not read the room, M_INVALID_PARAM
 */
export async function threadRoots(side: ReadSide, viewer: Viewer, request: ThreadsRequest): Promise<string> {
  const { roomId, from } = request;
  await readingLimit(side, viewer.userId, roomId);
  const sight = await sightOf(side, viewer, roomId);
  const limit = Math.min(request.limit, MOST_THREADS);
  let to = (from === undefined ? undefined : parseFrom(from, true, side.epoch)) ?? Infinity;
  const roots: TimelineEvent[] = [];
  let isLast = false;
  for (let lookedAt = 0; roots.length < limit && lookedAt < MOST_LOOKED_AT && !isLast;) {
    const page = await readOn(side, roomId, to);
    isLast = page.length < PAGE;
    for (const thread of page) {
      // Those of one commit stay together: there is no place between them.
      if (roots.length >= limit && thread.position <= to) {
        isLast = false;
        break;
      }
      to = thread.position - 1;
      const root = await wantedRoot(side, sight, request, thread);
      if (root !== undefined) roots.push(root);
    }
    lookedAt += page.length;
  }
  const texts = await withAggregations(
    side,
    sight,
    roots.map((root) => shownTo(sight, root)),
  );
  const next = isLast ? '' : `,"next_batch":${JSON.stringify(timelineToken(to, side.epoch))}`;
  return `{"chunk":${jsonArray(texts)}${next}}`;
}

function readOn(side: ReadSide, roomId: string, to: number): Promise<Thread[]> {
  const upTo = Number.isFinite(to) ? { to: [to] } : {};
  const range = { prefix: [roomId], ...upTo, reverse: true, limit: PAGE };
  return side.store.collection(threads).find(range, 'newest');
}

/** The root of a thread that has messages still, if it is for the viewer's eyes and one that they want. */
async function wantedRoot(
  side: ReadSide,
  { viewer, eyes }: Sight,
  { roomId, participated }: ThreadsRequest,
  { root: rootId }: Thread,
): Promise<TimelineEvent | undefined> {
  const event = await eventById(side, roomId, rootId);
  const [root] = event === undefined ? [] : await visibleEvents(side, eyes, [event]);
  if (root === undefined) return undefined;
  const collection = side.store.collection(timeline);
  const prefix = [roomId, rootId, 'm.thread'];
  if ((await collection.count({ prefix, limit: 1 }, 'relation')) === 0) return undefined;
  if (!participated || root.sender === viewer.userId) return root;
  const own = { prefix: [...prefix, viewer.userId], limit: 1 };
  return (await collection.count(own, 'relation_sender')) > 0 ? root : undefined;
}

/** What an ignored user began a thread with is told redacted: the thread itself is not theirs alone. */
function shownTo({ ignored }: Sight, root: TimelineEvent): TimelineEvent {
  if (!isIgnored(root, ignored)) return root;
  return { ...root, json: JSON.stringify({ ...(JSON.parse(root.json) as object), content: {} }) };
}
