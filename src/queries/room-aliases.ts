import { MatrixError } from '../protocol/errors.js';
import { isRoomAlias } from '../protocol/identifiers.js';
import { roomAliases, roomSummaries } from '../read-models/collections.js';
import type { ReadSide } from './read-side.js';

/** The room that an alias names. @throws MatrixError M_NOT_FOUND */
export async function roomIdOf(side: ReadSide, alias: string): Promise<string> {
  if (!isRoomAlias(alias)) throw new MatrixError('M_INVALID_PARAM', `${alias} is not a room alias.`);
  // Aliases of other servers are in no directory of ours.
  const found = await side.store.collection(roomAliases).get([alias]);
  if (found === undefined) throw new MatrixError('M_NOT_FOUND', `There is no room alias ${alias}.`);
  return found.room_id;
}

/**
 * The room that a room ID or an alias names.
 *
 * @param side as of now, for an alias: an ID needs nothing to be read, nor waited for
 * @throws MatrixError M_NOT_FOUND for an alias that names none
 */
export async function resolveRoom(side: () => Promise<ReadSide>, roomIdOrAlias: string): Promise<string> {
  return roomIdOrAlias.startsWith('#') ? roomIdOf(await side(), roomIdOrAlias) : roomIdOrAlias;
}

/** The aliases of this server that name a room, in order. */
export async function aliasesOf(side: ReadSide, roomId: string): Promise<string[]> {
  const found = await side.store.collection(roomAliases).find({ prefix: [roomId] }, 'room');
  return found.map(({ alias }) => alias);
}

/** Whether the directory lists a room. @throws MatrixError M_NOT_FOUND for a room that is not known here */
export async function isListed(side: ReadSide, roomId: string): Promise<boolean> {
  const summary = await side.store.collection(roomSummaries).get([roomId]);
  if (summary === undefined) throw new MatrixError('M_NOT_FOUND', `The room ${roomId} is not known here.`);
  return summary.listed;
}
