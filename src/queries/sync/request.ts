import type { Filter } from '../../protocol/filters.js';
import type { PresenceState } from '../../ephemeral/presence.js';
import type { Peek } from '../../read-models/collections.js';
import type { UserRooms } from '../joined-rooms.js';
import type { Viewer } from '../read-side.js';
import type { SyncToken } from '../tokens.js';
import type { LazyMembers } from './lazy-members.js';
import type { RoomActivity } from './room-activity.js';

/** `GET /sync` as it was asked for, checked in form. */
export interface SyncRequest {
  readonly viewer: Viewer;
  readonly filter: Filter;
  /** Absent: an initial sync; so is one of another epoch. */
  readonly since: SyncToken | undefined;
  readonly fullState: boolean;
  /** State as of the end of the timeline and not of its start (specification v1.16, `use_state_after`). */
  readonly stateAfter: boolean;
  readonly setPresence: PresenceState;
  /** Milliseconds to wait for something to happen. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/** One answer in the making: from where to where, and what every part of it looks at. */
export interface SyncPass {
  readonly viewer: Viewer;
  readonly filter: Filter;
  readonly since: SyncToken | undefined;
  /** The client begins afresh, and has seen another history before: what it knows may have a gap, or too much. */
  readonly isAfresh: boolean;
  readonly to: SyncToken;
  readonly fullState: boolean;
  readonly stateAfter: boolean;
  readonly rooms: UserRooms;
  readonly peeks: readonly Peek[];
  /** Users whom the viewer ignores. */
  readonly ignored: ReadonlySet<string>;
  readonly now: number;
}

/** What the rooms of an answer are made with. */
export interface RoomsParts {
  readonly lazyMembers: LazyMembers;
  readonly activity: RoomActivity;
}

/** Names a device among all. */
export function deviceKey({ userId, deviceId }: Viewer): string {
  return `${userId}\n${deviceId}`;
}
