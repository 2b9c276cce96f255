import type { Access } from '../authentication.js';
import type { HttpMethod } from '../route.js';
import type { RateLimit } from './rate-limits.js';

/** What a route's limit depends on. */
export interface LimitedRoute {
  readonly name: string;
  readonly method: HttpMethod;
  readonly auth: Access;
}

/** Operations, by the specification's `operationId`, whose limit is another than their method's. */
export const OPERATIONS: Readonly<Partial<Record<RateLimit, readonly string[]>>> = {
  messages: [
    'sendMessage',
    'sendMessageOnce',
    'redactEvent',
    'setRoomStateWithKey',
    'leaveRoom',
    'kick',
    'ban',
    'unban',
  ],
  joins: ['joinRoom', 'joinRoomById', 'knockRoom'],
  invites: ['inviteUser'],
  room_creation: ['createRoom', 'upgradeRoom'],
  profile: ['setProfileField', 'deleteProfileField'],
  searches: [
    'getEventByTimestamp',
    'getEventContext',
    'getJoinedMembersByRoom',
    'getMembersByRoom',
    'getNotifications',
    'getPublicRooms',
    'getRelatingEvents',
    'getRelatingEventsWithRelType',
    'getRelatingEventsWithRelTypeAndEventType',
    'getRoomEvents',
    'getRoomState',
    'getSpaceHierarchy',
    'getThreadRoots',
    'initialSync',
    'queryPublicRooms',
    'roomInitialSync',
    'search',
    'searchUserDirectory',
  ],
  login: ['login'],
  registration: ['register', 'registrationTokenValidity'],
  name_checks: ['checkUsernameAvailability'],
};

const BY_OPERATION = new Map(
  Object.entries(OPERATIONS).flatMap(([limit, names]) =>
    names.map((name): [string, RateLimit] => [name, limit as RateLimit]),
  ),
);

/** By which limit the requests to a route are counted. */
export function limitOf({ name, method, auth }: LimitedRoute): RateLimit {
  const own = BY_OPERATION.get(name);
  if (own !== undefined) return own;
  if (auth === 'none') return 'anonymous';
  return method === 'GET' ? 'reads' : 'writes';
}

/** A message of 64 KiB, each byte of which may be written as six characters. */
const EVENT_BODY = 6 * 65_536 + 4096;
const STRANGERS_BODY = 65_536;

/** The largest body in bytes, where that is less than the server takes: nobody reads what cannot be an event. */
export function bodyLimitOf(route: LimitedRoute): number {
  if (route.auth === 'none') return STRANGERS_BODY;
  return limitOf(route) === 'messages' ? EVENT_BODY : Infinity;
}

type Query = Readonly<Record<string, unknown>>;

/** Whether a request may sleep until there is news, rather than to keep the server busy. */
export function isPoll({ name }: LimitedRoute, query: Query): boolean {
  if (name === 'getEvents' || name === 'peekEvents') return true;
  const { timeout } = query;
  return name === 'sync' && timeout !== undefined && timeout !== '0' && !isInitialSync({ name }, query);
}

/** Whether a request asks for everything there is. */
export function isInitialSync({ name }: Pick<LimitedRoute, 'name'>, query: Query): boolean {
  return name === 'sync' && (query['since'] === undefined || query['full_state'] === 'true');
}
