import type { Filter } from '../../protocol/filters.js';
import type { JsonObject } from '../../protocol/json.js';
import type { ReadSide } from '../read-side.js';

const BETWEEN_SERVERS = ['auth_events', 'prev_events', 'depth', 'hashes', 'signatures'] as const;

/** Events as a filter wants them, whole in client format where it says nothing: then they are not even parsed. */
export async function inFormat(
  side: ReadSide,
  { eventFormat, projectsAll, project }: Filter,
  texts: readonly string[],
): Promise<readonly string[]> {
  if (eventFormat === 'client' && projectsAll) return texts;
  const shaped: string[] = [];
  for (const text of texts) {
    const event = JSON.parse(text) as JsonObject;
    const whole = eventFormat === 'client' ? event : await inFederationFormat(side, event);
    shaped.push(JSON.stringify(project(whole)));
  }
  return shaped;
}

/**
 * An event with what it has between servers: previous events, auth events, depth, hashes, signatures (Client-Server
 * API, Filtering, `event_format`). Its content is that of the client format, so what was redacted stays redacted.
 *
 * Cost: a read of the room's stream, where the event is not in the write side's cache.
 */
async function inFederationFormat(side: ReadSide, event: JsonObject): Promise<JsonObject> {
  const { room_id: roomId, event_id: eventId } = event;
  if (typeof roomId !== 'string' || typeof eventId !== 'string') return event;
  const pdu = (await side.events.load(roomId, eventId))?.pdu ?? {};
  const fields = BETWEEN_SERVERS.flatMap((name) => {
    const value = pdu[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...event, ...Object.fromEntries(fields) };
}
