import { MatrixError } from '../protocol/errors.js';
import { type JsonObject } from '../protocol/json.js';
import { pusherKey, userStream } from './aggregates/user.js';
import type { CommandContext, Done } from './command.js';
import { tooMany } from './limits.js';
import { requireActive } from './login.js';
import type { WriteSide } from './write-side.js';

/** What names a pusher among those of a user. */
export interface PusherId {
  readonly appId: string;
  readonly pushkey: string;
}

/** A pusher as its client describes it. */
export interface PusherRequest extends PusherId {
  readonly kind: string;
  readonly appDisplayName: string | undefined;
  readonly deviceDisplayName: string | undefined;
  readonly profileTag: string | undefined;
  readonly lang: string | undefined;
  readonly data: JsonObject | undefined;
  /** Whether pushers of other users with the same ID stay. */
  readonly append: boolean;
}

/** Larger data is no address. In characters of JSON. */
const MOST_DATA = 16_384;

/**
 * The members of a pusher that are recorded as they are shown, in one order.
 *
 * @throws MatrixError M_MISSING_PARAM, M_INVALID_PARAM for a kind that this server does not have, a gateway that is
 *   none, or too much data
 */
export function pusherContent(request: PusherRequest): JsonObject {
  const { kind, appDisplayName, deviceDisplayName, lang, profileTag, data } = request;
  const missing = Object.entries({
    app_display_name: appDisplayName,
    device_display_name: deviceDisplayName,
    lang,
    data,
  }).find(([, value]) => value === undefined);
  if (missing !== undefined) throw new MatrixError('M_MISSING_PARAM', `The body lacks ${missing[0]}.`);
  if (kind !== 'http') {
    throw new MatrixError('M_INVALID_PARAM', 'This server has no pushers but those of the kind "http".');
  }
  checkGateway(data?.['url']);
  if (JSON.stringify(data).length > MOST_DATA) {
    throw new MatrixError('M_INVALID_PARAM', `data can have ${MOST_DATA} characters at most.`);
  }
  return {
    kind,
    app_display_name: appDisplayName ?? '',
    device_display_name: deviceDisplayName ?? '',
    ...(profileTag === undefined ? {} : { profile_tag: profileTag }),
    lang: lang ?? '',
    data: data ?? {},
  };
}

/** `data.url` of the specification: HTTPS, and the path of the Push Gateway API. */
function checkGateway(url: JsonObject[string]): void {
  const parsed = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined) throw new MatrixError('M_MISSING_PARAM', 'data lacks the url of a push gateway.');
  if (parsed.protocol !== 'https:' || parsed.pathname !== '/_matrix/push/v1/notify') {
    const message = 'data.url must be an HTTPS URL with the path /_matrix/push/v1/notify.';
    throw new MatrixError('M_INVALID_PARAM', message);
  }
}

/**
 * `POST /pushers/set` (Client-Server API, Push Notifications): adds a pusher, or changes it. What somebody else has
 * taken over since counts for the account's limit until its device is gone or it is deleted.
 *
 * @throws MatrixError M_RESOURCE_LIMIT_EXCEEDED for one more than an account may have; and as {@link pusherContent}
 */
export function setPusher(
  side: WriteSide,
  userId: string,
  deviceId: string,
  request: PusherRequest,
  context: CommandContext,
): Promise<Done<undefined>> {
  const pusher = { ...pusherContent(request) };
  const { appId, pushkey, append } = request;
  return side.users.handle(userStream(userId), context, (user) => {
    const { pushers } = requireActive(user);
    if (!pushers.has(pusherKey(appId, pushkey)) && pushers.size >= side.limits.pushers) {
      throw tooMany(
        `You can have ${side.limits.pushers} pushers here at most: delete some that are not used.`,
      );
    }
    const data = { device_id: deviceId, app_id: appId, pushkey, append, pusher };
    return { records: [{ type: 'pusher.set', version: 1, data }], result: undefined };
  });
}

/** `POST /pushers/set` with `kind` null. Where there is none, nothing is recorded. */
export function deletePusher(
  side: WriteSide,
  userId: string,
  { appId, pushkey }: PusherId,
  context: CommandContext,
): Promise<Done<undefined>> {
  return side.users.handle(userStream(userId), context, (user) => {
    const { pushers } = requireActive(user);
    if (!pushers.has(pusherKey(appId, pushkey))) return { records: [], result: undefined };
    const data = { app_id: appId, pushkey };
    return { records: [{ type: 'pusher.deleted', version: 1, data }], result: undefined };
  });
}
