import type { LoggedRecord } from '../log/log.js';
import type { RecordBody } from '../log/records.js';
import type { RoomEvent } from '../protocol/events.js';
import { serverName } from '../protocol/identifiers.js';
import { isJsonObject, type JsonObject } from '../protocol/json.js';
import { withSuccessor } from '../protocol/push-rules/edit.js';
import { accountDataKey, userStream, type ActiveUser } from './aggregates/user.js';
import { roomStream } from './aggregates/room.js';
import type { CommandContext, Done } from './command.js';
import { recorded, userRules } from './push-rules.js';
import type { RoomSession } from './room/room-session.js';
import type { WriteSide } from './write-side.js';

/** The room that a create event says its room replaces. */
export function predecessorIn(create: RoomEvent | undefined): string | undefined {
  const predecessor = create?.content['predecessor'];
  const roomId = isJsonObject(predecessor) ? predecessor['room_id'] : undefined;
  return typeof roomId === 'string' ? roomId : undefined;
}

/**
 * Takes a user's settings of a room along to the one that replaces it: tags, whether it is a direct chat, and the
 * push rule for it (Client-Server API, Room Upgrades: "When a user joins the new room"). Only where the old room says
 * that it was replaced by that one, and only what the user has not set there already.
 */
export async function carrySettings(
  side: WriteSide,
  userId: string,
  from: string,
  to: string,
  context: CommandContext,
): Promise<Done<boolean>> {
  const replaced = await isReplacedBy(side, from, to, context);
  return side.users.handle(userStream(userId), context, (user) => {
    if (!replaced || user.kind !== 'active') return { records: [], result: false };
    const records = [
      ...carriedTags(user, from, to),
      ...carriedDirect(user, from, to),
      ...carriedRule(user, from, to),
    ];
    return { records, result: true };
  });
}

/**
 * The same for what has happened: somebody of ours has joined a room that replaces another, or ended a room by their
 * tombstone, and is in the new one from its beginning.
 *
 * @returns whether it was that: it is not to be done again when they have changed their mind
 */
export async function carryToSuccessor(
  side: WriteSide,
  record: LoggedRecord,
  context: CommandContext,
): Promise<boolean> {
  if (record.type !== 'room.event.accepted') return false;
  const { type } = record.data.event;
  if (type !== 'm.room.member' && type !== 'm.room.tombstone') return false;
  const { result: move } = await side.rooms.handle(record.stream, context, async (room) => ({
    records: [],
    result: type === 'm.room.member' ? await joinAfterUpgrade(room, record) : await ending(room, record),
  }));
  if (move === undefined || serverName(move.userId) !== side.ports.serverName) return false;
  return (await carrySettings(side, move.userId, move.from, move.to, context)).result;
}

interface Move {
  readonly userId: string;
  readonly from: string;
  readonly to: string;
}

type Accepted = Extract<LoggedRecord, { readonly type: 'room.event.accepted' }>;

async function joinAfterUpgrade(room: RoomSession, { data }: Accepted): Promise<Move | undefined> {
  await room.loadState([{ type: 'm.room.create', stateKey: '' }]);
  const from = predecessorIn(room.state('m.room.create', ''));
  const entry = data.current?.delta.find(({ event_id }) => event_id === data.event_id);
  if (from === undefined || entry === undefined) return undefined;
  await room.load([data.event_id, ...(entry.replaces === null ? [] : [entry.replaces])]);
  const membership = (id: string | null) => (id === null ? undefined : room.event(id)?.content['membership']);
  if (membership(data.event_id) !== 'join' || membership(entry.replaces) === 'join') return undefined;
  return { userId: entry.state_key, from, to: room.roomId };
}

async function ending(room: RoomSession, { data }: Accepted): Promise<Move | undefined> {
  await room.load([data.event_id]);
  const event = room.event(data.event_id);
  const to = event?.content['replacement_room'];
  return event === undefined || typeof to !== 'string'
    ? undefined
    : { userId: event.sender, from: room.roomId, to };
}

/** Whether a room's tombstone names another one, of which we have a part too. */
async function isReplacedBy(
  side: WriteSide,
  roomId: string,
  by: string,
  context: CommandContext,
): Promise<boolean> {
  if (roomId === by) return false;
  const { result } = await side.rooms.handle(roomStream(roomId), context, async (room) => {
    if (room.snapshot.graph === undefined) return { records: [], result: undefined };
    await room.loadState([{ type: 'm.room.tombstone', stateKey: '' }]);
    return { records: [], result: room.state('m.room.tombstone', '')?.content['replacement_room'] };
  });
  return result === by;
}

function carriedTags(user: ActiveUser, from: string, to: string): RecordBody[] {
  const tags = user.accountData.get(accountDataKey(from, 'm.tag'))?.content;
  if (tags === undefined || user.accountData.has(accountDataKey(to, 'm.tag'))) return [];
  return [changed(to, 'm.tag', tags)];
}

/** `m.direct`: with whom a chat is, and which rooms are. */
function carriedDirect(user: ActiveUser, from: string, to: string): RecordBody[] {
  const direct = user.accountData.get(accountDataKey(null, 'm.direct'))?.content ?? {};
  const follows = (rooms: unknown): rooms is unknown[] =>
    Array.isArray(rooms) && rooms.includes(from) && !rooms.includes(to);
  if (!Object.values(direct).some(follows)) return [];
  const next = Object.entries(direct).map(([userId, rooms]) => [
    userId,
    follows(rooms) ? [...rooms, to] : rooms,
  ]);
  return [changed(null, 'm.direct', Object.fromEntries(next) as Record<string, unknown>)];
}

function carriedRule(user: ActiveUser, from: string, to: string): RecordBody[] {
  const rules = userRules(
    (user.accountData.get(accountDataKey(null, 'm.push_rules'))?.content ?? {}) as JsonObject,
  );
  const next = withSuccessor(rules, from, to);
  return next === rules ? [] : [changed(null, 'm.push_rules', recorded(next))];
}

function changed(
  roomId: string | null,
  type: string,
  content: Readonly<Record<string, unknown>>,
): RecordBody {
  return {
    type: 'account_data.changed',
    version: 1,
    data: { room_id: roomId, type, content: { ...content } },
  };
}
