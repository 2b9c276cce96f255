import { MatrixError } from '../protocol/errors.js';
import type { RoomEvent } from '../protocol/events.js';
import type { JsonObject } from '../protocol/json.js';
import { powerLevels, requiredLevel, userLevel, type PowerLevels } from '../protocol/power-levels.js';
import { roomVersion, type RoomVersion } from '../protocol/room-versions.js';
import { aliasStream } from './aggregates/alias.js';
import { roomStream } from './aggregates/room.js';
import type { CommandContext, Done } from './command.js';
import { carriedPowerLevels } from './carried-power-levels.js';
import { createRoom, newRoomId, type CreateRoomRequest } from './create-room.js';
import { carrySettings } from './room-successor.js';
import { newEvent, type EventDraft } from './room/new-event.js';
import { receiveEvent } from './room/receive-event.js';
import type { RoomSession } from './room/room-session.js';
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

/** What the absence of a state means, where the new room would have it otherwise. */
const WHERE_ABSENT: ReadonlyMap<string, JsonObject> = new Map([
  ['m.room.guest_access', { guest_access: 'forbidden' }],
]);

interface OldRoom {
  /** The event that will end the room, where it can be made before the new room is there. */
  readonly tombstone: RoomEvent | undefined;
  readonly create: JsonObject;
  readonly carried: readonly { type: string; content: JsonObject }[];
  readonly bans: readonly { type: string; state_key: string; content: JsonObject }[];
  readonly powerLevels: { readonly content: JsonObject; readonly levels: PowerLevels };
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
  roomId: string,
  newVersion: string,
  additionalCreators: readonly string[] | undefined,
  context: CommandContext,
): Promise<Done<{ replacement_room: string }>> {
  const version = roomVersion(newVersion);
  if (version === undefined) {
    throw new MatrixError('M_UNSUPPORTED_ROOM_VERSION', `Room version ${newVersion} is not supported.`);
  }
  // From version 12 on a room's ID is not known before the room is there.
  const reserved = version.roomIds === 'create_event' ? undefined : newRoomId(side);
  const { result: old } = await side.rooms.handle(roomStream(roomId), context, async (room) => ({
    records: [],
    result: await readOldRoom(room, sender, reserved, context),
  }));
  const request = replacementRequest(old, roomId, version, sender, additionalCreators);
  const created = await createRoom(side, sender, request, newVersion, context, reserved);
  const replacement = created.result.room_id;
  await closeOldRoom(side, sender, roomId, replacement, old.tombstone, context);
  await moveAliases(side, old, sender, roomId, replacement, context);
  await restrictOldRoom(side, sender, roomId, context);
  const { position } = await carrySettings(side, sender, roomId, replacement, context);
  return { result: { replacement_room: replacement }, position };
}

/**
 * Ends the old room by the tombstone that the new one names as its predecessor's last event. Whatever was sent in the
 * meantime stands beside it in the room's graph.
 */
function closeOldRoom(
  side: WriteSide,
  sender: string,
  roomId: string,
  replacement: string,
  tombstone: RoomEvent | undefined,
  context: CommandContext,
): Promise<Done<undefined>> {
  return side.rooms.handle(roomStream(roomId), context, async (room) => {
    if (tombstone === undefined) {
      const { record } = await newEvent(room, tombstoneDraft(sender, replacement), context);
      return { records: record === undefined ? [] : [record], result: undefined };
    }
    const records = await receiveEvent(room, { event: tombstone });
    const refused = records.find(({ type }) => type !== 'room.event.accepted');
    if (refused === undefined) return { records, result: undefined };
    throw new MatrixError('M_FORBIDDEN', 'While the room was upgraded, the power to do so was taken away.');
  });
}

function tombstoneDraft(sender: string, replacement: string): EventDraft {
  const content = { body: 'This room has been replaced.', replacement_room: replacement };
  return { type: 'm.room.tombstone', sender, stateKey: '', content };
}

async function readOldRoom(
  room: RoomSession,
  sender: string,
  replacement: string | undefined,
  context: CommandContext,
): Promise<OldRoom> {
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
  // On a copy: it is recorded when the new room is there.
  const tombstone =
    replacement === undefined
      ? undefined
      : await newEvent(room.fork(), tombstoneDraft(sender, replacement), context);
  return {
    tombstone: tombstone?.event,
    create: create?.content ?? {},
    carried: CARRIED.flatMap((type) => {
      const found = content(type) ?? WHERE_ABSENT.get(type);
      return found === undefined ? [] : [{ type, content: found }];
    }),
    bans: people.flatMap(({ type, stateKey }) => {
      const member = room.state(type, stateKey)?.content;
      return member?.['membership'] === 'ban' ? [{ type, state_key: stateKey, content: member }] : [];
    }),
    powerLevels: { content: content('m.room.power_levels') ?? {}, levels },
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
  const { atFirst, atLast } = carriedPowerLevels(old.powerLevels, version, sender, creators);
  const levels = atLast === undefined ? [] : [{ type: 'm.room.power_levels', content: atLast }];
  return {
    room_version: version.id,
    preset: 'private_chat',
    visibility: old.isListed ? 'public' : 'private',
    creation_content: {
      ...kept,
      predecessor:
        old.tombstone === undefined
          ? { room_id: roomId }
          : { room_id: roomId, event_id: old.tombstone.eventId },
      ...(creators.length > 0 ? { additional_creators: [...creators] } : {}),
    },
    initial_state: [...old.carried, ...old.bans, ...levels],
    power_level_content_override: atFirst,
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
