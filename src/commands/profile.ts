import { MatrixError } from '../protocol/errors.js';
import { canonicalJson } from '../protocol/canonical-json.js';
import { isNamespacedId } from '../protocol/identifiers.js';
import type { JsonValue } from '../protocol/json.js';
import { userStream } from './aggregates/user.js';
import type { CommandContext, Done } from './command.js';
import { requireActive } from './login.js';
import type { WriteSide } from './write-side.js';

/** Client-Server API, Profiles: the whole profile, and a field's name. */
const MOST_BYTES = 65_536;
const MOST_NAME_BYTES = 255;

/** These two go into the user's member events, and have to fit. In characters. */
const MOST_CHARACTERS = new Map([
  ['displayname', 256],
  ['avatar_url', 1000],
]);

/**
 * `PUT` and `DELETE /profile/{userId}/{keyName}`: sets a field, or removes it (`null`). The member events of the
 * user's rooms follow by a cursor (account-consequences.ts).
 *
 * @throws MatrixError M_KEY_TOO_LARGE, M_PROFILE_TOO_LARGE, M_INVALID_PARAM, M_BAD_JSON
 */
export function setProfileField(
  side: WriteSide,
  userId: string,
  name: string,
  value: JsonValue,
  context: CommandContext,
): Promise<Done<undefined>> {
  if (Buffer.byteLength(name) > MOST_NAME_BYTES) {
    throw new MatrixError(
      'M_KEY_TOO_LARGE',
      `The name of a profile field can have ${MOST_NAME_BYTES} bytes at most.`,
    );
  }
  if (!isNamespacedId(name)) {
    throw new MatrixError(
      'M_INVALID_PARAM',
      'Use a-z, 0-9 and ._- in the name of a profile field, and begin it with a letter.',
    );
  }
  checkMemberField(name, value);
  return side.users.handle(userStream(userId), context, (user) => {
    const { profile } = requireActive(user);
    const before = Object.hasOwn(profile, name) ? (profile[name] as JsonValue) : null;
    if (canonicalJson({ value: before }, { lenient: true }) === canonicalJson({ value }, { lenient: true })) {
      return { records: [], result: undefined };
    }
    const size = Buffer.byteLength(JSON.stringify({ ...profile, [name]: value }));
    if (size > MOST_BYTES)
      throw new MatrixError('M_PROFILE_TOO_LARGE', `A profile can have ${MOST_BYTES} bytes at most.`);
    return {
      records: [{ type: 'profile.changed', version: 1, data: { fields: { [name]: value } } }],
      result: undefined,
    };
  });
}

function checkMemberField(name: string, value: JsonValue): void {
  const most = MOST_CHARACTERS.get(name);
  if (most === undefined || value === null) return;
  if (typeof value !== 'string') throw new MatrixError('M_BAD_JSON', `${name} must be a string.`);
  if (value.length > most) {
    throw new MatrixError('M_INVALID_PARAM', `${name} can have ${most} characters at most.`);
  }
}
