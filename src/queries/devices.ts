import { devices, type Device } from '../read-models/collections.js';
import type { ReadSide } from './read-side.js';

/** A device as its owner sees it (Client-Server API, Device Management). */
export interface ShownDevice {
  readonly device_id: string;
  readonly display_name?: string;
}

/** A user's devices, by ID. */
export async function devicesOf(side: ReadSide, userId: string): Promise<ShownDevice[]> {
  return (await side.store.collection(devices).find({ prefix: [userId] })).map(shown);
}

export async function deviceOf(
  side: ReadSide,
  userId: string,
  deviceId: string,
): Promise<ShownDevice | undefined> {
  const device = await side.store.collection(devices).get([userId, deviceId]);
  return device && shown(device);
}

function shown({ device_id, display_name }: Device): ShownDevice {
  return { device_id, ...(display_name === undefined ? {} : { display_name }) };
}
