import { MatrixError } from '../protocol/errors.js';
import { isRoomAlias, localpart, serverName } from '../protocol/identifiers.js';
import { canSend, powerLevels } from '../protocol/power-levels.js';
import { aliasStream } from './aggregates/alias.js';
import { roomStream } from './aggregates/room.js';
import type { CommandContext, Done } from './command.js';
import { newEvent } from './room/new-event.js';
import type { RoomSession } from './room/room-session.js';
import type { WriteSide } from './write-side.js';

/** The full alias for a local part that a client chose. @throws MatrixError M_INVALID_PARAM */
export function newRoomAlias(localpart: string, server: string): string {
  const alias = `#${localpart}:${server}`;
  if (localpart === '' || /[\s:\p{Cc}]/u.test(localpart) || !isRoomAlias(alias)) {
    throw new MatrixError('M_INVALID_PARAM', 'This cannot be the local part of a room alias.');
  }
  return alias;
}

/** A room is made at once after its alias; one that is not there after this time (milliseconds) never came about. */
const ROOM_DUE_AFTER = 60_000;

/**
 * Takes an alias for a room. One whose room never came about, since the server ended in between, is free again.
 *
 * @throws MatrixError M_ROOM_IN_USE when it is taken
 */
export function takeAlias(
  side: WriteSide,
  alias: string,
  roomId: string,
  by: string,
  context: CommandContext,
): Promise<Done<undefined>> {
  return side.aliases.handle(aliasStream(alias), context, async (current) => {
    if (current.kind === 'taken') {
      const isRecent = Math.abs(context.now - current.at) < ROOM_DUE_AFTER;
      if (isRecent || (await side.ports.log.revision(roomStream(current.roomId))) >= 0)
        throw new MatrixError('M_ROOM_IN_USE', `The room alias ${alias} is taken.`);
    }
    const data = { alias, room_id: roomId, by };
    return { records: [{ type: 'room.alias.created', version: 1, data }], result: undefined };
  });
}

/** `PUT /directory/room/{roomAlias}`: by somebody who is in the room. */
export async function createAlias(
  side: WriteSide,
  alias: string,
  roomId: string,
  by: string,
  context: CommandContext,
): Promise<Done<undefined>> {
  checkOurs(side, alias);
  newRoomAlias(localpart(alias), side.ports.serverName);
  await side.rooms.handle(roomStream(roomId), context, async (room) => {
    if (room.snapshot.graph === undefined)
      throw new MatrixError('M_NOT_FOUND', `The room ${roomId} is not known here.`);
    await room.loadState([{ type: 'm.room.member', stateKey: by }]);
    if (room.state('m.room.member', by)?.content['membership'] !== 'join') {
      throw new MatrixError('M_FORBIDDEN', 'Only members of the room may give it an alias.');
    }
    return { records: [], result: undefined };
  });
  return takeAlias(side, alias, roomId, by, context).catch((error: unknown) => {
    if (!(error instanceof MatrixError) || error.code !== 'M_ROOM_IN_USE') throw error;
    // The endpoint's own wording of the same refusal (Client-Server API, PUT /directory/room/{roomAlias}: 409).
    throw new MatrixError('M_UNKNOWN', error.message, { status: 409 });
  });
}

/**
 * `DELETE /directory/room/{roomAlias}`: by who made it, or by who may set the room's canonical alias. It is then taken
 * out of the canonical alias event too, if who deletes it may change that (Client-Server API, Room aliases).
 */
