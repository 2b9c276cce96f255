import { fitsBytes } from '../src/protocol/identifiers.js';
import { isJsonObject, type JsonObject } from '../src/protocol/json.js';
import type { TimelineEvent } from '../src/read-models/collections.js';

/** The fields of a timeline's event by which it is found and filtered, from its type and content. */
export function searchableFields(
  type: string,
  content: JsonObject,
): Pick<TimelineEvent, 'relates_to' | 'membership' | 'contains_url'> {
  const relatesTo = relation(content['m.relates_to']);
  const { membership } = content;
  return {
    ...(relatesTo === undefined ? {} : { relates_to: relatesTo }),
    ...(type === 'm.room.member' && typeof membership === 'string' ? { membership } : {}),
    ...(Object.hasOwn(content, 'url') ? { contains_url: true } : {}),
  };
}

/** A reply alone (`m.in_reply_to`) has no `rel_type`, and is no relation. What is too long for an ID names nothing. */
function relation(value: unknown): TimelineEvent['relates_to'] {
  if (!isJsonObject(value)) return undefined;
  const { event_id, rel_type } = value;
  if (typeof event_id !== 'string' || typeof rel_type !== 'string') return undefined;
  return fitsBytes(event_id) && fitsBytes(rel_type) ? { event_id, rel_type } : undefined;
}
