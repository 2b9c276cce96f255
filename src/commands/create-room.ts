import type { RecordBody } from '../log/records.js';
import { MatrixError } from '../protocol/errors.js';
import { isUserId } from '../protocol/identifiers.js';
import { isJsonObject, type JsonObject } from '../protocol/json.js';
import { roomVersion, type RoomVersion } from '../protocol/room-versions.js';
import { letters, randomBelow } from '../runtime/random.js';
import { emptyRoom, roomStream } from './aggregates/room.js';
import type { CommandContext, Done } from './command.js';
import { deleteAlias, takeAlias, newRoomAlias } from './directory.js';
import { checkRoomCount } from './room-count.js';
import { checkNumbers, createEvent, newEvent, type EventDraft } from './room/new-event.js';
import { RoomSession } from './room/room-session.js';
import type { WriteSide } from './write-side.js';

type Preset = 'private_chat' | 'trusted_private_chat' | 'public_chat';

/** The body of `POST /createRoom`, validated in form. */
export interface CreateRoomRequest {
  readonly visibility?: 'public' | 'private';
  readonly room_alias_name?: string;
  readonly name?: string;
  readonly topic?: string;
  readonly invite?: readonly string[];
  readonly invite_3pid?: readonly JsonObject[];
  readonly room_version?: string;
  readonly creation_content?: JsonObject;
  readonly initial_state?: readonly {
    readonly type: string;
    readonly state_key?: string;
    readonly content: JsonObject;
  }[];
  readonly preset?: Preset;
  readonly is_direct?: boolean;
  readonly power_level_content_override?: JsonObject;
  /** Somewhere in it are numbers that canonical JSON does not have. */
  readonly looseNumbers?: boolean;
}

/** Guests that may not join need no event: that is what its absence means. */
const PRESETS: Record<Preset, { joinRule: string; guestsMayJoin: boolean }> = {
  private_chat: { joinRule: 'invite', guestsMayJoin: true },
  trusted_private_chat: { joinRule: 'invite', guestsMayJoin: true },
  public_chat: { joinRule: 'public', guestsMayJoin: false },
};

const MOST_INVITES = 500;

/** How often a room is tried to be made of a wish like which there are others, of the same user and millisecond. */
const MOST_TRIES = 16;

/**
 * Makes a room: all of its first events, in the order that the specification prescribes, each checked against
 * the state that those before it made, in one append (specification: Client-Server API, Room creation).
 *
 * @param reservedId the room's ID, up to room version 11; later ones are named after their create event
 * @throws MatrixError M_UNSUPPORTED_ROOM_VERSION, M_ROOM_IN_USE, M_INVALID_ROOM_STATE, M_INVALID_PARAM
 */
export async function createRoom(
  side: WriteSide,
  creator: string,
  request: CreateRoomRequest,
  defaultVersion: string,
  context: CommandContext,
  reservedId = newRoomId(side),
): Promise<Done<{ room_id: string }>> {
  // 1. What can be refused without deciding anything.
  const version = roomVersion(request.room_version ?? defaultVersion);
  if (version === undefined) {
    throw new MatrixError(
      'M_UNSUPPORTED_ROOM_VERSION',
      `Room version ${request.room_version ?? ''} is not supported.`,
    );
  }
  checkNumbers(request.looseNumbers, version);
  checkInvites(request);
  checkRoomCount(side, creator);
  const alias =
    request.room_alias_name === undefined
      ? undefined
      : newRoomAlias(request.room_alias_name, side.ports.serverName);
  // 2. From room version 12 on a room is named by the hash of its create event: of two in the same words and the same
  //    millisecond, one has to be a little younger.
  const drafts = await draftEvents(side, creator, request, version, alias);
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const moment = { ...context, now: context.now + randomBelow(side.ports.random, 2 ** tries) };
    const made = await makeRoom(side, creator, request, { version, drafts, alias, reservedId }, moment);
    if (made !== undefined) return made;
  }
  throw new MatrixError('M_ROOM_IN_USE', 'Too many such rooms are being made: try again.');
}

