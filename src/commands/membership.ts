import { refusedByRule, type CommandContext, type Done } from './command.js';
import { MatrixError } from '../protocol/errors.js';
import { isUserId, serverName } from '../protocol/identifiers.js';
import { isJsonObject, type JsonObject } from '../protocol/json.js';
import { powerLevels, userLevel } from '../protocol/power-levels.js';
import { roomStream } from './aggregates/room.js';
import type { Decision } from './handle.js';
import { carrySettings, predecessorIn } from './room-successor.js';
import { newEvent } from './room/new-event.js';
import { checkRoomCount } from './room-count.js';
import type { RoomSession } from './room/room-session.js';
import type { WriteSide } from './write-side.js';

/** What a client may add to a membership event of its own. */
export interface MembershipRequest {
  readonly reason?: string | undefined;
  readonly thirdPartySigned?: JsonObject | undefined;
  /** Further fields for the content of a join; what the server says there itself is not theirs to say. */
  readonly content?: JsonObject | undefined;
  /** As of `EventDraft`. */
  readonly looseNumbers?: boolean | undefined;
}

/** `POST /join`: idempotent; finds who may let the user in where the room is restricted. */
export async function joinRoom(
  side: WriteSide,
  userId: string,
  roomId: string,
  request: MembershipRequest,
  context: CommandContext,
  isGuest = false,
): Promise<Done<{ room_id: string }>> {
  const profile = await side.profile(userId);
  const { result: predecessor, position } = await side.rooms.handle(
    roomStream(roomId),
    context,
    async (room): Promise<Decision<string | undefined>> => {
      await loadPeople(room, userId);
      const current = membershipOf(room, userId);
      if (current === 'join') return { records: [], result: undefined };
      checkRoomCount(side, userId);
      if (isGuest && room.state('m.room.guest_access', '')?.content['guest_access'] !== 'can_join') {
        throw new MatrixError('M_GUEST_ACCESS_FORBIDDEN', 'Guests may not join this room.');
      }
      const authoriser = current === 'invite' ? undefined : await restrictedJoinAuthoriser(room, userId);
      const content: JsonObject = {
        ...ownFields(request.content),
        ...profile,
        membership: 'join',
        ...reasonOf(request),
        ...(authoriser === undefined ? {} : { join_authorised_via_users_server: authoriser }),
        ...(request.thirdPartySigned === undefined ? {} : { third_party_signed: request.thirdPartySigned }),
      };
      const { looseNumbers = false } = request;
      const replaces = predecessorIn(room.state('m.room.create', ''));
      return change(room, userId, userId, content, context, replaces, looseNumbers);
    },
  );
  const result = { room_id: roomId };
  if (predecessor === undefined) return { result, position };
  // By the cursor they would come too (account-consequences.ts), but a moment later than the room.
  const carried = await carrySettings(side, userId, predecessor, roomId, context);
  return { result, position: Math.max(position, carried.position) };
}

/** `POST /knock/{roomIdOrAlias}`. */
export async function knock(
  side: WriteSide,
  userId: string,
  roomId: string,
  request: MembershipRequest,
  context: CommandContext,
): Promise<Done<{ room_id: string }>> {
  const profile = await side.profile(userId);
  return side.rooms.handle(roomStream(roomId), context, async (room) => {
    if (!room.version.auth.knock) {
      throw new MatrixError('M_FORBIDDEN', `Rooms of version ${room.version.id} do not know knocking.`);
    }
    await loadPeople(room, userId);
    const content = { ...profile, membership: 'knock', ...reasonOf(request) };
    return change(room, userId, userId, content, context, { room_id: roomId });
  });
}

/** `POST /rooms/{roomId}/invite`. */
export async function invite(
  side: WriteSide,
  sender: string,
  roomId: string,
  target: string,
  request: MembershipRequest,
  context: CommandContext,
): Promise<Done<undefined>> {
  checkTarget(target);
  const profile = await side.profile(target);
  return side.rooms.handle(roomStream(roomId), context, async (room) => {
    await loadPeople(room, sender, target);
    // The conversation may have been declared a direct one when they were first invited.
    const content = { ...profile, membership: 'invite', ...reasonOf(request) };
    return change(room, sender, target, content, context, undefined);
  });
}

