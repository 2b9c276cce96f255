import type { LoggedRecord } from '../log/log.js';
import { MatrixError } from '../protocol/errors.js';
import { serverName } from '../protocol/identifiers.js';
import type { CommandContext } from './command.js';
import { leave } from './membership.js';
import type { WriteSide } from './write-side.js';

/**
 * Makes this server's guests leave a room that does not let guests in any more (Client-Server API, Guest Access:
 * m.room.guest_access). It goes by the room's state of now, so doing it again is harmless.
 *
 * Cost: one look at every member of ours of the room, each time its guest access changes to what refuses guests.
 *
 * @returns whether anybody had to leave
 */
export async function removeGuests(
  side: WriteSide,
  record: LoggedRecord,
  context: CommandContext,
): Promise<boolean> {
  if (record.type !== 'room.event.accepted' || record.data.event['type'] !== 'm.room.guest_access') {
    return false;
  }
  const { result: members } = await side.rooms.handle(record.stream, context, async (room) => {
    await room.loadState([{ type: 'm.room.guest_access', stateKey: '' }]);
    const access = room.state('m.room.guest_access', '')?.content['guest_access'];
    if (access === 'can_join') return { records: [], result: [] };
    const ours = [...room.members()].filter((userId) => serverName(userId) === side.ports.serverName);
    return { records: [], result: ours.map((userId) => ({ userId, roomId: room.roomId })) };
  });
  let acted = false;
  for (const { userId, roomId } of members) {
    const user = await side.user(userId);
    if (user.kind !== 'active' || user.account !== 'guest') continue;
    acted = true;
    try {
      await leave(side, userId, roomId, { reason: 'Guests may not be in this room any more.' }, context);
    } catch (error) {
      // Who is banned cannot leave, and need not.
      if (!(error instanceof MatrixError)) throw error;
    }
  }
  return acted;
}
