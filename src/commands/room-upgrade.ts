import { MatrixError } from '../protocol/errors.js';
import type { JsonObject } from '../protocol/json.js';
import { isJsonObject } from '../protocol/json.js';
import { powerLevels, requiredLevel, userLevel } from '../protocol/power-levels.js';
import { roomVersion, type RoomVersion } from '../protocol/room-versions.js';
import { aliasStream } from './aggregates/alias.js';
import { roomStream } from './aggregates/room.js';
import type { CommandContext, Done } from './command.js';
import { createRoom, type CreateRoomRequest } from './create-room.js';
import { newEvent } from './room/new-event.js';
import type { RoomSession } from './room/room-session.js';
import { sendState } from './room-send.js';
import type { WriteSide } from './write-side.js';

/** What the specification says is to be carried over (Client-Server API, Room Upgrades, Server behaviour 3 and 4). */
const CARRIED = [
  'm.room.server_acl',
  'm.room.encryption',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.guest_access',
  'm.room.history_visibility',
  'm.room.join_rules',
];

interface OldRoom {
  readonly lastEvent: string;
  readonly create: JsonObject;
  readonly carried: readonly { type: string; content: JsonObject }[];
  readonly bans: readonly { userId: string; content: JsonObject }[];
  readonly powerLevels: JsonObject;
  readonly aliases: JsonObject | undefined;
  readonly isListed: boolean;
}

/**
 * `POST /rooms/{roomId}/upgrade`: a new room that continues the old one, and a tombstone in the old one
 * (Client-Server API, Room Upgrades). Every step can be repeated; a crash in between leaves a new room that
 * nothing points to, and the old one in use.
 */
export async function upgradeRoom(
  side: WriteSide,
  sender: string,
  deviceId: string,
  roomId: string,
  newVersion: string,
  additionalCreators: readonly string[] | undefined,
  context: CommandContext,
): Promise<Done<{ replacement_room: string }>> {
  const version = roomVersion(newVersion);
  if (version === undefined) {
    throw new MatrixError('M_UNSUPPORTED_ROOM_VERSION', `Room version ${newVersion} is not supported.`);
  }
  const { result: old } = await side.rooms.handle(roomStream(roomId), context, async (room) => ({
    records: [],
    result: await readOldRoom(room, sender),
  }));
  const request = replacementRequest(old, roomId, version, sender, additionalCreators);
  const created = await createRoom(side, sender, request, newVersion, context);
  const replacement = created.result.room_id;
  for (const { userId, content } of old.bans) {
    const ban = { type: 'm.room.member', stateKey: userId, content };
    await sendState(side, { userId: sender, deviceId }, replacement, ban, context);
  }
  const tombstone = { body: 'This room has been replaced.', replacement_room: replacement };
  await sendState(
    side,
    { userId: sender, deviceId },
    roomId,
    { type: 'm.room.tombstone', stateKey: '', content: tombstone },
    context,
  );
  await moveAliases(side, old, sender, roomId, replacement, context);
  const done = await restrictOldRoom(side, sender, roomId, context);
  return { result: { replacement_room: replacement }, position: Math.max(done.position, created.position) };
}

async function readOldRoom(room: RoomSession, sender: string): Promise<OldRoom> {
  const keys = [...CARRIED, 'm.room.create', 'm.room.power_levels', 'm.room.canonical_alias'].map((type) => ({
    type,
    stateKey: '',
  }));
  const people = [...room.members()].map((stateKey) => ({ type: 'm.room.member', stateKey }));
  await room.loadState([...keys, ...people]);
  const content = (type: string) => room.state(type, '')?.content;
  const create = room.state('m.room.create', '');
  const levels = powerLevels(room.state('m.room.power_levels', ''), create, room.version);
  if (
    room.state('m.room.member', sender)?.content['membership'] !== 'join' ||
    userLevel(levels, sender) < requiredLevel(levels, 'm.room.tombstone', true)
  ) {
    throw new MatrixError('M_FORBIDDEN', 'Upgrading the room needs the power to send m.room.tombstone.');
  }
  return {
    lastEvent: room.graph.extremities.at(-1) ?? room.graph.createEventId,
    create: create?.content ?? {},
    carried: CARRIED.flatMap((type) => {
      const found = content(type);
      return found === undefined ? [] : [{ type, content: found }];
    }),
    bans: people.flatMap(({ stateKey: userId }) => {
      const member = room.state('m.room.member', userId)?.content;
      return member?.['membership'] === 'ban' ? [{ userId, content: member }] : [];
    }),
    powerLevels: content('m.room.power_levels') ?? {},
    aliases: content('m.room.canonical_alias'),
    isListed: room.snapshot.visibility === 'public',
  };
}

