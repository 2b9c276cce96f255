import { LRUCache } from 'lru-cache';
import { noteTokenUse } from '../commands/login.js';
import type { WriteSide } from '../commands/write-side.js';
import { LogClosedError, LogUnavailableError } from '../log/errors.js';
import type { Sessions } from '../queries/sessions.js';
import type { Authenticator } from './authentication.js';

/** Access tokens of which this process knows that their use is on record. */
const MOST_NOTED = 100_000;

/**
 * Knows the tokens of accounts (specification: Client-Server API, Client Authentication; Soft logout). The first use
 * of a token that expires is recorded before the request goes on.
 */
export function accountAuthenticator(sessions: Sessions, write: WriteSide): Authenticator {
  const noted = new LRUCache<string, true>({ max: MOST_NOTED });
  const { clock } = write.ports;
  return {
    async authenticate(token, hash, correlationId) {
      const session = await sessions.byAccessToken(hash, token);
      if (session === undefined) return undefined;
      const { user_id: userId, device_id: deviceId, expires_at: expiresAt, kind } = session;
      if (expiresAt !== undefined) {
        if (expiresAt <= clock.now()) return { expired: true };
        if (!noted.has(hash)) {
          try {
            await noteTokenUse(write, userId, deviceId, hash, { correlationId, now: clock.now() });
            noted.set(hash, true);
          } catch (error) {
            // Reads go on while the log is out of reach; the next request tries again.
            if (!(error instanceof LogUnavailableError) && !(error instanceof LogClosedError)) throw error;
          }
        }
      }
      return { userId, deviceId, kind };
    },
  };
}
