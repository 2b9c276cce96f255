import type { IncomingRelation } from '../protocol/filters.js';
import { timeline, type TimelineEvent } from '../read-models/collections.js';
import type { Range } from '../read-models/store.js';
import type { ReadSide } from './read-side.js';

/** Filters that ask for relations look at this many of an event. */
const MOST_RELATIONS = 200;
const PAGE = 100;

/** The events that name an event in `m.relates_to`, oldest first; redacted ones name none any more. */
export async function incomingRelations(side: ReadSide, event: TimelineEvent): Promise<IncomingRelation[]> {
  const range = { prefix: [event.room_id, event.event_id], limit: MOST_RELATIONS };
  const found = await side.store.collection(timeline).find(range, 'relation');
  return found.map(({ sender, relates_to }) => ({ sender, relType: relates_to?.rel_type ?? '' }));
}

/** Positions after one, up to another. */
export interface Places {
  readonly after: number | undefined;
  readonly to: number | undefined;
}

/**
 * The events with one type of relation to an event, in pages, each with whole commits.
 *
 * @param prefix room ID, event ID, type of relation
 */
export async function* childrenOf(
  side: ReadSide,
  prefix: readonly string[],
  places: Places,
  backwards: boolean,
): AsyncGenerator<TimelineEvent[]> {
  const collection = side.store.collection(timeline);
  let { after, to } = places;
  for (;;) {
    const range: Range = {
      prefix,
      ...(after === undefined ? {} : { after: [after] }),
      ...(to === undefined ? {} : { to: [to] }),
      reverse: backwards,
      limit: PAGE,
    };
    const page = await collection.find(range, 'relation');
    const last = page.at(-1);
    if (last === undefined) return;
    // The last commit may go on beyond the page.
    const whole = page.filter(({ position }) => position !== last.position);
    yield whole;
    yield await collection.find({ prefix: [...prefix, last.position], reverse: backwards }, 'relation');
    if (page.length < PAGE) return;
    if (backwards) to = last.position - 1;
    else after = last.position;
  }
}
