import { compileEventFilter } from '../protocol/filters.js';
import { accountData, memberships, roomSummaries, type Membership } from '../read-models/collections.js';
import { clientEvent, jsonArray } from './client-events.js';
import { eventPage } from './event-page.js';
import { oldEvent, oldNotice, oldPresence } from './old-format.js';
import type { ReadSide, Viewer } from './read-side.js';
import { eventsById, eyesOf, readingLimit, rootAt, stateOf } from './room-history.js';
import { sightOf } from './sight.js';
import { ignoredUsers, shownContent } from './sync/account-data-part.js';
import { receiptsSince } from './sync/ephemeral-part.js';
import { usersWithNewPresence } from './sync/presence-part.js';
import { printToken, timelineToken, type SyncToken } from './tokens.js';

const EVERYTHING = compileEventFilter(undefined);
const MOST_EVENTS = 100;
/** How many members of a room are told with their presence: of larger ones, those who come first by user ID. */
const MOST_MEMBERS = 100;
const NOBODY_NEW = { entered: new Set<string>(), newcomers: new Set<string>() };

/**
 * `GET /rooms/{roomId}/initialSync`, as JSON text: a room's state and newest events, as of now for its members and
 * where everybody may look in, as of their leaving for former members (Client-Server API, Room previews).
 *
 * @throws MatrixError M_FORBIDDEN
 */
export async function roomInitialSync(
  side: ReadSide,
  viewer: Viewer,
  roomId: string,
  limit: number,
): Promise<string> {
  const now = tokenOfNow(side);
  const { until } = await readingLimit(side, viewer.userId, roomId);
  const members = await roomMembers(side, viewer, { roomId, limit, until, now });
  const presence = until === undefined ? await membersPresence(side, roomId) : [];
  const receipts = until === undefined ? await receiptsOf(side, viewer, roomId, now) : [];
  const own = (await side.joinedRooms.of(viewer.userId)).get(roomId)?.membership;
  return object([
    ...members,
    // The specification's list of memberships has no knock, and nothing for who never had to do with the room.
    ...(own === undefined || own === 'knock' ? [] : [`"membership":"${own}"`]),
    `"presence":${jsonArray(presence)}`,
    `"receipts":${jsonArray(receipts)}`,
  ]);
}

/**
 * `GET /initialSync`, as JSON text: all of a user's rooms, with the token from which `/events` goes on.
 *
 * Cost: all there is of every room.
 */
export async function initialSync(
  side: ReadSide,
  viewer: Viewer,
  { limit, archived }: { readonly limit: number; readonly archived: boolean },
): Promise<string> {
  const { userId } = viewer;
  side.presence.synced(userId, 'online');
  const now = tokenOfNow(side);
  const ignored = await ignoredUsers(side, userId);
  const memberships = await side.joinedRooms.of(userId);
  const rooms: string[] = [];
  const receipts: string[] = [];
  for (const own of memberships.values()) {
    const { room_id: roomId, membership } = own;
    if (membership === 'join') {
      const members = await roomMembers(side, viewer, { roomId, limit, until: undefined, now });
      rooms.push(object([...members, '"membership":"join"']));
      receipts.push(...(await receiptsOf(side, viewer, roomId, now)));
    } else if (membership === 'invite') {
      if (!ignored.has(own.sender)) rooms.push(await invitedRoom(side, own));
    } else if (membership !== 'knock' && archived && !own.forgotten) {
      rooms.push(await leftRoom(side, viewer, own, limit, now));
    }
  }
  const view = { viewer, since: undefined, rooms: memberships, ignored };
  const people = new Set([userId, ...(await usersWithNewPresence(side, view, NOBODY_NEW))]);
  const time = side.clock.now();
  const presence = [...people].map((id) => oldPresence(id, side.presence.of(id), time));
  return object([
    `"end":${JSON.stringify(printToken(now))}`,
    `"rooms":${jsonArray(rooms)}`,
    `"presence":${jsonArray(presence)}`,
    `"receipts":${jsonArray(receipts)}`,
    `"account_data":${jsonArray(await accountDataOf(side, userId, ''))}`,
  ]);
}

