import { acceptEvent, stateBefore } from '../commands/room/accept-event.js';
import { receiveEvent } from '../commands/room/receive-event.js';
import type { RoomSession } from '../commands/room/room-session.js';
import type { RecordBody } from '../log/records.js';
import { authorise } from '../protocol/auth-rules/index.js';
import { authEventKeys } from '../protocol/auth-events.js';
import { checkAuthEvents, type Verdict } from '../protocol/auth-rules/index.js';
import { stateKeyText, type RoomEvent } from '../protocol/events.js';
import type { RoomVersion } from '../protocol/room-versions.js';
import type { Hash } from '../room-state/node.js';
import { isRejected } from '../commands/room/resolve-state.js';

/** What would be recorded of an event now; `refused`: nothing, it could not begin a room. */
export type Again = RecordBody | { readonly type: 'refused'; readonly rule: string; readonly reason: string };

/**
 * Decides about an event anew, by the write side's own functions, on the room as it was before it. Events of our
 * own users were decided by the same rules: what a server receives from itself it accepts.
 *
 * @throws MissingGraphError, MissingEventsError, MissingNodeError where what it builds on is not there
 */
export async function decideAgain(
  session: RoomSession,
  event: RoomEvent,
  version: RoomVersion,
): Promise<Again | undefined> {
  if (session.snapshot.graph !== undefined) return (await receiveEvent(session, { event }))[0];
  const verdict = authorise(event, version, { get: () => undefined });
  if (!verdict.allowed) return { type: 'refused', rule: verdict.rule, reason: verdict.reason };
  return acceptEvent(session, version, event, await stateBefore(session, event.prevEvents));
}

/** Of the three checks that judge an event at its place (Server-Server API, Checks performed on receipt of a PDU). */
export type CheckName = 'auth_events' | 'state_before' | 'current_state';

export interface Check {
  readonly check: CheckName;
  readonly verdict: Verdict;
}

/** Every check, also those after one that fails: for explaining, where `receiveEvent` stops at the first. */
export async function allChecks(
  session: RoomSession,
  event: RoomEvent,
  version: RoomVersion,
  before: Hash,
): Promise<Check[]> {
  const { graph } = session.snapshot;
  const checks: Check[] = [{ check: 'auth_events', verdict: await byAuthEvents(session, event, version) }];
  if (graph === undefined) return checks;
  const keys = [{ type: 'm.room.create', stateKey: '' }, ...authEventKeys(event, version)];
  for (const [check, root] of [
    ['state_before', before],
    ['current_state', graph.root],
  ] as const) {
    await session.loadState(keys, root);
    const state = { get: (type: string, stateKey: string) => session.state(type, stateKey, root) };
    checks.push({ check, verdict: authorise(event, version, state) });
  }
  return checks;
}

/** What an event's own auth events say of it, as far as they are known here. */
async function byAuthEvents(session: RoomSession, event: RoomEvent, version: RoomVersion): Promise<Verdict> {
  const createId = version.auth.createInAuthEvents ? [] : [`$${event.roomId.slice(1)}`];
  const ids = [...event.authEvents, ...createId];
  await session.load(ids);
  const authEvents = event.authEvents.flatMap((id) => session.event(id) ?? []);
  const list = checkAuthEvents(event, version, authEvents, (id) => isRejected(session, id));
  if (!list.allowed) return list;
  const named = new Map(
    ids.flatMap((id) => {
      const one = session.event(id);
      return one === undefined ? [] : [[stateKeyText(one.type, one.stateKey ?? ''), one]];
    }),
  );
  return authorise(event, version, { get: (type, stateKey) => named.get(stateKeyText(type, stateKey)) });
}

/** What its own auth events say of an outlier; `undefined` where not all of them are known. */
export async function outlierVerdict(
  session: RoomSession,
  event: RoomEvent,
  version: RoomVersion,
): Promise<Verdict | undefined> {
  await session.load(event.authEvents);
  if (event.authEvents.some((id) => session.event(id) === undefined)) return undefined;
  return byAuthEvents(session, event, version);
}
