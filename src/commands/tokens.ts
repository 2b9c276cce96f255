import { hash } from 'node:crypto';
import type { Random } from '../runtime/random.js';

/** A token's hash: what is recorded, and what it is looked up by. The token itself has 256 bits, so no salt is needed. */
export function tokenHash(token: string): string {
  return hash('sha256', token, 'base64url');
}

/** What a device signs its requests with. */
export interface IssuedTokens {
  readonly accessToken: string;
  readonly refreshToken?: string;
  /** Milliseconds from now. */
  readonly expiresIn?: number;
}

/**
 * New tokens; the prefix tells leak scanners and people what they are.
 *
 * @param lifetime of the access token in milliseconds, for a client that can refresh it; others do not expire
 */
export function issueTokens(random: Random, lifetime: number | undefined): IssuedTokens {
  const token = (prefix: string) => `${prefix}_${Buffer.from(random.bytes(32)).toString('base64url')}`;
  if (lifetime === undefined) return { accessToken: token('ega') };
  return { accessToken: token('ega'), refreshToken: token('egr'), expiresIn: lifetime };
}

/** The fields of a record for these tokens. */
export function tokenFields(
  tokens: IssuedTokens,
  now: number,
): { access_token_hash: string; access_token_expires_at?: number; refresh_token_hash?: string } {
  return {
    access_token_hash: tokenHash(tokens.accessToken),
    ...(tokens.expiresIn === undefined ? {} : { access_token_expires_at: now + tokens.expiresIn }),
    ...(tokens.refreshToken === undefined ? {} : { refresh_token_hash: tokenHash(tokens.refreshToken) }),
  };
}
