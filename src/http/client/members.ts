/**
 * GET /_matrix/client/v3/rooms/{roomId}/members, /_matrix/client/v3/rooms/{roomId}/joined_members
 *
 * Specification: Client-Server API, Getting events for a room.
 */
import { jsonArray } from '../../queries/client-events.js';
import { joinedMembers, members } from '../../queries/members.js';
import { JsonStream, JsonText } from '../response.js';
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
        const pieces = members(await upToDate(api), user.userId, request);
        // What fails before the first piece is answered as an error; most rooms have no second one.
        const [first, second] = [await pieces.next(), await pieces.next()];
        const events = first.done === true ? [] : first.value;
        if (second.done === true) return new JsonText(`{"chunk":${jsonArray(events)}}`);
        return new JsonStream(chunkOf([events, second.value], pieces));
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

/** The answer's text, from the pieces that are there and those that are still to come. */
async function* chunkOf(begun: readonly string[][], rest: AsyncIterable<string[]>): AsyncGenerator<string> {
  yield '{"chunk":[';
  let separator = '';
  async function* all() {
    yield* begun;
    yield* rest;
  }
  for await (const events of all()) {
    if (events.length === 0) continue;
    yield separator + events.join(',');
    separator = ',';
  }
  yield ']}';
}
