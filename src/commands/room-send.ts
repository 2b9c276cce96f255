import { MatrixError } from '../protocol/errors.js';
import { canRedact, powerLevels } from '../protocol/power-levels.js';
import { isRoomAlias, isUserId } from '../protocol/identifiers.js';
import { isJsonObject, type JsonObject } from '../protocol/json.js';
import { aliasStream } from './aggregates/alias.js';
import { roomStream } from './aggregates/room.js';
import type { CommandContext, Done } from './command.js';
import { checkRoomCount } from './room-count.js';
import { newEvent, type EventDraft } from './room/new-event.js';
import type { RoomSession } from './room/room-session.js';
import { sendKey } from './room/send-key.js';
import type { WriteSide } from './write-side.js';

/** Who sends: the device makes a transaction ID unique. */
export interface Sender {
  readonly userId: string;
  readonly deviceId: string;
}

interface Sent {
  readonly event_id: string;
}

/**
 * `PUT /rooms/{roomId}/send/{eventType}/{txnId}`. The same transaction ID of the same device gives the event that
 * it gave before, also after a crash: the record carries it. Without one every request makes an event.
 */
export function sendEvent(
  side: WriteSide,
  sender: Sender,
  roomId: string,
  message: {
    type: string;
    content: JsonObject;
    transactionId: string | undefined;
    looseNumbers?: boolean;
  },
  context: CommandContext,
): Promise<Done<Sent>> {
  const { type, transactionId } = message;
  return send(side, sender, roomId, { type, transactionId }, context, async (room) => {
    refuseOwnReplacement(roomId, message);
    await checkThread(room, message.content);
    return {
      type,
      sender: sender.userId,
      content: message.content,
      looseNumbers: message.looseNumbers ?? false,
    };
  });
}

/** `PUT /rooms/{roomId}/redact/{eventId}/{txnId}`: one's own events, or with the power to redact. */
export function redactEvent(
  side: WriteSide,
  sender: Sender,
  roomId: string,
  redaction: { target: string; content: JsonObject; transactionId: string },
  context: CommandContext,
): Promise<Done<Sent>> {
  const type = 'm.room.redaction';
  return send(
    side,
    sender,
    roomId,
    { type, transactionId: redaction.transactionId },
    context,
    async (room) => {
      await checkRedaction(room, sender.userId, redaction.target);
      return {
        type,
        sender: sender.userId,
        content: redaction.content,
        redacts: redaction.target,
      };
    },
  );
}

/** `PUT /rooms/{roomId}/state/{eventType}/{stateKey}`. */
export async function sendState(
  side: WriteSide,
  sender: Sender,
  roomId: string,
  event: { type: string; stateKey: string; content: JsonObject; looseNumbers?: boolean },
  context: CommandContext,
): Promise<Done<Sent>> {
  refuseOwnReplacement(roomId, event);
  if (event.type === 'm.room.canonical_alias') await checkAliases(side, roomId, event.content, context);
  return side.rooms.handle(roomStream(roomId), context, async (room) => {
    if (event.type === 'm.room.member' && !isUserId(event.stateKey)) {
      throw new MatrixError('M_BAD_JSON', `${event.stateKey} is not a user ID, so it cannot be a member.`);
    }
    if (isNewJoin(side, sender, roomId, event)) checkRoomCount(side, sender.userId);
    const made = await newEvent(room, { ...event, sender: sender.userId }, context);
    const records = made.record === undefined ? [] : [made.record];
    return { records, result: { event_id: made.event.eventId } };
  });
}

function isNewJoin(
  side: WriteSide,
  { userId }: Sender,
  roomId: string,
  { type, stateKey, content }: { type: string; stateKey: string; content: JsonObject },
): boolean {
  const isOwnJoin = type === 'm.room.member' && stateKey === userId && content['membership'] === 'join';
  return isOwnJoin && side.ports.index.membership(userId, roomId) !== 'join';
}

function send(
  side: WriteSide,
  sender: Sender,
  roomId: string,
  { type, transactionId }: { readonly type: string; readonly transactionId: string | undefined },
  context: CommandContext,
  draft: (room: RoomSession) => EventDraft | Promise<EventDraft>,
): Promise<Done<Sent>> {
  const { userId, deviceId } = sender;
  const transaction =
    transactionId === undefined
      ? {}
      : { transaction: { device_id: deviceId, transaction_id: transactionId } };
  const key = transactionId === undefined ? undefined : sendKey(type, userId, deviceId, transactionId);
  return side.rooms.handle(roomStream(roomId), context, async (room) => {
    const earlier = key === undefined ? undefined : room.sent(key);
    if (earlier !== undefined) return { records: [], result: { event_id: earlier } };
    const { event, record } = await newEvent(room, { ...(await draft(room)), ...transaction }, context);
    return { records: record === undefined ? [] : [record], result: { event_id: event.eventId } };
  });
}

