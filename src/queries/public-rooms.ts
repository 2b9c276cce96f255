import { MatrixError } from '../protocol/errors.js';
import { roomSummaries, type RoomSummary } from '../read-models/collections.js';
import type { Range } from '../read-models/store.js';
import type { ReadSide } from './read-side.js';

/** `GET` and `POST /publicRooms`, checked in form. */
export interface PublicRoomsRequest {
  readonly limit: number | undefined;
  readonly since: string | undefined;
  /** Looked for in name, topic and alias, whatever the case. */
  readonly searchTerm: string | undefined;
  /** Absent: all; `null` is the type of rooms without one. */
  readonly roomTypes: readonly (string | null)[] | undefined;
}

/** A room of the published directory, in the specification's names. */
export interface PublicRoom {
  readonly room_id: string;
  readonly num_joined_members: number;
  readonly world_readable: boolean;
  readonly guest_can_join: boolean;
  readonly join_rule: string;
  readonly name?: string;
  readonly topic?: string;
  readonly avatar_url?: string;
  readonly canonical_alias?: string;
  readonly room_type?: string;
}

export interface PublicRoomsPage {
  readonly chunk: readonly PublicRoom[];
  readonly next_batch?: string;
  readonly prev_batch?: string;
  readonly total_room_count_estimate: number;
}

const DEFAULT_LIMIT = 100;
const MOST_ROOMS = 500;
const READ = 200;

/** A place in the directory: before or after the room with this many members. */
interface Place {
  readonly forwards: boolean;
  readonly joined: number;
  readonly roomId: string;
}

/**
 * A page of the published rooms of this server, those with most members first (Client-Server API, Published room
 * directory). Cost: as many reads as rooms are told, but a search looks through all of them.
 *
 * @throws MatrixError M_INVALID_PARAM for a token that is none
 */
export async function publicRooms(side: ReadSide, request: PublicRoomsRequest): Promise<PublicRoomsPage> {
  const limit = Math.min(request.limit ?? DEFAULT_LIMIT, MOST_ROOMS);
  const since = request.since === undefined ? undefined : parsePlace(request.since);
  const forwards = since?.forwards ?? true;
  const matches = matcher(request);
  const found: RoomSummary[] = [];
  let at: Place | undefined = since;
  for (;;) {
    const page = await readOn(side, at, forwards);
    found.push(...page.filter(matches));
    const last = page.at(-1);
    if (found.length > limit || last === undefined || page.length < READ) break;
    at = placeOf(last, forwards);
  }
  const page = found.slice(0, limit);
  const [first, last] = forwards ? [page[0], page.at(-1)] : [page.at(-1), page[0]];
  const hasMore = found.length > limit;
  // Where one came from there was something, or the token would not be.
  const hasNext = forwards ? hasMore : since !== undefined;
  const hasPrevious = forwards ? since !== undefined : hasMore;
  return {
    chunk: (forwards ? page : page.reverse()).map(publicRoom),
    ...(hasNext && last !== undefined ? { next_batch: printPlace(placeOf(last, true)) } : {}),
    ...(hasPrevious && first !== undefined ? { prev_batch: printPlace(placeOf(first, false)) } : {}),
    total_room_count_estimate: await side.store.collection(roomSummaries).count({ prefix: [] }, 'directory'),
  };
}

/** A room's summary as the directory and the summary API tell it. */
export function publicRoom(summary: RoomSummary): PublicRoom {
  const { room_id, joined, join_rule, name, topic, avatar_url, canonical_alias, room_type } = summary;
  return {
    room_id,
    num_joined_members: joined,
    world_readable: summary.history_visibility === 'world_readable',
    guest_can_join: summary.guest_access === 'can_join',
    join_rule,
    ...(name === undefined ? {} : { name }),
    ...(topic === undefined ? {} : { topic }),
    ...(avatar_url === undefined ? {} : { avatar_url }),
    ...(canonical_alias === undefined ? {} : { canonical_alias }),
    ...(room_type === undefined ? {} : { room_type }),
  };
}

function matcher({ searchTerm, roomTypes }: PublicRoomsRequest): (summary: RoomSummary) => boolean {
  const term = searchTerm?.toLowerCase() ?? '';
  const types = roomTypes === undefined ? undefined : new Set(roomTypes);
  return ({ name, topic, canonical_alias, room_type }) =>
    (types?.has(room_type ?? null) ?? true) &&
    (term === '' || [name, topic, canonical_alias].some((text) => text?.toLowerCase().includes(term)));
}

function readOn(side: ReadSide, at: Place | undefined, forwards: boolean): Promise<RoomSummary[]> {
  const key = at === undefined ? undefined : [-at.joined, at.roomId];
  const range: Range = {
    prefix: [],
    ...(key === undefined ? {} : forwards ? { after: key } : { before: key }),
    reverse: !forwards,
    limit: READ,
  };
  return side.store.collection(roomSummaries).find(range, 'directory');
}

function placeOf({ joined, room_id: roomId }: RoomSummary, forwards: boolean): Place {
  return { forwards, joined, roomId };
}

function printPlace({ forwards, joined, roomId }: Place): string {
  return Buffer.from(`${forwards ? 'n' : 'p'}${joined} ${roomId}`, 'utf8').toString('base64url');
}

const PLACE = /^([np])(\d{1,16}) (!.{0,255})$/u;

function parsePlace(token: string): Place {
  const [, direction, joined, roomId] = PLACE.exec(Buffer.from(token, 'base64url').toString('utf8')) ?? [];
  if (roomId === undefined) {
    throw new MatrixError('M_INVALID_PARAM', '"since" is not a token that this server gave out.');
  }
  return { forwards: direction === 'n', joined: Number(joined), roomId };
}
