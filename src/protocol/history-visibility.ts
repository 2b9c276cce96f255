import type { RoomEvent } from './events.js';

/** Values of m.room.history_visibility (specification: Client-Server API, Room History Visibility). */
export type HistoryVisibility = 'world_readable' | 'shared' | 'invited' | 'joined';

/** The room's setting at an event. */
export interface VisibilityAtEvent {
  /** In the state before the event. */
  readonly visibility: HistoryVisibility;
  /** Only if the event is itself an m.room.history_visibility: what it sets. */
  readonly visibilityAfter?: HistoryVisibility;
}

/** A user's place in the room at an event. */
export interface UserAtEvent {
  /** In the state before the event; `undefined` without an m.room.member. */
  readonly membership: string | undefined;
  /** Only if the event is this user's own m.room.member: what it sets. */
  readonly membershipAfter?: string | undefined;
  /** Whether the user joined at any point after the event, even if they have left since. */
  readonly joinedLater: boolean;
}

/** What a room's m.room.history_visibility says: `shared` if there is none or its value is not understood. */
export function historyVisibility(event: RoomEvent | undefined): HistoryVisibility {
  const value = event?.content['history_visibility'];
  return value === 'world_readable' || value === 'invited' || value === 'joined' ? value : 'shared';
}

/** The five rules of "Room History Visibility, Server behaviour", for one setting and one membership. */
function allows(
  visibility: HistoryVisibility,
  membership: string | undefined,
  joinedLater: boolean,
): boolean {
  if (visibility === 'world_readable' || membership === 'join') return true;
  if (visibility === 'shared') return joinedLater;
  return visibility === 'invited' && membership === 'invite';
}

/**
 * Whether a user may see an event, guests included. An event that changes the setting, or the user's own
 * membership, is visible if the state before it *or* the state after it would allow so.
 */
export function visible(room: VisibilityAtEvent, user: UserAtEvent): boolean {
  const { visibility, visibilityAfter = visibility } = room;
  const { membership, joinedLater } = user;
  return (
    allows(visibility, membership, joinedLater) ||
    allows(visibilityAfter, membership, joinedLater) ||
    ('membershipAfter' in user && allows(visibility, user.membershipAfter, joinedLater))
  );
}

/**
 * Whether a server may have an event: if any of its users may see it (Server-Server API leaves the rule to the
 * same module). `users` are that server's users with any membership at or after the event; it is read only as
 * far as needed.
 */
export function visibleToServer(room: VisibilityAtEvent, users: Iterable<UserAtEvent>): boolean {
  if (room.visibility === 'world_readable' || room.visibilityAfter === 'world_readable') return true;
  for (const user of users) if (visible(room, user)) return true;
  return false;
}

/**
 * Whether people who never joined, guests among them, may look into the room as it is now (specification:
 * Room Previews; the setting has to be there and to say `world_readable`).
 */
export function previewable(event: RoomEvent | undefined): boolean {
  return historyVisibility(event) === 'world_readable';
}

/** Whether guests may join, by the room's m.room.guest_access (specification: Guest Access). */
export function guestsMayJoin(event: RoomEvent | undefined): boolean {
  return event?.content['guest_access'] === 'can_join';
}
