import { MatrixError } from '../protocol/errors.js';
import { canonicalJson } from '../protocol/canonical-json.js';
import type { JsonValue } from '../protocol/json.js';
import { userStream } from './aggregates/user.js';
import type { CommandContext, Done } from './command.js';
import { requireActive } from './login.js';
import type { WriteSide } from './write-side.js';

/** Client-Server API, Profiles: the whole profile, and a field's name. */
const MOST_BYTES = 65_536;
const MOST_NAME_BYTES = 255;

/**
 * `PUT` and `DELETE /profile/{userId}/{keyName}`: sets a field, or removes it (`null`). The member events of the
 * user's rooms follow by a cursor (account-consequences.ts).
 *
 * @throws MatrixError M_TOO_LARGE, M_INVALID_PARAM
 */
export function setProfileField(
  side: WriteSide,
  userId: string,
  name: string,
  value: JsonValue,
  context: CommandContext,
): Promise<Done<undefined>> {
  if (name === '' || Buffer.byteLength(name) > MOST_NAME_BYTES) {
    throw new MatrixError(
      'M_INVALID_PARAM',
      `The name of a profile field has 1 to ${MOST_NAME_BYTES} bytes.`,
    );
  }
  return side.users.handle(userStream(userId), context, (user) => {
    const { profile } = requireActive(user);
    const before = Object.hasOwn(profile, name) ? (profile[name] as JsonValue) : null;
    if (canonicalJson({ value: before }, { lenient: true }) === canonicalJson({ value }, { lenient: true })) {
      return { records: [], result: undefined };
    }
    const size = Buffer.byteLength(JSON.stringify({ ...profile, [name]: value }));
    if (size > MOST_BYTES)
      throw new MatrixError('M_TOO_LARGE', `A profile can have ${MOST_BYTES} bytes at most.`);
    return {
      records: [{ type: 'profile.changed', version: 1, data: { fields: { [name]: value } } }],
      result: undefined,
    };
  });
}
