import type { Auth } from './client/types.js';
import type { Stage, StageResult } from './user-interactive.js';
import { isJsonObject } from '../protocol/json.js';

/** `m.login.dummy`: always succeeds (specification: Dummy Auth). */
export const dummyStage: Stage = {
  check: () => Promise.resolve({ ok: true }),
};

/**
 * `m.login.password` (specification: Password-based).
 *
 * @param checkPassword says whose the password is: given a user ID or its local part, returns the user ID or nothing
 */
export function passwordStage(
  checkPassword: (user: string, password: string, address: string) => Promise<string | undefined>,
): Stage {
  return {
    async check(auth, { address }) {
      const user = userOf(auth);
      const password = auth['password'];
      if (user === undefined || typeof password !== 'string') {
        return refused('M_MISSING_PARAM', 'This stage takes an identifier of a user, and a password.');
      }
      const userId = await checkPassword(user, password, address);
      return userId === undefined
        ? refused('M_FORBIDDEN', 'Invalid username or password.')
        : { ok: true, userId };
    },
  };
}

/**
 * `m.login.registration_token` (specification: Token-authenticated registration).
 *
 * @param checkToken whether the token is good for one more account
 */
export function registrationTokenStage(
  checkToken: (token: string, session: string) => Promise<boolean>,
): Stage {
  return {
    async check(auth, { session }) {
      const token = auth['token'];
      if (typeof token !== 'string') return refused('M_MISSING_PARAM', 'This stage takes a token.');
      const good = token.length <= 64 && (await checkToken(token, session));
      return good
        ? { ok: true, registrationToken: token }
        : refused('M_UNAUTHORIZED', 'This registration token is not valid.');
    },
  };
}

/** The user named by `identifier`, or by `user` as clients did before there was one (specification: Identifier types). */
function userOf(auth: Auth): string | undefined {
  const identifier = auth['identifier'];
  if (isJsonObject(identifier)) {
    const user = identifier['user'];
    return identifier['type'] === 'm.id.user' && typeof user === 'string' ? user : undefined;
  }
  const user = auth['user'];
  return typeof user === 'string' ? user : undefined;
}

function refused(errcode: 'M_FORBIDDEN' | 'M_MISSING_PARAM' | 'M_UNAUTHORIZED', error: string): StageResult {
  return { ok: false, errcode, error };
}
