import { tokenHash } from '../commands/tokens.js';
import type { Sessions } from '../queries/sessions.js';
import type { Clock } from '../runtime/clock.js';
import type { Authenticator } from './authentication.js';

/** Knows the tokens of accounts (specification: Client-Server API, Client Authentication; Soft logout). */
export function accountAuthenticator(sessions: Sessions, clock: Clock): Authenticator {
  return {
    async authenticate(token) {
      const session = await sessions.byAccessToken(tokenHash(token), token);
      if (session === undefined) return undefined;
      if (session.expires_at !== undefined && session.expires_at <= clock.now()) return { expired: true };
      return { userId: session.user_id, deviceId: session.device_id, kind: session.kind };
    },
  };
}
