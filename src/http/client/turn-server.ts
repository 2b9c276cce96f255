/**
 * GET /_matrix/client/v3/voip/turnServer
 *
 * Specification: Client-Server API, Voice over IP.
 */
import { createHmac } from 'node:crypto';
import type { Clock } from '../../runtime/clock.js';
import { defineRoute, v3, type Route } from '../route.js';
import type { GetTurnServer } from './types.js';

/** The part `turn` of the configuration. */
export interface TurnOptions {
  readonly uris: readonly string[];
  /** What TURN servers derive passwords from (coturn's `static-auth-secret`). */
  readonly sharedSecret: string | null;
  /** How long credentials are good for, in seconds. */
  readonly ttl: number;
  /** The same for all, where there is no shared secret. */
  readonly username: string | null;
  readonly password: string | null;
}

export function turnServerRoutes(turn: TurnOptions, clock: Clock): Route[] {
  return [
    defineRoute<GetTurnServer>({
      module: 'turn_server',
      name: 'getTurnServer',
      method: 'GET',
      paths: v3('/voip/turnServer'),
      auth: 'required',
      handler: ({ user }) => turnCredentials(turn, user.userId, clock.now()),
    }),
  ];
}

/**
 * Credentials for one user, or `{}` where no TURN server is set up: what clients take as there being none. With a
 * shared secret they are time-limited, as coturn makes them (draft-uberti-behave-turn-rest-00): the name is the time
 * at which they end and the user ID, the password its HMAC-SHA1.
 *
 * @param now milliseconds since the epoch
 */
export function turnCredentials(turn: TurnOptions, userId: string, now: number): object {
  const { uris, ttl } = turn;
  if (uris.length === 0) return {};
  if (turn.sharedSecret !== null) {
    const username = `${Math.floor(now / 1000) + ttl}:${userId}`;
    const password = createHmac('sha1', turn.sharedSecret).update(username, 'utf8').digest('base64');
    return { username, password, uris, ttl };
  }
  if (turn.username === null || turn.password === null) return {};
  return { username: turn.username, password: turn.password, uris, ttl };
}