/** `POST /rooms/{roomId}/leave`: also declines an invite and takes back a knock; idempotent. */
export function leave(
  side: WriteSide,
  userId: string,
  roomId: string,
  request: MembershipRequest,
  context: CommandContext,
): Promise<Done<undefined>> {
  return side.rooms.handle(roomStream(roomId), context, async (room) => {
    await loadPeople(room, userId);
    const current = membershipOf(room, userId);
    if (current === 'leave') return { records: [], result: undefined };
    return change(room, userId, userId, { membership: 'leave', ...reasonOf(request) }, context, undefined);
  });
}

/** `POST /rooms/{roomId}/kick`: only of somebody who is in the room, invited, or knocking. */
export function kick(
  side: WriteSide,
  sender: string,
  roomId: string,
  target: string,
  request: MembershipRequest,
  context: CommandContext,
): Promise<Done<undefined>> {
  checkTarget(target);
  return side.rooms.handle(roomStream(roomId), context, async (room) => {
    await loadPeople(room, sender, target);
    requireJoined(room, sender);
    const current = membershipOf(room, target);
    if (current === undefined || current === 'leave' || current === 'ban') {
      throw new MatrixError('M_FORBIDDEN', `${target} is not in the room.`);
    }
    return change(room, sender, target, { membership: 'leave', ...reasonOf(request) }, context, undefined);
  });
}

/** `POST /rooms/{roomId}/ban`. */
export function ban(
  side: WriteSide,
  sender: string,
  roomId: string,
  target: string,
  request: MembershipRequest,
  context: CommandContext,
): Promise<Done<undefined>> {
  checkTarget(target);
  return side.rooms.handle(roomStream(roomId), context, async (room) => {
    await loadPeople(room, sender, target);
    return change(room, sender, target, { membership: 'ban', ...reasonOf(request) }, context, undefined);
  });
}

/** `POST /rooms/{roomId}/unban`: only of somebody who is banned. */
export function unban(
  side: WriteSide,
  sender: string,
  roomId: string,
  target: string,
  request: MembershipRequest,
  context: CommandContext,
): Promise<Done<undefined>> {
  checkTarget(target);
  return side.rooms.handle(roomStream(roomId), context, async (room) => {
    await loadPeople(room, sender, target);
    requireJoined(room, sender);
    if (membershipOf(room, target) !== 'ban') {
      throw new MatrixError('M_FORBIDDEN', `${target} is not banned from the room.`);
    }
    return change(room, sender, target, { membership: 'leave', ...reasonOf(request) }, context, undefined);
  });
}

/** A member's profile as their account has it now, where it differs; nothing for who is not in the room. */
export async function updateMemberProfile(
  side: WriteSide,
  userId: string,
  roomId: string,
  context: CommandContext,
): Promise<Done<undefined>> {
  const profile = await side.profile(userId);
  return side.rooms.handle(roomStream(roomId), context, async (room) => {
    await loadPeople(room, userId);
    const current = room.state('m.room.member', userId);
    if (current?.content['membership'] !== 'join') return { records: [], result: undefined };
    // Why they were let in, and what they said, belongs to the join, not to what follows.
    const { displayname: _name, avatar_url: _avatar, reason: _reason, ...rest } = current.content;
    const { join_authorised_via_users_server: _authoriser, ...kept } = rest;
    return change(room, userId, userId, { ...kept, ...profile }, context, undefined);
  });
}

async function change<T>(
  room: RoomSession,
  sender: string,
  target: string,
  content: JsonObject,
  context: CommandContext,
  result: T,
  looseNumbers = false,
): Promise<Decision<T>> {
  const { record } = await newEvent(
    room,
    { type: 'm.room.member', sender, stateKey: target, content, looseNumbers },
    context,
  );
  return { records: record === undefined ? [] : [record], result };
}

