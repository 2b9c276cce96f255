import { hash } from 'node:crypto';
import type { JsonObject } from '../protocol/json.js';
import { userStream } from './aggregates/user.js';
import type { CommandContext, Done } from './command.js';
import { requireActive } from './login.js';
import type { WriteSide } from './write-side.js';

/** `POST /user/{userId}/filter`: the same filter has the same ID, so clients that ask at each start leave no trace. */
export function createFilter(
  side: WriteSide,
  userId: string,
  filter: JsonObject,
  context: CommandContext,
): Promise<Done<{ filter_id: string }>> {
  return side.users.handle(userStream(userId), context, (user) => {
    const { filters } = requireActive(user);
    const text = JSON.stringify(filter);
    const known = filters.get(text);
    if (known !== undefined) return { records: [], result: { filter_id: known } };
    // Never the form of an inline filter, which starts with a brace.
    const filterId = hash('sha256', text, 'base64url').slice(0, 16);
    const data = { filter_id: filterId, filter: { ...filter } };
    return { records: [{ type: 'filter.created', version: 1, data }], result: { filter_id: filterId } };
  });
}
