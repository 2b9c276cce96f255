/**
 * POST /_matrix/client/v3/join/{roomIdOrAlias}, /knock/{roomIdOrAlias},
 * POST /_matrix/client/v3/rooms/{roomId}/join, /invite, /leave, /kick, /ban, /unban, /forget,
 * GET /_matrix/client/v3/joined_rooms
 *
 * Specification: Client-Server API, Room membership; Third-party invites; Guest Access.
 */
import { forgetRoom } from '../../commands/forget.js';
import { ban, invite, joinRoom, kick, knock, leave, unban } from '../../commands/membership.js';
import { MatrixError } from '../../protocol/errors.js';
import type { JsonObject } from '../../protocol/json.js';
import { resolveRoom } from '../../queries/room-aliases.js';
import type { Requester } from '../authentication.js';
import { defineRoute, v3, type Route } from '../route.js';
import { commandContext, done, upToDate, type ClientApi } from './api.js';
import type {
  Ban,
  ForgetRoom,
  GetJoinedRooms,
  InviteUser,
  JoinRoom,
  JoinRoomById,
  Kick,
  KnockRoom,
  LeaveRoom,
  Unban,
} from './types.js';

const MODULE = 'membership';

export function membershipRoutes(api: ClientApi): Route[] {
  return [...ownMembershipRoutes(api), ...othersMembershipRoutes(api), ...afterwardsRoutes(api)];
}

/** What users do about their own membership. */
function ownMembershipRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<JoinRoom, 'required-or-guest'>({
      module: MODULE,
      name: 'joinRoom',
      method: 'POST',
      paths: v3('/join/{roomIdOrAlias}'),
      auth: 'required-or-guest',
      handler: async (request) => {
        const roomId = await resolveRoom(() => upToDate(api), request.params.roomIdOrAlias);
        return join(api, request, roomId);
      },
    }),
    defineRoute<JoinRoomById, 'required-or-guest'>({
      module: MODULE,
      name: 'joinRoomById',
      method: 'POST',
      paths: v3('/rooms/{roomId}/join'),
      auth: 'required-or-guest',
      handler: (request) => join(api, request, request.params.roomId),
    }),
    defineRoute<KnockRoom>({
      module: MODULE,
      name: 'knockRoom',
      method: 'POST',
      paths: v3('/knock/{roomIdOrAlias}'),
      auth: 'required',
      handler: async (request) => {
        const roomId = await resolveRoom(() => upToDate(api), request.params.roomIdOrAlias);
        const { reason } = request.body;
        const context = commandContext(api, request);
        return done(api, knock(api.write, request.user.userId, roomId, { reason }, context));
      },
    }),
    defineRoute<LeaveRoom, 'required-or-guest'>({
      module: MODULE,
      name: 'leaveRoom',
      method: 'POST',
      paths: v3('/rooms/{roomId}/leave'),
      auth: 'required-or-guest',
      handler: async (request) => {
        const { params, user, body } = request;
        const context = commandContext(api, request);
        await done(api, leave(api.write, user.userId, params.roomId, { reason: body.reason }, context));
        return {};
      },
    }),
  ];
}

interface JoinRequest {
  readonly user: Requester;
  readonly body: JoinRoomById['body'];
  readonly looseNumbers: boolean;
  readonly correlationId: string;
}

/** Fields that the specification does not know go into the member event, as clients know it from Synapse. */
function join(api: ClientApi, request: JoinRequest, roomId: string): Promise<{ room_id: string }> {
  const { user, body, looseNumbers } = request;
  const content = body as JsonObject;
  const wish = { reason: body.reason, thirdPartySigned: body.third_party_signed, content, looseNumbers };
  const isGuest = user.kind === 'guest';
  return done(api, joinRoom(api.write, user.userId, roomId, wish, commandContext(api, request), isGuest));
}

/** What users do about the membership of others. */
function othersMembershipRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<InviteUser>({
      module: MODULE,
      name: 'inviteUser',
      method: 'POST',
      paths: v3('/rooms/{roomId}/invite'),
      auth: 'required',
      handler: async (request) => {
        const { params, user, body } = request;
        if (body.user_id === undefined) {
          throw new MatrixError('M_UNRECOGNIZED', 'This server has no identity server: invite by user ID.', {
            status: 400,
          });
        }
        const wish = { reason: body.reason };
        const context = commandContext(api, request);
        await done(api, invite(api.write, user.userId, params.roomId, body.user_id, wish, context));
        return {};
      },
    }),
    moderationRoute(api, 'kick', kick),
    moderationRoute(api, 'ban', ban),
    moderationRoute(api, 'unban', unban),
  ];
}

/** Kick, ban and unban are alike: by whom, whom, and why. */
function moderationRoute(api: ClientApi, name: 'kick' | 'ban' | 'unban', command: typeof kick): Route {
  return defineRoute<Kick & Ban & Unban>({
    module: MODULE,
    name,
    method: 'POST',
    paths: v3(`/rooms/{roomId}/${name}`),
    auth: 'required',
    handler: async (request) => {
      const { params, user, body } = request;
      const wish = { reason: body.reason };
      const context = commandContext(api, request);
      await done(api, command(api.write, user.userId, params.roomId, body.user_id, wish, context));
      return {};
    },
  });
}

function afterwardsRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<ForgetRoom>({
      module: MODULE,
      name: 'forgetRoom',
      method: 'POST',
      paths: v3('/rooms/{roomId}/forget'),
      auth: 'required',
      handler: async (request) => {
        const { params, user } = request;
        await done(api, forgetRoom(api.write, user.userId, params.roomId, commandContext(api, request)));
        return {};
      },
    }),
    defineRoute<GetJoinedRooms>({
      module: MODULE,
      name: 'getJoinedRooms',
      method: 'GET',
      paths: v3('/joined_rooms'),
      auth: 'required',
      handler: async ({ user }) => {
        const rooms = await (await upToDate(api)).joinedRooms.of(user.userId);
        const joined = [...rooms.values()].filter(({ membership }) => membership === 'join');
        return { joined_rooms: joined.map(({ room_id }) => room_id) };
      },
    }),
  ];
}
