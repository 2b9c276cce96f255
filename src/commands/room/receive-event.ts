import type { RecordBody, RecordOf } from '../../log/records.js';
import { authorise, checkAuthEvents, type AuthState, type Verdict } from '../../protocol/auth-rules/index.js';
import { authEventKeys } from '../../protocol/auth-events.js';
import { stateKeyText, type RoomEvent } from '../../protocol/events.js';
import { splitForgettable } from '../../protocol/redaction.js';
import type { RoomVersion } from '../../protocol/room-versions.js';
import type { Hash } from '../../room-state/node.js';
import { EMPTY_ROOT } from '../../room-state/trie.js';
import { acceptEvent, stateBefore, type StateBefore } from './accept-event.js';
import { isRejected } from './resolve-state.js';
import type { RoomSession } from './room-session.js';

/** An event that came from elsewhere, after its form, hashes and signatures were checked. */
export interface ReceivedEvent {
  readonly event: RoomEvent;
  /** The servers whose signatures on it are valid. */
  readonly verifiedServers?: ReadonlySet<string>;
}

/** Events that must be here before this one can be judged: to be fetched by the caller. */
export class MissingGraphError extends Error {
  readonly eventIds: readonly string[];

  constructor(eventIds: readonly string[]) {
    super(`Events that this one builds on are missing: ${eventIds.join(', ')}`);
    this.name = 'MissingGraphError';
    this.eventIds = eventIds;
  }
}

/**
 * Judges a received event (Server-Server API, Checks performed on receipt of a PDU, 4 to 6): by its auth events,
 * by the state before it, by the current state. The outcome is a record either way; one already known gives none.
 *
 * @throws MissingGraphError where auth events or previous events are not here
 */
export async function receiveEvent(session: RoomSession, received: ReceivedEvent): Promise<RecordBody[]> {
  const { event } = received;
  const { version } = session;
  const known = session.place(event.eventId);
  if (known !== undefined && known.standing !== 'outlier') return [];
  await requireGraph(session, event);
  if (event.type === 'm.room.create') return [secondCreate(session, event)];

  const before = await stateBefore(session, event.prevEvents);
  const authEvents = event.authEvents.map((id) => session.requireEvent(id));
  const options = received.verifiedServers === undefined ? {} : { verifiedServers: received.verifiedServers };
  // 4. By its own auth events.
  const list = checkAuthEvents(event, version, authEvents, (id) => isRejected(session, id));
  if (!list.allowed) return [refusal(session, 'room.event.rejected', event, before, list)];
  const byAuthEvents = authorise(
    event,
    version,
    await authEventsState(session, authEvents, version),
    options,
  );
  if (!byAuthEvents.allowed) return [refusal(session, 'room.event.rejected', event, before, byAuthEvents)];
  // 5. By the state before it.
  const byStateBefore = authorise(event, version, await stateAt(session, event, before.root), options);
  if (!byStateBefore.allowed) return [refusal(session, 'room.event.rejected', event, before, byStateBefore)];
  // 6. By the current state: what is refused only there is soft-failed.
  const byCurrent = authorise(event, version, await stateAt(session, event, session.graph.root), options);
  if (!byCurrent.allowed) return [refusal(session, 'room.event.soft_failed', event, before, byCurrent)];
  return [await acceptEvent(session, version, event, before)];
}

/** A room begins once: whatever claims to begin it again is no part of it. */
function secondCreate(session: RoomSession, event: RoomEvent): RecordBody {
  const verdict = {
    allowed: false,
    rule: 'create',
    reason: 'The room has been created by another event.',
  } as const;
  return refusal(session, 'room.event.rejected', event, { root: EMPTY_ROOT }, verdict);
}

async function requireGraph(session: RoomSession, event: RoomEvent): Promise<void> {
  await session.load(event.authEvents);
  const missing = [
    ...event.authEvents.filter((id) => session.event(id) === undefined),
    ...event.prevEvents.filter((id) => {
      const place = session.place(id);
      return place === undefined || place.standing === 'outlier';
    }),
  ];
  if (missing.length > 0) throw new MissingGraphError([...new Set(missing)]);
}

async function authEventsState(
  session: RoomSession,
  authEvents: readonly RoomEvent[],
  version: RoomVersion,
): Promise<AuthState> {
  const events = new Map(authEvents.map((event) => [stateKeyText(event.type, event.stateKey ?? ''), event]));
  if (!version.auth.createInAuthEvents) {
    await session.load([session.graph.createEventId]);
    events.set(stateKeyText('m.room.create', ''), session.requireEvent(session.graph.createEventId));
  }
  return { get: (type, stateKey) => events.get(stateKeyText(type, stateKey)) };
}

async function stateAt(session: RoomSession, event: RoomEvent, root: Hash): Promise<AuthState> {
  await session.loadState(
    [{ type: 'm.room.create', stateKey: '' }, ...authEventKeys(event, session.version)],
    root,
  );
  return { get: (type, stateKey) => session.state(type, stateKey, root) };
}

function refusal(
  session: RoomSession,
  type: 'room.event.rejected' | 'room.event.soft_failed',
  event: RoomEvent,
  before: StateBefore,
  verdict: Extract<Verdict, { allowed: false }>,
): RecordOf<'room.event.rejected'> | RecordOf<'room.event.soft_failed'> {
  session.hold(event);
  const { version } = session;
  const { clear, forgettable } = splitForgettable(event.pdu, version);
  // A rejected event changes no state; a soft-failed one does, for those who build on it.
  const isSoft = type === 'room.event.soft_failed' && event.stateKey !== undefined;
  const after = isSoft
    ? session.changed(before.root, new Map([[stateKeyText(event.type, event.stateKey), event.eventId]]))
    : before.root;
  return {
    type,
    version: 1,
    data: {
      event_id: event.eventId,
      room_version: version.id,
      event: { ...clear },
      ...(forgettable === undefined ? {} : { forgettable: { ...forgettable } }),
      state_before: before.root,
      state_after: after,
      ...(before.resolution === undefined ? {} : { resolution: before.resolution }),
      rule: verdict.rule,
      reason: verdict.reason,
    },
  };
}
