import { ownerOf, tokenHash } from './tokens.js';
import type { WriteSide } from './write-side.js';

/** Whose an access token is, under the names that the read models have for it. */
export interface SessionInLog {
  readonly user_id: string;
  readonly device_id: string;
  readonly kind: 'user' | 'guest';
  /** Milliseconds since the epoch. */
  readonly expires_at?: number;
}

/**
 * The session of an access token by the log, for when the read models cannot be asked. Undefined where it cannot be
 * said: the token does not say whose it is, or is not valid as far as this process has read the log.
 */
export async function sessionInLog(side: WriteSide, accessToken: string): Promise<SessionInLog | undefined> {
  const userId = ownerOf(accessToken);
  const user = userId === undefined ? undefined : await side.user(userId);
  if (userId === undefined || user?.kind !== 'active') return undefined;
  const hash = tokenHash(accessToken);
  for (const [deviceId, { accessTokenHash, accessTokenExpiresAt }] of user.devices.entries()) {
    if (accessTokenHash !== hash) continue;
    return {
      user_id: userId,
      device_id: deviceId,
      kind: user.account,
      ...(accessTokenExpiresAt === undefined ? {} : { expires_at: accessTokenExpiresAt }),
    };
  }
  return undefined;
}