function replacementRequest(
  old: OldRoom,
  roomId: string,
  version: RoomVersion,
  sender: string,
  additionalCreators: readonly string[] | undefined,
): CreateRoomRequest {
  const {
    creator: _creator,
    predecessor: _predecessor,
    room_version: _version,
    additional_creators: _others,
    ...kept
  } = old.create;
  const creators = version.auth.privilegedCreators ? (additionalCreators ?? []) : [];
  return {
    room_version: version.id,
    preset: 'private_chat',
    visibility: old.isListed ? 'public' : 'private',
    creation_content: {
      ...kept,
      // Version 12's predecessor names no event; the older ones do.
      predecessor: version.auth.privilegedCreators
        ? { room_id: roomId }
        : { room_id: roomId, event_id: old.lastEvent },
      ...(creators.length > 0 ? { additional_creators: [...creators] } : {}),
    },
    initial_state: old.carried,
    power_level_content_override: carriedPowerLevels(old, version, [sender, ...creators]),
  };
}

/** The old levels; who upgraded keeps theirs, and in version 12 creators are not listed. */
function carriedPowerLevels(old: OldRoom, version: RoomVersion, creators: readonly string[]): JsonObject {
  const users = isJsonObject(old.powerLevels['users']) ? Object.entries(old.powerLevels['users']) : [];
  const events = isJsonObject(old.powerLevels['events']) ? old.powerLevels['events'] : {};
  if (!version.auth.privilegedCreators) {
    const levels = new Map(users);
    // A creator of version 12 has no level to carry over: the new room would be nobody's.
    for (const creator of creators) if (!levels.has(creator)) levels.set(creator, 100);
    return { ...old.powerLevels, users: Object.fromEntries(levels) };
  }
  return {
    ...old.powerLevels,
    users: Object.fromEntries(users.filter(([userId]) => !creators.includes(userId))),
    events: { ...events, 'm.room.tombstone': 150 },
  };
}

/** Local aliases follow to the new room, and its canonical alias with them. */
async function moveAliases(
  side: WriteSide,
  old: OldRoom,
  sender: string,
  roomId: string,
  replacement: string,
  context: CommandContext,
): Promise<void> {
  if (old.aliases === undefined) return;
  const { alias, alt_aliases: others } = old.aliases;
  const all = [alias, ...(Array.isArray(others) ? (others as unknown[]) : [])];
  for (const one of all) {
    if (typeof one !== 'string') continue;
    await side.aliases.handle(aliasStream(one), context, (current) => {
      if (current.kind !== 'taken' || current.roomId !== roomId) return { records: [], result: undefined };
      const data = { alias: one, room_id: replacement, by: current.creator };
      return { records: [{ type: 'room.alias.created', version: 1, data }], result: undefined };
    });
  }
  const send = (room: string, content: JsonObject) =>
    side.rooms.handle(roomStream(room), context, async (session) => {
      const draft = { type: 'm.room.canonical_alias', sender, stateKey: '', content };
      const { record } = await newEvent(session, draft, context);
      return { records: record === undefined ? [] : [record], result: undefined };
    });
  await send(replacement, old.aliases).catch(ignoreRefusal);
  await send(roomId, {}).catch(ignoreRefusal);
}

/** Nobody should go on in the old room: speaking and inviting take a moderator (Room Upgrades, 7; "if possible"). */
function restrictOldRoom(
  side: WriteSide,
  sender: string,
  roomId: string,
  context: CommandContext,
): Promise<Done<undefined>> {
  return side.rooms.handle(roomStream(roomId), context, async (room) => {
    const key = { type: 'm.room.power_levels', stateKey: '' };
    await room.loadState([key]);
    const content = room.state(key.type, '')?.content;
    if (content === undefined) return { records: [], result: undefined };
    const level = Math.max(50, number(content['users_default']) + 1);
    const raised = {
      ...content,
      events_default: Math.max(level, number(content['events_default'])),
      invite: Math.max(level, number(content['invite'])),
    };
    try {
      const { record } = await newEvent(room, { ...key, sender, content: raised }, context);
      return { records: record === undefined ? [] : [record], result: undefined };
    } catch (error) {
      ignoreRefusal(error);
      return { records: [], result: undefined };
    }
  });
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function ignoreRefusal(error: unknown): void {
  if (!(error instanceof MatrixError)) throw error;
}
