import { MatrixError } from '../protocol/errors.js';
import { isJsonObject, type JsonObject } from '../protocol/json.js';
import { timeline } from '../read-models/collections.js';
import type { ReadSide, Viewer } from './read-side.js';

/** More of one user on one event are not looked at. */
const MOST_ANNOTATIONS = 1000;

/** Whether content annotates an event, such as a reaction, so that `refuseSecondAnnotation` has something to look at. */
export function annotates(content: JsonObject): boolean {
  return annotationOf(content) !== undefined;
}

/**
 * Refuses what its sender has said of an event already: the same type and key (Client-Server API, Avoiding duplicate
 * annotations). Not so the same request again, which gets the event that it made. Two at the same moment may both
 * pass; clients count them as one.
 *
 * @throws MatrixError M_DUPLICATE_ANNOTATION
 */
export async function refuseSecondAnnotation(
  side: ReadSide,
  sender: Viewer,
  roomId: string,
  message: {
    readonly type: string;
    readonly content: JsonObject;
    readonly transactionId: string | undefined;
  },
): Promise<void> {
  const annotation = annotationOf(message.content);
  if (annotation === undefined) return;
  const prefix = [roomId, annotation.eventId, 'm.annotation', sender.userId];
  const own = await side.store
    .collection(timeline)
    .find({ prefix, reverse: true, limit: MOST_ANNOTATIONS }, 'relation_sender');
  for (const event of own) {
    if (event.type !== message.type) continue;
    const { content } = JSON.parse(event.json) as { content: JsonObject };
    if (annotationOf(content)?.key !== annotation.key) continue;
    const { transaction } = event;
    if (transaction?.device_id === sender.deviceId && transaction.transaction_id === message.transactionId)
      return;
    throw new MatrixError('M_DUPLICATE_ANNOTATION', 'You have said the same of this event already.');
  }
}

function annotationOf(content: JsonObject): { readonly eventId: string; readonly key: string } | undefined {
  const relation = content['m.relates_to'];
  if (!isJsonObject(relation) || relation['rel_type'] !== 'm.annotation') return undefined;
  const { event_id: eventId, key } = relation;
  return typeof eventId === 'string' && typeof key === 'string' ? { eventId, key } : undefined;
}