/** @returns nothing where there is a room of that name already */
async function makeRoom(
  side: WriteSide,
  creator: string,
  request: CreateRoomRequest,
  room: {
    readonly version: RoomVersion;
    readonly drafts: readonly EventDraft[];
    readonly alias: string | undefined;
    readonly reservedId: string;
  },
  context: CommandContext,
): Promise<Done<{ room_id: string }> | undefined> {
  const { version, drafts, alias, reservedId } = room;
  // 3. Decide all events, each on those before it.
  const session = new RoomSession(side.ports, emptyRoom(reservedId));
  const records = await decideAll(session, version, drafts, context);
  const { roomId } = session;
  if (request.visibility === 'public') {
    records.push({
      type: 'room.visibility.changed',
      version: 1,
      data: { visibility: 'public', by: creator },
    });
  }
  if ((await side.ports.log.revision(roomStream(roomId))) >= 0) return undefined;
  // 4. The alias first: who loses the race for it has made no room. An alias of a room that then did not come
  //    about is free again.
  if (alias !== undefined) await takeAlias(side, alias, roomId, creator, context);
  try {
    const { result, position } = await side.rooms.handle(roomStream(roomId), context, (made) => {
      if (made.snapshot.revision >= 0) return { records: [], result: undefined };
      made.holdAll(session);
      return { records, result: { room_id: roomId } };
    });
    if (result !== undefined) return { result, position };
    if (alias !== undefined) await deleteAlias(side, alias, creator, context);
    return undefined;
  } catch (error) {
    if (alias !== undefined && error instanceof MatrixError) await deleteAlias(side, alias, creator, context);
    throw error;
  }
}

async function decideAll(
  session: RoomSession,
  version: RoomVersion,
  drafts: readonly EventDraft[],
  context: CommandContext,
): Promise<RecordBody[]> {
  const records: RecordBody[] = [];
  for (const draft of drafts) {
    try {
      const isFirst = draft.type === 'm.room.create';
      const { event, record } = isFirst
        ? await createEvent(session, version, draft, context)
        : await newEvent(session, draft, context);
      // From room version 12 on the room is named after its create event.
      if (isFirst) session.snapshot = emptyRoom(event.roomId);
      if (record === undefined) continue;
      session.evolve(record);
      records.push(record);
    } catch (error) {
      if (!(error instanceof MatrixError) || error.code !== 'M_FORBIDDEN') throw error;
      throw new MatrixError(
        'M_INVALID_ROOM_STATE',
        `The room's ${draft.type} would be refused: ${error.message}`,
      );
    }
  }
  return records;
}

async function draftEvents(
  side: WriteSide,
  creator: string,
  request: CreateRoomRequest,
  version: RoomVersion,
  alias: string | undefined,
): Promise<EventDraft[]> {
  const invited = [...new Set(request.invite ?? [])].filter((userId) => userId !== creator);
  const preset = request.preset ?? (request.visibility === 'public' ? 'public_chat' : 'private_chat');
  const state = (type: string, content: JsonObject, stateKey = ''): EventDraft => ({
    type,
    sender: creator,
    stateKey,
    content,
  });
  const initial = (request.initial_state ?? []).map((event) =>
    state(event.type, event.content, event.state_key ?? ''),
  );
  // What the client sets itself, in `initial_state`, or by a field of its own, is not made a second time.
  const has = (type: string) => initial.some((event) => event.type === type && event.stateKey === '');
  const drafts: EventDraft[] = [
    state('m.room.create', createContent(creator, request, version, preset, invited)),
    state('m.room.member', { ...(await side.profile(creator)), membership: 'join' }, creator),
    state('m.room.power_levels', powerLevelsContent(creator, request, version, preset, invited)),
  ];
  if (alias !== undefined) drafts.push(state('m.room.canonical_alias', { alias }));
  const { joinRule, guestsMayJoin } = PRESETS[preset];
  if (!has('m.room.join_rules')) drafts.push(state('m.room.join_rules', { join_rule: joinRule }));
  if (!has('m.room.history_visibility')) {
    drafts.push(state('m.room.history_visibility', { history_visibility: 'shared' }));
  }
  if (guestsMayJoin && !has('m.room.guest_access')) {
    drafts.push(state('m.room.guest_access', { guest_access: 'can_join' }));
  }
  const overridden = new Set([
    ...(request.name === undefined ? [] : ['m.room.name']),
    ...(request.topic === undefined ? [] : ['m.room.topic']),
  ]);
  drafts.push(...initial.filter(({ type, stateKey }) => !(overridden.has(type) && stateKey === '')));
  if (request.name !== undefined) drafts.push(state('m.room.name', { name: request.name }));
  if (request.topic !== undefined) drafts.push(state('m.room.topic', topicContent(request.topic)));
  for (const userId of invited) {
    const content = { ...(await side.profile(userId)), membership: 'invite' };
    drafts.push(
      state('m.room.member', request.is_direct === true ? { ...content, is_direct: true } : content, userId),
    );
  }
  return drafts;
}

