import type { IncomingRelation } from '../protocol/filters.js';
import { timeline, type TimelineEvent } from '../read-models/collections.js';
import type { ReadSide } from './read-side.js';

/** Filters that ask for relations look at this many of an event. */
const MOST_RELATIONS = 200;

/** The events that name an event in `m.relates_to`, oldest first; redacted ones name none any more. */
export async function incomingRelations(side: ReadSide, event: TimelineEvent): Promise<IncomingRelation[]> {
  const range = { prefix: [event.room_id, event.event_id], limit: MOST_RELATIONS };
  const found = await side.store.collection(timeline).find(range, 'relation');
  return found.map(({ sender, relates_to }) => ({ sender, relType: relates_to?.rel_type ?? '' }));
}