async function loadPeople(room: RoomSession, ...people: readonly string[]): Promise<void> {
  const types = ['m.room.create', 'm.room.join_rules', 'm.room.power_levels', 'm.room.guest_access'];
  const keys = types.map((type) => ({ type, stateKey: '' }));
  await room.loadState([...keys, ...people.map((stateKey) => ({ type: 'm.room.member', stateKey }))]);
}

function membershipOf(room: RoomSession, userId: string): string | undefined {
  const membership = room.state('m.room.member', userId)?.content['membership'];
  return typeof membership === 'string' ? membership : undefined;
}

function requireJoined(room: RoomSession, userId: string): void {
  if (membershipOf(room, userId) !== 'join') throw refusedByRule('sender', `${userId} is not in the room.`);
}

/**
 * In a restricted room: a member of ours with the power to invite, if the user is in one of the rooms that the
 * join rule names (Client-Server API, Restricted rooms). `undefined` where the rule does not apply: the
 * authorization rules then have the say.
 */
async function restrictedJoinAuthoriser(room: RoomSession, userId: string): Promise<string | undefined> {
  const rules = room.state('m.room.join_rules', '')?.content;
  const rule = rules?.['join_rule'];
  const { auth } = room.version;
  const isRestricted =
    (rule === 'restricted' && auth.restricted) || (rule === 'knock_restricted' && auth.knockRestricted);
  if (!isRestricted || rules === undefined) return undefined;
  const { index, serverName: ours } = room.ports;
  const allow = Array.isArray(rules['allow']) ? (rules['allow'] as unknown[]) : [];
  const rooms = allow.flatMap((condition) =>
    isJsonObject(condition) &&
    condition['type'] === 'm.room_membership' &&
    typeof condition['room_id'] === 'string'
      ? [condition['room_id']]
      : [],
  );
  const joined = new Set(
    index
      .rooms(userId)
      .filter((entry) => entry.membership === 'join')
      .map((entry) => entry.roomId),
  );
  if (!rooms.some((roomId) => joined.has(roomId))) {
    throw new MatrixError('M_FORBIDDEN', 'You are in none of the rooms whose members may join this room.');
  }
  const authoriser = await memberWhoMayInvite(room, ours);
  if (authoriser === undefined) {
    throw new MatrixError('M_UNABLE_TO_GRANT_JOIN', 'No member of this server may invite to that room.');
  }
  return authoriser;
}

async function memberWhoMayInvite(room: RoomSession, server: string): Promise<string | undefined> {
  const create = room.state('m.room.create', '');
  const levels = powerLevels(room.state('m.room.power_levels', ''), create, room.version);
  // Who has a level of their own comes first: with the default level everybody would have to be asked.
  const candidates = [...levels.creators, ...levels.users.keys()].filter((id) => serverName(id) === server);
  for (const userId of candidates) {
    await loadPeople(room, userId);
    if (userLevel(levels, userId) >= levels.invite && membershipOf(room, userId) === 'join') return userId;
  }
  if (levels.usersDefault < levels.invite) return undefined;
  for (const userId of room.members()) {
    if (serverName(userId) !== server || userLevel(levels, userId) < levels.invite) continue;
    await loadPeople(room, userId);
    if (membershipOf(room, userId) === 'join') return userId;
  }
  return undefined;
}

/** Fields of a join's content with a meaning of their own: the server says them, or nobody does. */
const SERVERS_FIELDS = new Set([
  'membership',
  'displayname',
  'avatar_url',
  'reason',
  'join_authorised_via_users_server',
  'third_party_invite',
  'third_party_signed',
  'is_direct',
]);

function ownFields(content: JsonObject = {}): JsonObject {
  return Object.fromEntries(Object.entries(content).filter(([name]) => !SERVERS_FIELDS.has(name)));
}

function reasonOf(request: MembershipRequest): { reason?: string } {
  return request.reason === undefined ? {} : { reason: request.reason };
}

function checkTarget(target: string): void {
  if (!isUserId(target)) throw new MatrixError('M_INVALID_PARAM', `${target} is not a user ID.`);
}
