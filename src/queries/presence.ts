import { MatrixError } from '../protocol/errors.js';
import type { ReadSide } from './read-side.js';
import { shareRoom } from './shared-rooms.js';
import { presenceContent } from './sync/presence-part.js';

/**
 * A user's presence as another sees it (Client-Server API, Presence).
 *
 * @throws MatrixError M_FORBIDDEN for who shares no room with them
 */
export async function presenceFor(
  side: ReadSide,
  viewerId: string,
  userId: string,
): Promise<Record<string, unknown>> {
  if (viewerId !== userId && !(await shareRoom(side, viewerId, userId))) {
    throw new MatrixError('M_FORBIDDEN', 'You share no room with this user.');
  }
  return presenceContent(side.presence.of(userId), side.clock.now());
}
