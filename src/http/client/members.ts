/**
 * GET /_matrix/client/v3/rooms/{roomId}/members, /_matrix/client/v3/rooms/{roomId}/joined_members
 *
 * Specification: Client-Server API, Getting events for a room.
 */
import { jsonArray } from '../../queries/client-events.js';
import { joinedMembers, members } from '../../queries/members.js';
import { JsonText } from '../response.js';
import { defineRoute, v3, type Route } from '../route.js';
import { upToDate, type ClientApi } from './api.js';
import type { GetJoinedMembersByRoom, GetMembersByRoom } from './types.js';

export function membersRoutes(api: ClientApi): Route[] {
  return [
    defineRoute<GetMembersByRoom, 'required-or-guest'>({
      module: 'members',
      name: 'getMembersByRoom',
      method: 'GET',
      paths: v3('/rooms/{roomId}/members'),
      auth: 'required-or-guest',
      handler: async ({ params, query, user }) => {
        const { at, membership, not_membership: notMembership } = query;
        const request = { roomId: params.roomId, at, membership, notMembership };
        const found = await members(await upToDate(api), user.userId, request);
        return new JsonText(`{"chunk":${jsonArray(found.map(({ json }) => json))}}`);
      },
    }),
    defineRoute<GetJoinedMembersByRoom>({
      module: 'members',
      name: 'getJoinedMembersByRoom',
      method: 'GET',
      paths: v3('/rooms/{roomId}/joined_members'),
      auth: 'required',
      handler: async ({ params, user }) => ({
        joined: await joinedMembers(await upToDate(api), user.userId, params.roomId),
      }),
    }),
  ];
}
