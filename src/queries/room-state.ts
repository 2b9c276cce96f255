import { MatrixError } from '../protocol/errors.js';
import type { StateEvent } from '../read-models/collections.js';
import type { Hash } from '../room-state/node.js';
import type { ReadSide } from './read-side.js';
import { readingLimit, rootAt, stateEventAt, stateOf } from './room-history.js';

/**
 * The root of the state that a user may look at now: the current one for members and where everybody may look in,
 * for former members the one of when they left (Client-Server API, Getting events for a room).
 *
 * @throws MatrixError M_FORBIDDEN
 */
export async function readableRoot(side: ReadSide, userId: string, roomId: string): Promise<Hash> {
  const { until } = await readingLimit(side, userId, roomId);
  return rootAt(side, roomId, until ?? side.positions.processed);
}

/** `GET /rooms/{roomId}/state`. One read for each event of the state, in bulk. @throws MatrixError M_FORBIDDEN */
export async function roomState(side: ReadSide, userId: string, roomId: string): Promise<StateEvent[]> {
  return stateOf(side, roomId, await readableRoot(side, userId, roomId));
}

/** `GET /rooms/{roomId}/state/{eventType}/{stateKey}`. @throws MatrixError M_FORBIDDEN, M_NOT_FOUND */
export async function oneStateEvent(
  side: ReadSide,
  userId: string,
  roomId: string,
  key: { readonly type: string; readonly stateKey: string },
): Promise<StateEvent> {
  const root = await readableRoot(side, userId, roomId);
  const event = await stateEventAt(side, roomId, root, key.type, key.stateKey);
  if (event === undefined) throw new MatrixError('M_NOT_FOUND', 'The room has no such state.');
  return event;
}
