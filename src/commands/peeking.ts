import type { LoggedRecord } from '../log/log.js';
import type { RecordBody } from '../log/records.js';
import { MatrixError } from '../protocol/errors.js';
import { previewable } from '../protocol/history-visibility.js';
import { serverName } from '../protocol/identifiers.js';
import { roomStream } from './aggregates/room.js';
import { userStream, type ActiveUser } from './aggregates/user.js';
import type { CommandContext, Done } from './command.js';
import { requireActive } from './login.js';
import type { Sender } from './room-send.js';
import type { WriteSide } from './write-side.js';

/** Rooms that one device may look into at a time. */
const MOST_PEEKS = 100;

/**
 * `POST /peek/{roomIdOrAlias}` (MSC2753): from now on the device is told of the room by `/sync`, as long as the room is
 * world-readable. Idempotent.
 *
 * @throws MatrixError M_FORBIDDEN for a room that is not open to be looked at, M_LIMIT_EXCEEDED
 */
export async function peek(
  side: WriteSide,
  { userId, deviceId }: Sender,
  roomId: string,
  context: CommandContext,
): Promise<Done<{ room_id: string }>> {
  const result = { room_id: roomId };
  const { result: isOpen } = await side.rooms.handle(roomStream(roomId), context, async (room) => {
    if (room.snapshot.graph === undefined) return { records: [], result: false };
    await room.loadState([{ type: 'm.room.history_visibility', stateKey: '' }]);
    return { records: [], result: previewable(room.state('m.room.history_visibility', '')) };
  });
  if (!isOpen) throw new MatrixError('M_FORBIDDEN', 'This room is not open to be looked at.');
  const isIn = isJoined(side, userId, roomId);
  return side.users.handle(userStream(userId), context, (user) => {
    const { peeks } = requireActive(user);
    const own = peeks.get(deviceId) ?? new Set();
    if (isIn || own.has(roomId)) return { records: [], result };
    if (own.size >= MOST_PEEKS) {
      throw new MatrixError('M_LIMIT_EXCEEDED', `A device can look into ${MOST_PEEKS} rooms at a time.`, {
        status: 400,
      });
    }
    const data = { device_id: deviceId, room_id: roomId };
    return { records: [{ type: 'room.peeked', version: 1, data }], result };
  });
}

/** `POST /rooms/{roomId}/unpeek` (MSC2753); idempotent. */
export function unpeek(
  side: WriteSide,
  { userId, deviceId }: Sender,
  roomId: string,
  context: CommandContext,
): Promise<Done<undefined>> {
  return side.users.handle(userStream(userId), context, (user) => {
    const isPeeked = requireActive(user).peeks.get(deviceId)?.has(roomId) === true;
    return { records: isPeeked ? [unpeeked([deviceId], roomId)] : [], result: undefined };
  });
}

/** Who joins a room looks into it no more, also when they leave it again. Doing it again is harmless. */
export async function endPeeks(
  side: WriteSide,
  record: LoggedRecord,
  context: CommandContext,
): Promise<boolean> {
  if (record.type !== 'room.event.accepted') return false;
  const { type, state_key: userId } = record.data.event;
  if (type !== 'm.room.member' || typeof userId !== 'string') return false;
  if (serverName(userId) !== side.ports.serverName) return false;
  const roomId = record.stream.slice(roomStream('').length);
  const known = await side.user(userId);
  if (known.kind !== 'active' || devicesLooking(known, roomId).length === 0) return false;
  if (!isJoined(side, userId, roomId)) return false;
  await side.users.handle(userStream(userId), context, (user) => {
    const devices = user.kind === 'active' ? devicesLooking(user, roomId) : [];
    return { records: devices.length > 0 ? [unpeeked(devices, roomId)] : [], result: undefined };
  });
  return true;
}

function devicesLooking({ peeks }: ActiveUser, roomId: string): string[] {
  return [...peeks].filter(([, rooms]) => rooms.has(roomId)).map(([deviceId]) => deviceId);
}

function isJoined(side: WriteSide, userId: string, roomId: string): boolean {
  const rooms = side.ports.index.rooms(userId);
  return rooms.some((room) => room.roomId === roomId && room.membership === 'join');
}

function unpeeked(deviceIds: readonly string[], roomId: string): RecordBody {
  return { type: 'room.unpeeked', version: 1, data: { device_ids: deviceIds, room_id: roomId } };
}
