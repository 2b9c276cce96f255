import { threads, timeline, type TimelineEvent } from '../src/read-models/collections.js';
import type { Documents } from './projection.js';

/** The thread that an event is in, as a message of it (Client-Server API, Threading): state is in none. */
function threadOf({ relates_to: relation, state_key }: TimelineEvent): string | undefined {
  return relation?.rel_type === 'm.thread' && state_key === undefined ? relation.event_id : undefined;
}

/** Moves a thread to its newest event. Cost: one document put, none read. */
export function enterThread(documents: Documents, event: TimelineEvent): void {
  const root = threadOf(event);
  if (root === undefined) return;
  documents.put(threads, { room_id: event.room_id, root, position: event.position });
}

/** Events of a thread that are looked at in one go for the newest that is a message. */
const PAGE = 20;

/**
 * Moves a thread back to its newest event when one of them, which is redacted already, is no longer in it; one that has
 * none left is gone. So it is where it would be had the event never said what it was about.
 */
export async function leaveThread(documents: Documents, before: TimelineEvent): Promise<void> {
  const root = threadOf(before);
  if (root === undefined) return;
  const prefix = [before.room_id, root, 'm.thread'];
  for (let upTo = {}; ;) {
    const found = await documents.find(timeline, { prefix, ...upTo, reverse: true, limit: PAGE }, 'relation');
    const newest = found.find((event) => threadOf(event) !== undefined);
    if (newest !== undefined) {
      enterThread(documents, newest);
      return;
    }
    const last = found.at(-1);
    if (last === undefined || found.length < PAGE) break;
    upTo = { before: [last.position] };
  }
  documents.delete(threads, [before.room_id, root]);
}
