/**
 * GET /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags
 * PUT, DELETE /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag}
 *
 * Specification: Client-Server API, Room Tagging.
 */
import { deleteTag, setTag } from '../../commands/account-data.js';
import type { JsonObject } from '../../protocol/json.js';
import { accountDataContent } from '../../queries/account-data.js';
import { JsonText } from '../response.js';
import { defineRoute, v3, type Route } from '../route.js';
import { commandContext, done, requireSelf, upToDate, type ClientApi } from './api.js';
import type { DeleteRoomTag, GetRoomTags, SetRoomTag } from './types.js';

export function tagsRoutes(api: ClientApi): Route[] {
  const one = v3('/user/{userId}/rooms/{roomId}/tags/{tag}');
  return [
    defineRoute<GetRoomTags>({
      module: 'tags',
      name: 'getRoomTags',
      method: 'GET',
      paths: v3('/user/{userId}/rooms/{roomId}/tags'),
      auth: 'required',
      handler: async (request) => {
        const { userId, roomId } = request.params;
        requireSelf(request, userId);
        const content = await accountDataContent(await upToDate(api), userId, roomId, 'm.tag');
        return new JsonText(content ?? '{"tags":{}}');
      },
    }),
    defineRoute<SetRoomTag>({
      module: 'tags',
      name: 'setRoomTag',
      method: 'PUT',
      paths: one,
      auth: 'required',
      handler: async (request) => {
        const { userId, roomId, tag } = request.params;
        requireSelf(request, userId);
        const info = request.body as JsonObject;
        await done(api, setTag(api.write, userId, roomId, tag, info, commandContext(api, request)));
        return {};
      },
    }),
    defineRoute<DeleteRoomTag>({
      module: 'tags',
      name: 'deleteRoomTag',
      method: 'DELETE',
      paths: one,
      auth: 'required',
      handler: async (request) => {
        const { userId, roomId, tag } = request.params;
        requireSelf(request, userId);
        await done(api, deleteTag(api.write, userId, roomId, tag, commandContext(api, request)));
        return {};
      },
    }),
  ];
}