interface RoomRequest {
  readonly roomId: string;
  readonly limit: number;
  /** The position at which the viewer left; absent: they are there. */
  readonly until: number | undefined;
  readonly now: SyncToken;
}

/** What is told of a room by both endpoints, as members of a JSON object. */
async function roomMembers(
  side: ReadSide,
  viewer: Viewer,
  { roomId, limit, until, now }: RoomRequest,
): Promise<string[]> {
  const to = until ?? now.position;
  const state = await stateOf(side, roomId, await rootAt(side, roomId, to));
  const sight = await sightOf(side, viewer, roomId);
  const reader = { ...sight, filter: EVERYTHING };
  const stretch = { roomId, backwards: true, from: to };
  const page =
    limit === 0
      ? { events: [], next: to }
      : await eventPage(side, stretch, reader, Math.min(limit, MOST_EVENTS));
  const chunk = [...page.events]
    .reverse()
    .map((event) => oldEvent(clientEvent(event, viewer, sight.now), event.sender));
  const start = JSON.stringify(timelineToken(page.next, side.epoch));
  const end = JSON.stringify(until === undefined ? printToken(now) : timelineToken(until, side.epoch));
  const summary = await side.store.collection(roomSummaries).get([roomId]);
  return [
    `"room_id":${JSON.stringify(roomId)}`,
    `"state":${jsonArray(state.map(({ json, sender }) => oldEvent(json, sender)))}`,
    `"messages":{"start":${start},"end":${end},"chunk":${jsonArray(chunk)}}`,
    `"visibility":"${summary?.listed === true ? 'public' : 'private'}"`,
    `"account_data":${jsonArray(await accountDataOf(side, viewer.userId, roomId))}`,
  ];
}

/** A room that was left; of one that the viewer was never in, no more than that. */
async function leftRoom(
  side: ReadSide,
  viewer: Viewer,
  own: Membership,
  limit: number,
  now: SyncToken,
): Promise<string> {
  const { room_id: roomId, membership, position: until } = own;
  const { changes } = await eyesOf(side, viewer.userId, roomId);
  const wasIn = changes.some((change) => change.membership === 'join');
  const members = wasIn
    ? await roomMembers(side, viewer, { roomId, limit, until, now })
    : [`"room_id":${JSON.stringify(roomId)}`];
  return object([...members, `"membership":"${membership}"`]);
}

async function invitedRoom(side: ReadSide, own: Membership): Promise<string> {
  const [invite] = await eventsById(side, own.room_id, [own.event_id]);
  return object([
    `"room_id":${JSON.stringify(own.room_id)}`,
    '"membership":"invite"',
    `"inviter":${JSON.stringify(own.sender)}`,
    ...(invite === undefined ? [] : [`"invite":${oldEvent(invite.json, invite.sender)}`]),
  ]);
}

async function membersPresence(side: ReadSide, roomId: string): Promise<string[]> {
  const range = { prefix: [roomId, 'join'], limit: MOST_MEMBERS };
  const found = await side.store.collection(memberships).find(range, 'room');
  const time = side.clock.now();
  return found.map(({ user_id: userId }) => oldPresence(userId, side.presence.of(userId), time));
}

async function receiptsOf(side: ReadSide, viewer: Viewer, roomId: string, to: SyncToken): Promise<string[]> {
  const content = await receiptsSince(side, { viewer, to }, roomId, undefined);
  return content === undefined ? [] : [oldNotice('m.receipt', JSON.stringify(content), roomId)];
}

/** What the user has set: push rules only if they changed some. */
async function accountDataOf(side: ReadSide, userId: string, roomId: string): Promise<string[]> {
  const found = await side.store.collection(accountData).find({ prefix: [userId, roomId] });
  return found.map((entry) => oldNotice(entry.type, shownContent(entry, userId)));
}

/** From here `/events` goes on. */
function tokenOfNow({ counter, positions, epoch }: ReadSide): SyncToken {
  return { ephemeral: counter.value, position: positions.processed, epoch };
}

function object(members: readonly string[]): string {
  return `{${members.join(',')}}`;
}
