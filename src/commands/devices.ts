import { MatrixError } from '../protocol/errors.js';
import { userStream } from './aggregates/user.js';
import type { CommandContext, Done } from './command.js';
import { requireActive } from './login.js';
import type { WriteSide } from './write-side.js';

/** `PUT /devices/{deviceId}`. @throws MatrixError M_NOT_FOUND */
export function renameDevice(
  side: WriteSide,
  userId: string,
  deviceId: string,
  displayName: string | undefined,
  context: CommandContext,
): Promise<Done<undefined>> {
  return side.users.handle(userStream(userId), context, (user) => {
    const device = requireActive(user).devices.get(deviceId);
    if (device === undefined) throw new MatrixError('M_NOT_FOUND', `There is no device ${deviceId}.`);
    if (displayName === undefined || displayName === device.displayName)
      return { records: [], result: undefined };
    const data = { device_id: deviceId, display_name: displayName };
    return { records: [{ type: 'device.renamed', version: 1, data }], result: undefined };
  });
}

/** `DELETE /devices/{deviceId}`, `POST /delete_devices`, `POST /logout`: those that are there are signed out. */
export function deleteDevices(
  side: WriteSide,
  userId: string,
  deviceIds: readonly string[],
  context: CommandContext,
): Promise<Done<undefined>> {
  return side.users.handle(userStream(userId), context, (user) => {
    if (user.kind !== 'active') return { records: [], result: undefined };
    const there = [...new Set(deviceIds)].filter((id) => user.devices.has(id));
    if (there.length === 0) return { records: [], result: undefined };
    return {
      records: [{ type: 'device.deleted', version: 1, data: { device_ids: there } }],
      result: undefined,
    };
  });
}

/** `POST /logout/all`. */
export async function deleteAllDevices(
  side: WriteSide,
  userId: string,
  context: CommandContext,
): Promise<Done<undefined>> {
  const user = await side.user(userId);
  const all = user.kind === 'active' ? [...user.devices.keys()] : [];
  return deleteDevices(side, userId, all, context);
}
