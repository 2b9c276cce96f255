import { refusedByRule, type CommandContext } from '../command.js';
import { authEventKeys } from '../../protocol/auth-events.js';
import { authorise } from '../../protocol/auth-rules/index.js';
import { canonicalJson } from '../../protocol/canonical-json.js';
import { MatrixError } from '../../protocol/errors.js';
import { buildEvent } from '../../protocol/event-format.js';
import type { RoomEvent } from '../../protocol/events.js';
import { referenceHash } from '../../protocol/hashes.js';
import type { JsonObject } from '../../protocol/json.js';
import type { RoomVersion } from '../../protocol/room-versions.js';
import { letters } from '../../runtime/random.js';
import { acceptEvent, stateBefore, type AcceptedRecord } from './accept-event.js';
import type { RoomSession } from './room-session.js';

/** An event that a user of ours wishes to send. */
export interface EventDraft {
  readonly type: string;
  readonly sender: string;
  readonly stateKey?: string;
  readonly content: JsonObject;
  readonly redacts?: string;
  readonly transaction?: { readonly device_id: string; readonly transaction_id: string };
  /** The content had numbers that canonical JSON does not have; they may have been rounded when it was parsed. */
  readonly looseNumbers?: boolean;
  /** Where an application service dictates the time. */
  readonly originServerTs?: number;
}

export interface NewEvent {
  readonly event: RoomEvent;
  /** Absent where the state is already what the draft wants: then `event` is the one that made it so. */
  readonly record?: AcceptedRecord;
}

/** No event may name more previous events (specification: PDU formats). */
const MOST_PREVIOUS_EVENTS = 20;
const CREATE = { type: 'm.room.create', stateKey: '' };

/**
 * Makes an event at the front of the room: previous events, auth events, hashes, signature; checks it against
 * the current state, and records it. A state event that changes nothing gives the one that is there.
 *
 * Cost for a message: two look-ups in the state trie per auth event, one hash of each kind, one signature.
 *
 * @throws MatrixError M_FORBIDDEN naming the rule, M_TOO_LARGE, M_BAD_JSON
 */
export async function newEvent(
  session: RoomSession,
  draft: EventDraft,
  context: CommandContext,
): Promise<NewEvent> {
  const { graph, version } = session;
  checkNumbers(draft.looseNumbers, version);
  const keys = authEventKeys({ ...draft, stateKey: draft.stateKey }, version);
  const own = draft.stateKey === undefined ? [] : [{ type: draft.type, stateKey: draft.stateKey }];
  await session.loadState([CREATE, ...keys, ...own]);

  const prevEvents = newestExtremities(session);
  const authEvents = keys.flatMap(({ type, stateKey }) => session.stateId(type, stateKey) ?? []);
  if (version.eventReferences === 'pairs') await session.load(prevEvents);
  const event = build(session, draft, context, { prevEvents, authEvents, depth: graph.depth + 1 });
  const verdict = authorise(event, version, { get: (type, stateKey) => session.state(type, stateKey) });
  if (!verdict.allowed) throw refusedByRule(verdict.rule, verdict.reason);
  // Asked last: who may not set the state is told so, even where it is what they want.
  const same = unchanged(session, draft, version);
  if (same !== undefined) return { event: same };
  const atFront = graph.extremities.length === 1 && prevEvents.length === 1;
  const before = atFront ? { root: graph.root } : await stateBefore(session, prevEvents);
  return { event, record: await acceptEvent(session, version, event, before, draft.transaction) };
}

/** The create event, with which a room begins. */
export async function createEvent(
  session: RoomSession,
  version: RoomVersion,
  draft: EventDraft,
  context: CommandContext,
): Promise<NewEvent> {
  const event = build(session, draft, context, { prevEvents: [], authEvents: [], depth: 1 }, version);
  const verdict = authorise(event, version, { get: () => undefined });
  if (!verdict.allowed) throw refusedByRule(verdict.rule, verdict.reason, 'M_BAD_JSON');
  return { event, record: await acceptEvent(session, version, event, await stateBefore(session, [])) };
}

/**
 * Refuses content with numbers that its room version does not allow, before anything is made of what they were
 * rounded to (specification: Room Version 6, Strict Canonical JSON).
 *
 * @throws MatrixError M_BAD_JSON
 */
export function checkNumbers(looseNumbers: boolean | undefined, version: RoomVersion): void {
  if (looseNumbers === true && version.strictCanonicalJson) {
    throw new MatrixError('M_BAD_JSON', 'Numbers in an event must be integers within +-(2^53-1).');
  }
}

/** The same sender wishing the same content again: nothing would change but the clutter. */
function unchanged(session: RoomSession, draft: EventDraft, version: RoomVersion): RoomEvent | undefined {
  if (draft.stateKey === undefined) return undefined;
  const current = session.state(draft.type, draft.stateKey);
  if (current?.sender !== draft.sender) return undefined;
  const options = { lenient: !version.strictCanonicalJson };
  return canonicalJson(current.content, options) === canonicalJson(draft.content, options)
    ? current
    : undefined;
}

/** All extremities, or as many of the newest as an event may name. */
function newestExtremities(session: RoomSession): readonly string[] {
  const { extremities } = session.graph;
  if (extremities.length <= MOST_PREVIOUS_EVENTS) return extremities;
  const depth = (id: string) => session.place(id)?.depth ?? 0;
  return [...extremities].sort((a, b) => depth(b) - depth(a)).slice(0, MOST_PREVIOUS_EVENTS);
}

interface Graph {
  readonly prevEvents: readonly string[];
  readonly authEvents: readonly string[];
  readonly depth: number;
}

function build(
  session: RoomSession,
  draft: EventDraft,
  context: CommandContext,
  graph: Graph,
  version: RoomVersion = session.version,
): RoomEvent {
  const { serverName, signingKey, random } = session.ports;
  const { type, sender, stateKey, content, redacts } = draft;
  const isCreateWithoutRoom = type === 'm.room.create' && version.roomIds === 'create_event';
  const redactsInContent = redacts !== undefined && version.redaction.redactsIn === 'content';
  try {
    return buildEvent(
      {
        type,
        sender,
        content: redactsInContent ? { ...content, redacts } : content,
        ...(isCreateWithoutRoom ? {} : { roomId: session.roomId }),
        ...(stateKey === undefined ? {} : { stateKey }),
        ...(redacts === undefined || redactsInContent ? {} : { redacts }),
        ...(version.eventIds === 'pdu' ? { eventId: `$${letters(random, 24)}:${serverName}` } : {}),
        ...graph,
        originServerTs: draft.originServerTs ?? context.now,
        refHashes: (id) => referenceHash(session.requireEvent(id).pdu, version),
      },
      version,
      { serverName, key: signingKey },
    );
  } catch (error) {
    if (error instanceof MatrixError) throw error;
    throw new MatrixError(
      'M_BAD_JSON',
      `This content cannot be an event: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
