import type { JsonObject } from '../protocol/json.js';
import { pushers, type Pusher } from '../read-models/collections.js';
import type { ReadSide } from './read-side.js';

/** A user's pushers (Client-Server API, Push Notifications), as they were set up. */
export async function pushersOf(side: ReadSide, userId: string): Promise<JsonObject[]> {
  return (await side.store.collection(pushers).find({ prefix: [userId] })).map(shown);
}

/** Whether a user has a pusher that is just so: clients set theirs up anew at every start. */
export async function hasPusher(
  side: ReadSide,
  userId: string,
  id: { readonly appId: string; readonly pushkey: string },
  as: { readonly deviceId: string; readonly content: JsonObject },
): Promise<boolean> {
  const found = await side.store.collection(pushers).get([userId, id.appId, id.pushkey]);
  return found?.device_id === as.deviceId && found.json === JSON.stringify(as.content);
}

function shown({ app_id, pushkey, json }: Pusher): JsonObject {
  return { app_id, pushkey, ...(JSON.parse(json) as JsonObject) };
}
