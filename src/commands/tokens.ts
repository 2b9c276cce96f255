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
 * New tokens for a user. The prefix tells leak scanners and people what they are; whose an access token is is part of
 * it, so that the log can be asked of it.
 *
 * @param lifetime of the access token in milliseconds, for a client that can refresh it; others do not expire
 */
export function issueTokens(random: Random, userId: string, lifetime: number | undefined): IssuedTokens {
  const secret = () => Buffer.from(random.bytes(32)).toString('base64url');
  const accessToken = `ega_${Buffer.from(userId).toString('base64url')}_${secret()}`;
  if (lifetime === undefined) return { accessToken };
  return { accessToken, refreshToken: `egr_${secret()}`, expiresIn: lifetime };
}

const ACCESS_TOKEN = /^ega_([\w-]+)_[\w-]{43}$/;

/** Whose an access token claims to be; undefined for one of before they said so. */
export function ownerOf(accessToken: string): string | undefined {
  const [, owner] = ACCESS_TOKEN.exec(accessToken) ?? [];
  return owner === undefined ? undefined : Buffer.from(owner, 'base64url').toString();
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
