/**
 * POST /_matrix/client/v3/peek/{roomIdOrAlias}, /_matrix/client/v3/rooms/{roomId}/unpeek
 *
 * Not in the specification: MSC2753 (Peeking via /sync). What a device looks into comes in `rooms.peek`.
 */
import { peek, unpeek } from '../../commands/peeking.js';
import { resolveRoom } from '../../queries/room-aliases.js';
import { defineRoute, unstable, v3, type Route } from '../route.js';
import { commandContext, done, upToDate, type ClientApi } from './api.js';
import type { PeekRoom, UnpeekRoom } from './types.js';

const PREFIX = 'org.matrix.msc2753';

export function peekingRoutes(api: ClientApi): Route[] {
  const [begin, end] = ['/peek/{roomIdOrAlias}', '/rooms/{roomId}/unpeek'];
  return [
    defineRoute<PeekRoom, 'required-or-guest'>({
      module: 'peeking',
      name: 'peekRoom',
      method: 'POST',
      paths: [...v3(begin), ...unstable(PREFIX, begin)],
      auth: 'required-or-guest',
      handler: async (request) => {
        const roomId = await resolveRoom(() => upToDate(api), request.params.roomIdOrAlias);
        return done(api, peek(api.write, request.user, roomId, commandContext(api, request)));
      },
    }),
    defineRoute<UnpeekRoom, 'required-or-guest'>({
      module: 'peeking',
      name: 'unpeekRoom',
      method: 'POST',
      paths: [...v3(end), ...unstable(PREFIX, end)],
      auth: 'required-or-guest',
      handler: async (request) => {
        const context = commandContext(api, request);
        await done(api, unpeek(api.write, request.user, request.params.roomId, context));
        return {};
      },
    }),
  ];
}
