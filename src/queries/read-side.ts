import type { PresenceBoard } from '../ephemeral/presence.js';
import type { EphemeralCounter } from '../ephemeral/counter.js';
import type { Typing } from '../ephemeral/typing.js';
import type { RoomEvent } from '../protocol/events.js';
import type { ReadStore } from '../read-models/store.js';
import type { NodeReader } from '../room-state/nodes.js';
import type { Clock } from '../runtime/clock.js';
import type { JoinedRooms } from './joined-rooms.js';
import type { Notifier } from './notifier.js';
import type { SharedPages } from './shared-pages.js';
import type { Unredacted } from './unredacted-content.js';
import type { Positions, ReadBarrier } from './wait.js';
import type { WritePace } from './write-pace.js';

/** Events as they go between servers, which read models do not keep: hardly anybody asks for them. */
export interface EventSource {
  load(roomId: string, eventId: string): Promise<RoomEvent | undefined>;
}

/** Everything that queries are answered from. */
export interface ReadSide {
  readonly serverName: string;
  /** The log's epoch, for sync tokens. */
  readonly epoch: string;
  readonly store: ReadStore;
  /** State tries: what a room's state is at any event. */
  readonly nodes: NodeReader;
  readonly events: EventSource;
  readonly clock: Clock;
  readonly positions: Positions;
  readonly barrier: ReadBarrier;
  readonly pace: WritePace;
  readonly notifier: Notifier;
  readonly joinedRooms: JoinedRooms;
  readonly sharedPages: SharedPages;
  readonly unredacted: Unredacted;
  readonly counter: EphemeralCounter;
  readonly typing: Typing;
  readonly presence: PresenceBoard;
}

/** Whose view an answer is. */
export interface Viewer {
  readonly userId: string;
  readonly deviceId: string;
}
