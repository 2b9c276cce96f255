/**
 * POST /_matrix/client/v3/createRoom
 *
 * Specification: Client-Server API, Room creation.
 */
import { createRoom } from '../../commands/create-room.js';
import { defineRoute, v3, type Route } from '../route.js';
import { commandContext, done, type ClientApi } from './api.js';
import type { CreateRoom } from './types.js';

export function createRoomRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<CreateRoom>({
      module: 'create_room',
      name: 'createRoom',
      method: 'POST',
      paths: v3('/createRoom'),
      auth: 'required',
      handler: (request) => {
        const { user, body, looseNumbers } = request;
        const { defaultRoomVersion } = api.settings;
        const invited = body.invite?.length ?? 0;
        if (invited > 0) api.rateLimits.take('invites', user.userId, invited);
        const context = commandContext(api, request);
        const wish = { ...body, looseNumbers };
        return done(api, createRoom(api.write, user.userId, wish, defaultRoomVersion, context));
      },
    }),
  ];
}