export async function deleteAlias(
  side: WriteSide,
  alias: string,
  by: string,
  context: CommandContext,
): Promise<Done<undefined>> {
  checkOurs(side, alias);
  const deleted = await side.aliases.handle(aliasStream(alias), context, async (current) => {
    if (current.kind === 'free') throw new MatrixError('M_NOT_FOUND', `There is no room alias ${alias}.`);
    if (current.creator !== by && !(await maySetCanonicalAlias(side, current.roomId, by, context))) {
      throw new MatrixError(
        'M_FORBIDDEN',
        'Only who made the alias, or moderators of the room, may delete it.',
      );
    }
    const data = { alias, room_id: current.roomId, by };
    return { records: [{ type: 'room.alias.deleted', version: 1, data }], result: current.roomId };
  });
  const { result: roomId, position } = deleted;
  try {
    return await withdrawAlias(side, roomId, alias, by, context);
  } catch (error) {
    // The alias is gone all the same.
    if (error instanceof MatrixError) return { result: undefined, position };
    throw error;
  }
}

/** Takes an alias out of the room's canonical alias event, where it is in there. */
function withdrawAlias(
  side: WriteSide,
  roomId: string,
  alias: string,
  by: string,
  context: CommandContext,
): Promise<Done<undefined>> {
  return side.rooms.handle(roomStream(roomId), context, async (room) => {
    if (room.snapshot.graph === undefined) return { records: [], result: undefined };
    await room.loadState([{ type: 'm.room.canonical_alias', stateKey: '' }]);
    const before = room.state('m.room.canonical_alias', '')?.content ?? {};
    const { alias: main, ...withoutMain } = before;
    const others = before['alt_aliases'];
    const isAmongOthers = Array.isArray(others) && others.includes(alias);
    if (main !== alias && !isAmongOthers) return { records: [], result: undefined };
    const content = {
      ...(main === alias ? withoutMain : before),
      ...(isAmongOthers ? { alt_aliases: others.filter((other) => other !== alias) } : {}),
    };
    const draft = { type: 'm.room.canonical_alias', stateKey: '', sender: by, content };
    const { record } = await newEvent(room, draft, context);
    return { records: record === undefined ? [] : [record], result: undefined };
  });
}

/** `PUT /directory/list/room/{roomId}`: by who may set the room's canonical alias. */
export function setVisibility(
  side: WriteSide,
  roomId: string,
  visibility: 'public' | 'private',
  by: string,
  context: CommandContext,
): Promise<Done<undefined>> {
  return side.rooms.handle(roomStream(roomId), context, async (room) => {
    if (!(await mayModerateAliases(room, by))) {
      throw new MatrixError(
        'M_FORBIDDEN',
        'Only who may set the canonical alias may list or unlist the room.',
      );
    }
    if (room.snapshot.visibility === visibility) return { records: [], result: undefined };
    const data = { visibility, by };
    return { records: [{ type: 'room.visibility.changed', version: 1, data }], result: undefined };
  });
}

async function maySetCanonicalAlias(
  side: WriteSide,
  roomId: string,
  by: string,
  context: CommandContext,
): Promise<boolean> {
  const done = await side.rooms.handle(roomStream(roomId), context, async (room) => ({
    records: [],
    result: room.snapshot.graph !== undefined && (await mayModerateAliases(room, by)),
  }));
  return done.result;
}

async function mayModerateAliases(room: RoomSession, userId: string): Promise<boolean> {
  const member = { type: 'm.room.member', stateKey: userId };
  const levels = { type: 'm.room.power_levels', stateKey: '' };
  await room.loadState([{ type: 'm.room.create', stateKey: '' }, levels, member]);
  if (room.state('m.room.member', userId)?.content['membership'] !== 'join') return false;
  const create = room.state('m.room.create', '');
  const parsed = powerLevels(room.state('m.room.power_levels', ''), create, room.version);
  return canSend(parsed, userId, 'm.room.canonical_alias', true);
}

function checkOurs(side: WriteSide, alias: string): void {
  if (!isRoomAlias(alias)) throw new MatrixError('M_INVALID_PARAM', `${alias} is not a room alias.`);
  if (serverName(alias) !== side.ports.serverName) {
    throw new MatrixError('M_INVALID_PARAM', `The alias ${alias} belongs to another server.`);
  }
}
