import type { TimelineEvent } from '../read-models/collections.js';
import type { Viewer } from './read-side.js';

/** Whatever has client format as JSON text without `unsigned`. */
interface StoredEvent {
  readonly json: string;
}

/**
 * An event as a client gets it: the stored text, with what depends on time and reader spliced in as `unsigned`.
 * Nothing is parsed.
 *
 * @param relations the bundled aggregations of the event (`m.relations`), as JSON text
 */
export function clientEvent(event: TimelineEvent, viewer: Viewer, now: number, relations?: string): string {
  const unsigned = [`"age":${Math.max(0, now - event.origin_server_ts)}`];
  const { transaction } = event;
  if (transaction?.user_id === viewer.userId && transaction.device_id === viewer.deviceId) {
    unsigned.push(`"transaction_id":${JSON.stringify(transaction.transaction_id)}`);
  }
  if (event.unsigned !== undefined && event.unsigned.length > 2) unsigned.push(event.unsigned.slice(1, -1));
  if (relations !== undefined) unsigned.push(`"m.relations":${relations}`);
  return withUnsigned(event, unsigned.join(','));
}

/** A JSON array of ready texts. */
export function jsonArray(texts: readonly string[]): string {
  return `[${texts.join(',')}]`;
}

function withUnsigned(event: StoredEvent, members: string): string {
  return `${event.json.slice(0, -1)},"unsigned":{${members}}}`;
}
