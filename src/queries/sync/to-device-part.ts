import { toDeviceMessages, type ToDeviceMessage } from '../../read-models/collections.js';
import type { ReadSide, Viewer } from '../read-side.js';
import type { SyncToken } from '../tokens.js';
import type { SyncPass } from './request.js';

/** So many in one answer; where there are more, the client is back at once. */
const MOST_MESSAGES = 100;
const BEGINNING = -1;

/** Messages to the viewer's device, oldest first, as JSON text. */
export interface ToDevicePart {
  readonly messages: readonly string[];
  /** The position of the last of them, where there are more. */
  readonly upTo: number | undefined;
}

/**
 * What was sent to the device since it last acknowledged (Client-Server API, Send-to-Device messaging): all that is
 * kept for it where it begins afresh. Those that came in by one commit stay together, since a token cannot point
 * between them.
 */
export async function toDevicePart(
  side: ReadSide,
  { viewer, since, to }: Pick<SyncPass, 'viewer' | 'since' | 'to'>,
): Promise<ToDevicePart> {
  const after = since === undefined ? BEGINNING : acknowledgedBy(since);
  const prefix = [viewer.userId, viewer.deviceId];
  const collection = side.store.collection(toDeviceMessages);
  const range = { prefix, after: [after], to: [to.position], limit: MOST_MESSAGES + 1 };
  const found = await collection.find(range);
  const next = found[MOST_MESSAGES];
  if (next === undefined) return { messages: found.map(({ json }) => json), upTo: undefined };
  const whole = found.filter(({ position }) => position < next.position);
  const page = whole.length > 0 ? whole : await collection.find({ prefix: [...prefix, next.position] });
  return { messages: page.map(({ json }) => json), upTo: page.at(-1)?.position };
}

/** Up to where a client that goes on from a token has what was sent to it. */
export function acknowledgedBy(token: SyncToken): number {
  return token.toDevice ?? token.position;
}

/** The last message that is kept for a device although it has acknowledged it by going on from a token. */
export async function lastAcknowledged(
  side: ReadSide,
  viewer: Viewer,
  token: SyncToken,
): Promise<ToDeviceMessage | undefined> {
  if (token.epoch !== side.epoch) return undefined;
  const to = [acknowledgedBy(token)];
  const range = { prefix: [viewer.userId, viewer.deviceId], to, reverse: true, limit: 1 };
  const [last] = await side.store.collection(toDeviceMessages).find(range);
  return last;
}
