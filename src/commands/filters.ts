import { hash } from 'node:crypto';
import { MatrixError } from '../protocol/errors.js';
import type { JsonObject } from '../protocol/json.js';
import { userStream } from './aggregates/user.js';
import type { CommandContext, Done } from './command.js';
import { tooMany } from './limits.js';
import { requireActive } from './login.js';
import type { WriteSide } from './write-side.js';

/** As much as fits into a query string. */
const MOST_BYTES = 65_536;

/** `POST /user/{userId}/filter`: the same filter has the same ID, so clients that ask at each start leave no trace. */
export function createFilter(
  side: WriteSide,
  userId: string,
  filter: JsonObject,
  context: CommandContext,
): Promise<Done<{ filter_id: string }>> {
  return side.users.handle(userStream(userId), context, (user) => {
    const { filterIds } = requireActive(user);
    const text = JSON.stringify(filter);
    if (Buffer.byteLength(text) > MOST_BYTES) {
      throw new MatrixError('M_TOO_LARGE', `A filter can have ${MOST_BYTES} bytes at most.`);
    }
    // Never the form of an inline filter, which starts with a brace.
    const filterId = hash('sha256', text, 'base64url').slice(0, 16);
    if (filterIds.has(filterId)) return { records: [], result: { filter_id: filterId } };
    if (filterIds.size >= side.limits.filters) {
      throw tooMany(`You can keep ${side.limits.filters} filters here at most: use those that you have.`);
    }
    const data = { filter_id: filterId, filter: { ...filter } };
    return { records: [{ type: 'filter.created', version: 1, data }], result: { filter_id: filterId } };
  });
}
