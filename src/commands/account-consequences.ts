import type { LoggedRecord } from '../log/log.js';
import { MatrixError } from '../protocol/errors.js';
import { userStream } from './aggregates/user.js';
import type { CommandContext } from './command.js';
import { Cursor } from './cursor.js';
import { endPeeks } from './peeking.js';
import { removeGuests } from './guest-access.js';
import { leave, updateMemberProfile } from './membership.js';
import { carryToSuccessor } from './room-successor.js';
import { dropForDeletedDevices } from './send-to-device.js';
import type { WriteSide } from './write-side.js';

const USER_PREFIX = userStream('');

/**
 * What an account's facts mean for its rooms: a changed profile goes into the member events, a closed account
 * leaves (Client-Server API, Profiles, Events on Change of Profile Information; Account deactivation). What was sent
 * to a device that is gone is kept no longer. And what a room's fact means for accounts: guests leave it when it does not let them in any more; whoever follows to a room that
 * replaces another takes their settings along (Room Upgrades); who joins a room looks into it no more from outside.
 */
export function accountConsequences(side: WriteSide): Cursor {
  return new Cursor(side, 'account-consequences', async (record, context) => {
    if (record.type === 'profile.changed') {
      const fields = Object.keys(record.data.fields ?? {});
      if (!fields.includes('displayname') && !fields.includes('avatar_url')) return false;
      await inEveryRoom(side, record, ['join'], (userId, roomId) =>
        updateMemberProfile(side, userId, roomId, context),
      );
      return true;
    }
    if (record.type === 'user.deactivated') {
      await inEveryRoom(side, record, ['join', 'invite', 'knock'], (userId, roomId) =>
        leaveRoom(side, userId, roomId, record.data.erase, context),
      );
      return true;
    }
    if (record.type === 'device.deleted') {
      return dropForDeletedDevices(side, record.stream.slice(USER_PREFIX.length), context);
    }
    const carried = await carryToSuccessor(side, record, context);
    const unpeeked = await endPeeks(side, record, context);
    return (await removeGuests(side, record, context)) || carried || unpeeked;
  });
}

/** An account that is erased leaves nothing behind that would have to be forgotten. */
function leaveRoom(
  side: WriteSide,
  userId: string,
  roomId: string,
  erase: boolean,
  context: CommandContext,
): Promise<unknown> {
  const request = erase ? {} : { reason: 'The account has been closed.' };
  return leave(side, userId, roomId, request, context);
}

/** Room by room; a room that refuses is passed over, the others are not its hostages. */
async function inEveryRoom(
  side: WriteSide,
  record: LoggedRecord,
  memberships: readonly string[],
  act: (userId: string, roomId: string) => Promise<unknown>,
): Promise<void> {
  const userId = record.stream.slice(USER_PREFIX.length);
  for (const { roomId, membership } of side.ports.index.rooms(userId)) {
    if (!memberships.includes(membership)) continue;
    try {
      await act(userId, roomId);
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error;
    }
  }
}
