import type { RecordBody } from '../log/records.js';
import { userStream } from './aggregates/user.js';
import type { CommandContext, Done } from './command.js';
import { requireActive } from './login.js';
import { hashPassword } from './passwords.js';
import type { WriteSide } from './write-side.js';

/** `POST /account/password`: other devices are signed out unless the client says otherwise. */
export async function changePassword(
  side: WriteSide,
  userId: string,
  password: string,
  options: { readonly logoutDevices: boolean; readonly keepDevice: string | undefined },
  context: CommandContext,
): Promise<Done<undefined>> {
  const passwordHash = await hashPassword(password);
  return side.users.handle(userStream(userId), context, (user) => {
    const active = requireActive(user);
    const records: RecordBody[] = [
      { type: 'user.password.changed', version: 1, data: { password_hash: passwordHash } },
    ];
    const others = [...active.devices.keys()].filter((id) => id !== options.keepDevice);
    if (options.logoutDevices && others.length > 0) {
      records.push({ type: 'device.deleted', version: 1, data: { device_ids: others } });
    }
    return { records, result: undefined };
  });
}

/** `POST /account/deactivate`: for good. Leaving the rooms follows by a cursor (account-consequences.ts). */
export function deactivate(
  side: WriteSide,
  userId: string,
  erase: boolean,
  context: CommandContext,
): Promise<Done<undefined>> {
  return side.users.handle(userStream(userId), context, (user) => {
    const active = requireActive(user);
    const records: RecordBody[] = [];
    if (active.devices.size > 0) {
      records.push({ type: 'device.deleted', version: 1, data: { device_ids: [...active.devices.keys()] } });
    }
    records.push({ type: 'user.deactivated', version: 1, data: { erase } });
    return { records, result: undefined };
  });
}