function createContent(
  creator: string,
  request: CreateRoomRequest,
  version: RoomVersion,
  preset: Preset,
  invited: readonly string[],
): JsonObject {
  const content: Record<string, JsonObject[string]> = {
    ...request.creation_content,
    room_version: version.id,
  };
  delete content['creator'];
  if (version.auth.creatorInContent) content['creator'] = creator;
  if (version.auth.privilegedCreators && preset === 'trusted_private_chat' && invited.length > 0) {
    const named = content['additional_creators'];
    const given = Array.isArray(named) ? (named as JsonObject[string][]) : [];
    content['additional_creators'] = [...new Set([...given, ...invited])] as string[];
  }
  return content;
}

/** The specification's defaults, with the user's own laid over them key by key. */
function powerLevelsContent(
  creator: string,
  request: CreateRoomRequest,
  version: RoomVersion,
  preset: Preset,
  invited: readonly string[],
): JsonObject {
  const trusted = preset === 'trusted_private_chat' ? invited : [];
  // Creators of version 12 are above every level, and must not be listed.
  const equals = version.auth.privilegedCreators ? [] : [creator, ...trusted];
  return {
    users: Object.fromEntries(equals.map((userId) => [userId, 100])),
    users_default: 0,
    events: {
      'm.room.name': 50,
      'm.room.power_levels': 100,
      'm.room.history_visibility': 100,
      'm.room.canonical_alias': 50,
      'm.room.avatar': 50,
      'm.room.tombstone': version.auth.privilegedCreators ? 150 : 100,
      'm.room.server_acl': 100,
      'm.room.encryption': 100,
    },
    events_default: 0,
    state_default: 50,
    ban: 50,
    kick: 50,
    redact: 50,
    // Everybody in a private chat may bring others; in a public one they can come by themselves.
    invite: preset === 'public_chat' ? 50 : 0,
    ...request.power_level_content_override,
  };
}

/** The topic as plain text, and in the form that newer clients read (specification: m.room.topic, m.topic). */
function topicContent(topic: string): JsonObject {
  return { topic, 'm.topic': { 'm.text': [{ body: topic, mimetype: 'text/plain' }] } };
}

function checkInvites(request: CreateRoomRequest): void {
  if ((request.invite_3pid ?? []).length > 0) {
    throw new MatrixError('M_UNRECOGNIZED', 'This server has no identity server: invite by user ID.', {
      status: 400,
    });
  }
  const invited = request.invite ?? [];
  if (invited.length > MOST_INVITES) {
    throw new MatrixError(
      'M_INVALID_PARAM',
      `At most ${MOST_INVITES} people can be invited when a room is made.`,
    );
  }
  const wrong = invited.find((userId) => !isUserId(userId));
  if (wrong !== undefined) throw new MatrixError('M_INVALID_PARAM', `${wrong} is not a user ID.`);
  if (request.creation_content !== undefined && !isJsonObject(request.creation_content)) {
    throw new MatrixError('M_BAD_JSON', 'creation_content must be an object.');
  }
}

/** A name for a room that is to be made; from room version 12 on it is replaced when the create event is made. */
export function newRoomId(side: WriteSide): string {
  return `!${letters(side.ports.random, 18)}:${side.ports.serverName}`;
}
