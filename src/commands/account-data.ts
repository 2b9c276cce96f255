import { MatrixError } from '../protocol/errors.js';
import type { JsonObject } from '../protocol/json.js';
import { isJsonObject } from '../protocol/json.js';
import { accountDataKey, accountDataSize, userStream, type ActiveUser } from './aggregates/user.js';
import type { CommandContext, Done } from './command.js';
import { requireActive } from './login.js';
import { tooMany } from './limits.js';
import type { WriteSide } from './write-side.js';

/** Types that the server manages by endpoints of their own (Client-Server API, Client Config). */
const MANAGED = new Set(['m.fully_read', 'm.push_rules']);

/** Of one type: every change writes it anew, in one record. */
const MOST_BYTES = 512 * 1024;
const MOST_TAG_BYTES = 65_536;

/**
 * `PUT /user/{userId}/account_data/{type}`, and the same of a room.
 *
 * @throws MatrixError M_BAD_JSON (405) for a type that is managed by the server
 */
export function setAccountData(
  side: WriteSide,
  userId: string,
  roomId: string | null,
  type: string,
  content: JsonObject,
  context: CommandContext,
): Promise<Done<undefined>> {
  if (MANAGED.has(type)) {
    throw new MatrixError('M_BAD_JSON', `${type} is set by an endpoint of its own.`, { status: 405 });
  }
  return edit(side, userId, roomId, type, () => content, context);
}

/** `PUT /user/{userId}/rooms/{roomId}/tags/{tag}`. */
export function setTag(
  side: WriteSide,
  userId: string,
  roomId: string,
  tag: string,
  info: JsonObject,
  context: CommandContext,
): Promise<Done<undefined>> {
  if (Buffer.byteLength(tag) > 255)
    throw new MatrixError('M_INVALID_PARAM', 'A tag can have 255 bytes at most.');
  const change = (before: JsonObject) => {
    const content = { tags: { ...tagsOf(before), [tag]: info } };
    if (Buffer.byteLength(JSON.stringify(content)) > MOST_TAG_BYTES) {
      throw new MatrixError('M_TOO_LARGE', `The tags of a room can have ${MOST_TAG_BYTES} bytes at most.`);
    }
    return content;
  };
  return edit(side, userId, roomId, 'm.tag', change, context);
}

/** `DELETE /user/{userId}/rooms/{roomId}/tags/{tag}`: nothing happens where there is none. */
export function deleteTag(
  side: WriteSide,
  userId: string,
  roomId: string,
  tag: string,
  context: CommandContext,
): Promise<Done<undefined>> {
  const without = (before: JsonObject) => {
    const { [tag]: _removed, ...tags } = tagsOf(before);
    return Object.hasOwn(tagsOf(before), tag) ? { tags } : undefined;
  };
  return edit(side, userId, roomId, 'm.tag', without, context);
}

/** Sets account data to what `change` makes of it; `undefined` leaves it as it is. */
export function edit(
  side: WriteSide,
  userId: string,
  roomId: string | null,
  type: string,
  change: (before: JsonObject, user: ActiveUser) => JsonObject | undefined,
  context: CommandContext,
): Promise<Done<undefined>> {
  return side.users.handle(userStream(userId), context, (user) => {
    const active = requireActive(user);
    const key = accountDataKey(roomId, type);
    const before = active.accountData.get(key);
    const content = change((before?.content ?? {}) as JsonObject, active);
    if (content === undefined) return { records: [], result: undefined };
    const bytes = accountDataSize(key, content);
    if (bytes > MOST_BYTES) {
      throw new MatrixError('M_TOO_LARGE', `Account data of one type can have ${MOST_BYTES} bytes at most.`);
    }
    const after = active.accountDataBytes - (before?.bytes ?? 0) + bytes;
    // What makes it less is always taken.
    if (after > side.limits.accountDataBytes && bytes > (before?.bytes ?? 0)) {
      throw tooMany(`You can keep ${side.limits.accountDataBytes} bytes of account data here at most.`);
    }
    const data = { room_id: roomId, type, content: { ...content } };
    return { records: [{ type: 'account_data.changed', version: 1, data }], result: undefined };
  });
}

function tagsOf(content: JsonObject): JsonObject {
  return isJsonObject(content['tags']) ? content['tags'] : {};
}
