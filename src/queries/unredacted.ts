import { MatrixError } from '../protocol/errors.js';
import type { RoomEvent } from '../protocol/events.js';
import type { JsonObject } from '../protocol/json.js';
import { canRedact, powerLevels } from '../protocol/power-levels.js';
import { roomVersion } from '../protocol/room-versions.js';
import { accounts, roomSummaries, type StateEvent } from '../read-models/collections.js';
import { withAggregations } from './aggregations.js';
import { visibleEvent } from './events.js';
import type { ReadSide, Viewer } from './read-side.js';
import { rootAt, stateEventAt } from './room-history.js';
import { sightOf } from './sight.js';
import { FORGOTTEN } from './unredacted-content.js';

/**
 * `GET /rooms/{roomId}/event/{eventId}` with `fi.mau.msc2815.include_unredacted_content`, as JSON text (MSC2815): for
 * members with the power to redact, and members who administer the server.
 *
 * @throws MatrixError M_NOT_FOUND for an event that is not there, or not for the reader to see; M_FORBIDDEN;
 *   FI.MAU.MSC2815_UNREDACTED_CONTENT_DELETED once the content is forgotten
 */
export async function unredactedEvent(
  side: ReadSide,
  viewer: Viewer,
  roomId: string,
  eventId: string,
): Promise<string> {
  const sight = await sightOf(side, viewer, roomId);
  const event = await visibleEvent(side, sight.eyes, roomId, eventId);
  if (!(await maySeeRedacted(side, viewer.userId, roomId))) {
    throw new MatrixError('M_FORBIDDEN', 'Seeing what was redacted needs the power to redact.');
  }
  const json = await side.unredacted.event(roomId, eventId);
  if (json === undefined || json === FORGOTTEN) {
    const { keptFor } = side.unredacted;
    throw new MatrixError(
      'FI.MAU.MSC2815_UNREDACTED_CONTENT_DELETED',
      'The content of this event is forgotten.',
      { fields: keptFor === undefined ? {} : { 'fi.mau.msc2815.content_keep_ms': keptFor } },
    );
  }
  const [text = ''] = await withAggregations(side, sight, [{ ...event, json }]);
  return text;
}

async function maySeeRedacted(side: ReadSide, userId: string, roomId: string): Promise<boolean> {
  const membership = (await side.joinedRooms.of(userId)).get(roomId);
  if (membership?.membership !== 'join') return false;
  const account = await side.store.collection(accounts).get([userId]);
  if (account?.admin === true) return true;
  const summary = await side.store.collection(roomSummaries).get([roomId]);
  const version = roomVersion(summary?.version ?? '');
  if (version === undefined) return false;
  const root = await rootAt(side, roomId, side.positions.processed);
  const [levels, create] = await Promise.all(
    ['m.room.power_levels', 'm.room.create'].map((type) => stateEventAt(side, roomId, root, type, '')),
  );
  return canRedact(powerLevels(levels && roomEvent(levels), create && roomEvent(create), version), userId);
}

/** As much of the event as power levels are read from. */
function roomEvent({ event_id, room_id, type, sender, state_key, json }: StateEvent): RoomEvent {
  const { content } = JSON.parse(json) as { content: JsonObject };
  return {
    eventId: event_id,
    roomId: room_id,
    type,
    sender,
    stateKey: state_key,
    content,
    depth: 0,
    originServerTs: 0,
    authEvents: [],
    prevEvents: [],
    redacts: undefined,
    pdu: {},
  };
}