/** A room that is replaced by itself would send clients round in a circle. @throws MatrixError M_INVALID_PARAM */
function refuseOwnReplacement(
  roomId: string,
  { type, content }: { readonly type: string; readonly content: JsonObject },
): void {
  if (type === 'm.room.tombstone' && content['replacement_room'] === roomId) {
    throw new MatrixError('M_INVALID_PARAM', 'A room cannot be replaced by itself.');
  }
}

/** No thread begins at an event that relates to another (Client-Server API, Threading, Validation of relationships). */
async function checkThread(room: RoomSession, content: JsonObject): Promise<void> {
  const relation = content['m.relates_to'];
  if (!isJsonObject(relation) || relation['rel_type'] !== 'm.thread') return;
  const { event_id: root } = relation;
  if (typeof root !== 'string') return;
  await room.load([root]);
  const rootRelation = room.event(root)?.content['m.relates_to'];
  // A plain reply relates to its event without a type of relation, and may well be where a thread begins.
  if (isJsonObject(rootRelation) && rootRelation['rel_type'] !== undefined) {
    throw new MatrixError('M_UNKNOWN', 'A thread cannot begin at an event that relates to another one.', {
      status: 400,
    });
  }
}

/**
 * Redactions of other people's events need the power to redact. From room version 3 on the authorization rules
 * leave that to whoever applies the redaction; a client is better told at once.
 */
async function checkRedaction(room: RoomSession, sender: string, target: string): Promise<void> {
  await room.load([target]);
  const event = room.event(target);
  if (event === undefined || room.place(target)?.standing !== 'accepted') {
    // 400, as clients know it for an event of another room; whether there is one elsewhere is not for them to learn.
    throw new MatrixError('M_INVALID_PARAM', `There is no event ${target} in this room.`);
  }
  if (event.sender === sender) return;
  await room.loadState([
    { type: 'm.room.create', stateKey: '' },
    { type: 'm.room.power_levels', stateKey: '' },
  ]);
  const create = room.state('m.room.create', '');
  const levels = powerLevels(room.state('m.room.power_levels', ''), create, room.version);
  if (!canRedact(levels, sender)) {
    throw new MatrixError(
      'M_FORBIDDEN',
      `Redacting other people's events needs power level ${levels.redact}.`,
    );
  }
}

/** New aliases of a canonical alias event must name this very room (Client-Server API, m.room.canonical_alias). */
async function checkAliases(
  side: WriteSide,
  roomId: string,
  content: JsonObject,
  context: CommandContext,
): Promise<void> {
  const { alias, alt_aliases: others } = content;
  const given = [alias, ...(Array.isArray(others) ? (others as unknown[]) : [])].filter(
    (one) => one !== undefined && one !== null && one !== '',
  );
  if (others !== undefined && !Array.isArray(others)) {
    throw new MatrixError('M_BAD_JSON', 'alt_aliases must be a list of room aliases.');
  }
  const before = await side.rooms.handle(roomStream(roomId), context, async (room) => {
    await room.loadState([{ type: 'm.room.canonical_alias', stateKey: '' }]);
    return { records: [], result: room.state('m.room.canonical_alias', '')?.content ?? {} };
  });
  // A room may have been made with anything for its canonical alias.
  const { alias: main, alt_aliases: alternatives } = before.result;
  const known = new Set<unknown>([main, ...(Array.isArray(alternatives) ? (alternatives as unknown[]) : [])]);
  for (const one of given) {
    if (known.has(one)) continue;
    if (typeof one !== 'string' || !isRoomAlias(one)) {
      throw new MatrixError('M_INVALID_PARAM', 'An alias of the canonical alias event is no room alias.');
    }
    const { result: named } = await side.aliases.handle(aliasStream(one), context, (current) => ({
      records: [],
      result: current.kind === 'taken' ? current.roomId : undefined,
    }));
    if (named !== roomId) throw new MatrixError('M_BAD_ALIAS', `The alias ${one} does not name this room.`);
  }
}
