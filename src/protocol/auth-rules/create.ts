import type { RoomEvent } from '../events.js';
import { isUserId } from '../identifiers.js';
import { roomVersion, type RoomVersion } from '../room-versions.js';
import { sameServer } from './subject.js';
import { ALLOWED, refuse, type Verdict } from './verdict.js';

/** m.room.create: the first rule of every version. */
export function checkCreate(event: RoomEvent, version: RoomVersion): Verdict {
  if (event.prevEvents.length > 0) {
    return refuse(
      'create.prev_events',
      version,
      'A room starts with its create event; nothing comes before it.',
    );
  }
  if (version.roomIds === 'create_event') {
    if (event.pdu['room_id'] !== undefined) {
      return refuse('create.room_id', version, 'The create event makes the room ID and must not name one.');
    }
  } else if (!sameServer(event.roomId, event.sender)) {
    const reason = `The room ID ${event.roomId} belongs to another server than its creator ${event.sender}.`;
    return refuse('create.room_id', version, reason);
  }
  const { room_version: named, creator, additional_creators: additional } = event.content;
  if (named !== undefined && (typeof named !== 'string' || roomVersion(named) === undefined)) {
    return refuse(
      'create.room_version',
      version,
      'The create event names a room version that is not known here.',
    );
  }
  if (version.auth.creatorInContent && creator === undefined) {
    return refuse('create.creator', version, 'The create event names no creator.');
  }
  if (version.auth.privilegedCreators && additional !== undefined) {
    const valid =
      Array.isArray(additional) && additional.every((user) => typeof user === 'string' && isUserId(user));
    if (!valid) {
      const reason = 'The additional creators of the room have to be a list of user IDs.';
      return refuse('create.additional_creators', version, reason);
    }
  }
  return ALLOWED;
}
