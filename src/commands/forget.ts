import { MatrixError } from '../protocol/errors.js';
import { userStream } from './aggregates/user.js';
import type { CommandContext, Done } from './command.js';
import { requireActive } from './login.js';
import type { WriteSide } from './write-side.js';

/** `POST /rooms/{roomId}/forget`: only once out of the room (Client-Server API, Leaving rooms). */
export function forgetRoom(
  side: WriteSide,
  userId: string,
  roomId: string,
  context: CommandContext,
): Promise<Done<undefined>> {
  const current = side.ports.index.membership(userId, roomId);
  if (current === 'join' || current === 'invite' || current === 'knock') {
    throw new MatrixError('M_UNKNOWN', 'Leave the room before forgetting it.', { status: 400 });
  }
  if (current === undefined) throw new MatrixError('M_NOT_FOUND', `You were never in the room ${roomId}.`);
  return side.users.handle(userStream(userId), context, (user) => {
    requireActive(user);
    return {
      records: [{ type: 'room.forgotten', version: 1, data: { room_id: roomId } }],
      result: undefined,
    };
  });
}
