/**
 * PUT /_matrix/client/v3/rooms/{roomId}/typing/{userId}
 *
 * Specification: Client-Server API, Typing Notifications.
 */
import { MatrixError } from '../../protocol/errors.js';
import { defineRoute, v3, type Route } from '../route.js';
import { upToDate, type ClientApi } from './api.js';
import type { SetTyping } from './types.js';

/** Milliseconds, where the client names none. */
const DEFAULT_TIMEOUT = 30_000;

export function typingRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<SetTyping, 'required-or-guest'>({
      module: 'typing',
      name: 'setTyping',
      method: 'PUT',
      paths: v3('/rooms/{roomId}/typing/{userId}'),
      // Guests may speak, so it may be seen that they are about to.
      auth: 'required-or-guest',
      handler: async ({ params, user, body }) => {
        const { roomId, userId } = params;
        if (userId !== user.userId) {
          throw new MatrixError('M_FORBIDDEN', 'Nobody can type in the name of somebody else.');
        }
        const { joinedRooms, typing } = await upToDate(api);
        if ((await joinedRooms.of(userId)).get(roomId)?.membership !== 'join') {
          throw new MatrixError('M_FORBIDDEN', 'Only members of the room can type in it.');
        }
        if (body.typing) typing.start(roomId, userId, body.timeout ?? DEFAULT_TIMEOUT);
        else typing.stop(roomId, userId);
        return {};
      },
    }),
  ];
}
