import type { IncomingHttpHeaders } from 'node:http';
import { tokenHash } from '../commands/tokens.js';
import { MatrixError } from '../protocol/errors.js';

/** What a route demands of its caller; `required` refuses guests. */
export type Access = 'none' | 'optional' | 'required' | 'required-or-guest';

/** Who makes a request. */
export interface Requester {
  readonly userId: string;
  readonly deviceId: string;
  readonly kind: 'user' | 'guest';
  /** Names the token in logs and look-ups without being able to stand for it. */
  readonly accessTokenHash: string;
}

/** Knows whose an access token is. May throw a `MatrixError` for accounts that are locked. */
export interface Authenticator {
  /** @param hash the token's */
  authenticate(
    token: string,
    hash: string,
    correlationId: string,
  ): Promise<{ userId: string; deviceId: string; kind: 'user' | 'guest' } | { expired: true } | undefined>;
}

/** Longer tokens are nobody's; they are not even hashed. */
const MAX_TOKEN_LENGTH = 4096;

/**
 * The token of a request: from the `Authorization` header, else from the query string (specification: Client
 * Authentication, Using access tokens). The header counts where both are given.
 */
export function accessTokenOf(
  headers: IncomingHttpHeaders,
  query: Readonly<Record<string, unknown>>,
): string | undefined {
  const header = headers.authorization;
  if (header !== undefined) {
    const space = header.indexOf(' ');
    if (space > 0 && header.slice(0, space).toLowerCase() === 'bearer') return header.slice(space + 1).trim();
  }
  const given = query['access_token'];
  const first: unknown = Array.isArray(given) ? given[0] : given;
  return typeof first === 'string' && first !== '' ? first : undefined;
}

/**
 * Finds the requester, or refuses as the specification says (Client Authentication; Soft logout; Guest Access):
 * M_MISSING_TOKEN, M_UNKNOWN_TOKEN, M_GUEST_ACCESS_FORBIDDEN.
 */
export async function authenticate(
  authenticator: Authenticator,
  access: Access,
  token: string | undefined,
  correlationId: string,
): Promise<Requester | undefined> {
  if (access === 'none') return undefined;
  if (token === undefined) {
    if (access === 'optional') return undefined;
    throw new MatrixError('M_MISSING_TOKEN', 'This request needs an access token.');
  }
  if (token.length > MAX_TOKEN_LENGTH) throw unknownToken();
  const hash = tokenHash(token);
  const found = await authenticator.authenticate(token, hash, correlationId);
  if (found === undefined) throw unknownToken();
  if ('expired' in found) {
    throw new MatrixError('M_UNKNOWN_TOKEN', 'This access token has expired.', {
      fields: { soft_logout: true },
    });
  }
  if (found.kind === 'guest' && access === 'required') {
    throw new MatrixError('M_GUEST_ACCESS_FORBIDDEN', 'Guests may not do this.');
  }
  return { ...found, accessTokenHash: hash };
}

function unknownToken(): MatrixError {
  return new MatrixError('M_UNKNOWN_TOKEN', 'This access token is not known here.');
}
