import { authEventKeys } from '../auth-events.js';
import type { RoomEvent } from '../events.js';
import type { RoomVersion } from '../room-versions.js';
import { ALLOWED, refuse, type Verdict } from './verdict.js';

const same = (a: RoomEvent, b: RoomEvent) => a.type === b.type && a.stateKey === b.stateKey;

/**
 * The rules on the list of auth events itself ("Considering the event's `auth_events`"). `authEvents` are the
 * events that it names, `rejected` says whether an event was rejected here. In a version whose room IDs are made
 * from the create event, a room whose create event was rejected is refused as well.
 *
 * The create event is decided by its own rule (`authorise`), which asks nothing of its auth events.
 */
export function checkAuthEvents(
  event: RoomEvent,
  version: RoomVersion,
  authEvents: readonly RoomEvent[],
  rejected: (eventId: string) => boolean,
): Verdict {
  if (event.type === 'm.room.create') return ALLOWED;
  if (version.roomIds === 'create_event' && rejected(`$${event.roomId.slice(1)}`)) {
    return refuse('room_id', version, `The create event of the room ${event.roomId} was rejected.`);
  }
  const duplicate = authEvents.find((one, index) =>
    authEvents.some((other, i) => i < index && same(one, other)),
  );
  if (duplicate !== undefined) {
    const reason = `Two auth events are ${describe(duplicate)}.`;
    return refuse('auth_events.duplicate', version, reason);
  }
  const expected = authEventKeys(event, version);
  const unexpected = authEvents.find(
    ({ type, stateKey }) => !expected.some((key) => key.type === type && key.stateKey === stateKey),
  );
  if (unexpected !== undefined) {
    const reason = `The auth event ${unexpected.eventId} is ${describe(unexpected)}, which has no say in this event.`;
    return refuse('auth_events.unexpected', version, reason);
  }
  const bad = authEvents.find(({ eventId }) => rejected(eventId));
  if (bad !== undefined) {
    return refuse('auth_events.rejected', version, `The auth event ${bad.eventId} was itself rejected.`);
  }
  if (version.auth.createInAuthEvents && !authEvents.some(({ type }) => type === 'm.room.create')) {
    return refuse('auth_events.no_create', version, "The room's create event is not among the auth events.");
  }
  const stranger = authEvents.find(({ roomId }) => roomId !== event.roomId);
  if (stranger !== undefined) {
    const reason = `The auth event ${stranger.eventId} is of another room.`;
    return refuse('auth_events.other_room', version, reason);
  }
  return ALLOWED;
}

function describe({ type, stateKey }: RoomEvent): string {
  return stateKey === undefined ? `${type} without a state key` : `${type} with the state key "${stateKey}"`;
}
