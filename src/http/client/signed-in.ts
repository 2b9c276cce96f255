import type { IssuedTokens } from '../../commands/tokens.js';
import type { ClientSettings } from './api.js';

/** What a client is told of its new session; less for an account that was made without signing in. */
export function signedInAnswer(
  session: { readonly userId: string; readonly deviceId?: string; readonly tokens?: IssuedTokens },
  { serverName }: ClientSettings,
): Record<string, unknown> {
  const { userId, deviceId, tokens } = session;
  return {
    user_id: userId,
    // Deprecated, and still read by older clients.
    home_server: serverName,
    ...(deviceId === undefined ? {} : { device_id: deviceId }),
    ...(tokens === undefined ? {} : tokenAnswer(tokens)),
  };
}

/** New tokens as `/login`, `/register` and `/refresh` tell them. */
export function tokenAnswer(tokens: IssuedTokens): Record<string, unknown> {
  const { accessToken, refreshToken, expiresIn } = tokens;
  return {
    access_token: accessToken,
    ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
    ...(expiresIn === undefined ? {} : { expires_in_ms: expiresIn }),
  };
}
