/**
 * GET /_matrix/client/v3/pushers
 * POST /_matrix/client/v3/pushers/set
 *
 * Specification: Client-Server API, Push Notifications. Pushers are kept for the day on which something is pushed.
 */
import { deletePusher, pusherContent, setPusher } from '../../commands/pushers.js';
import { hasPusher, pushersOf } from '../../queries/pushers.js';
import { defineRoute, v3, type Context, type Route } from '../route.js';
import { commandContext, done, upToDate, type ClientApi } from './api.js';
import type { GetPushers, PostPusher } from './types.js';

export function pushersRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<GetPushers>({
      module: 'pushers',
      name: 'getPushers',
      method: 'GET',
      paths: v3('/pushers'),
      auth: 'required',
      handler: async ({ user }) => ({ pushers: await pushersOf(await upToDate(api), user.userId) }),
    }),
    defineRoute<PostPusher>({
      module: 'pushers',
      name: 'postPusher',
      method: 'POST',
      paths: v3('/pushers/set'),
      auth: 'required',
      handler: (request) => post(api, request),
    }),
  ];
}

async function post(api: ClientApi, request: Context<PostPusher, 'required'>): Promise<object> {
  const { user, body } = request;
  const id = { appId: body.app_id, pushkey: body.pushkey };
  const context = commandContext(api, request);
  if (body.kind === null) {
    await done(api, deletePusher(api.write, user.userId, id, context));
    return {};
  }
  const wish = {
    ...id,
    kind: body.kind,
    appDisplayName: body.app_display_name,
    deviceDisplayName: body.device_display_name,
    profileTag: body.profile_tag,
    lang: body.lang,
    data: body.data,
    append: body.append ?? false,
  };
  const same = { deviceId: user.deviceId, content: pusherContent(wish) };
  if (!(await hasPusher(await upToDate(api), user.userId, id, same))) {
    await done(api, setPusher(api.write, user.userId, user.deviceId, wish, context));
  }
  return {};
}
