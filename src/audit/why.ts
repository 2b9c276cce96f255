import { resolveState } from '../commands/room/resolve-state.js';
import { eventOf } from '../commands/room/room-events.js';
import type { RoomPorts, RoomSession } from '../commands/room/room-session.js';
import type { TraceStep } from '../protocol/state-resolution/index.js';
import { roomVersion, type RoomVersion } from '../protocol/room-versions.js';
import type { Hash } from '../room-state/node.js';
import { EMPTY_ROOT } from '../room-state/trie.js';
import { allChecks, type CheckName } from './decide-again.js';
import { AuditError } from './errors.js';
import { isEventLogged, type EventLogged } from './replay.js';
import { startWalk, takeInOrSay, walkRoom, type WalkOptions } from './room-walk.js';
import { stateChanges, type StateChange } from './state-diff.js';
import { summaries, summaryOf, type EventSummary } from './summary.js';

type Summaries = Awaited<ReturnType<typeof summaries>>;

/** A check as it goes when it is made again. */
export interface CheckAgain {
  readonly check: CheckName;
  readonly allowed: boolean;
  readonly rule?: string;
  readonly reason?: string;
}

/** A resolution done again, step by step. */
export interface ResolutionAgain {
  readonly of: 'state_before' | 'current_state';
  /** The events after which the states were that had to be resolved. */
  readonly after: readonly string[];
  readonly steps: readonly TraceStep[];
  /** Every event that the steps name. */
  readonly events: Summaries;
}

/** Why an event has the standing that it has. */
export interface Why {
  readonly room_id: string;
  readonly room_version: string;
  readonly event: EventSummary;
  readonly decision: 'accepted' | 'soft_failed' | 'rejected' | 'outlier';
  readonly rule: string | null;
  readonly reason: string | null;
  readonly position: number;
  readonly revision: number;
  readonly received_at: number;
  readonly origin: string | null;
  /** Whether content was forgotten since: then it is not shown, and checks that look at it may go otherwise. */
  readonly forgotten: boolean;
  readonly auth_events: Summaries;
  readonly prev_events: Summaries;
  readonly checks: readonly CheckAgain[];
  readonly state_before: Hash | null;
  readonly state_after: Hash | null;
  /** What it changed at its place, and in the room's current state. */
  readonly changed: readonly StateChange[];
  readonly changed_current: readonly StateChange[];
  readonly redaction: { readonly target: string; readonly applied: boolean } | null;
  readonly extremities: readonly string[];
  readonly resolutions: readonly ResolutionAgain[];
}

/**
 * Tells how it came to what was decided about an event: reads the room's stream up to it, makes every check again,
 * and resolves again, under a tracer, the states that had to be resolved.
 *
 * @throws AuditError where there is no such room or event
 */
export async function why(
  ports: RoomPorts,
  roomId: string,
  eventId: string,
  options: WalkOptions = {},
): Promise<Why> {
  const walk = startWalk(ports, roomId);
  const { session } = walk;
  let outlier: EventLogged | undefined;
  for await (const record of walkRoom(ports, walk, options)) {
    if (!isEventLogged(record) || record.data.event_id !== eventId) continue;
    // An outlier may find its place later.
    if (record.type === 'room.event.outlier') outlier = record;
    else return explain(session, record, () => takeInOrSay(walk, record));
  }
  if (outlier !== undefined) return explain(session, outlier, () => Promise.resolve());
  throw new AuditError(`No event ${eventId} of the room ${roomId} is known here.`);
}

async function explain(session: RoomSession, record: EventLogged, take: () => Promise<void>): Promise<Why> {
  const { data } = record;
  const event = eventOf(record);
  const version = requireVersion(data.room_version);
  const before = 'state_before' in data ? data.state_before : undefined;
  const rootBefore = session.snapshot.graph?.root ?? EMPTY_ROOT;
  const extremitiesBefore = session.snapshot.graph?.extremities ?? [];
  session.hold(event);
  const checks = await allChecks(session, event, version, before ?? EMPTY_ROOT);
  await take();
  const rootAfter = session.snapshot.graph?.root ?? EMPTY_ROOT;
  const refusal =
    record.type === 'room.event.outlier' ? record.data.rejected : 'rule' in data ? data : undefined;
  const at = (root: Hash) => ({ root, position: record.position, revision: record.revision });
  const isPlaced = 'state_before' in data;
  return {
    room_id: session.roomId,
    room_version: version.id,
    event: summaryOf(session, event),
    decision: session.place(event.eventId)?.standing ?? 'outlier',
    rule: refusal?.rule ?? null,
    reason: refusal?.reason ?? null,
    position: record.position,
    revision: record.revision,
    received_at: record.metadata.received_at,
    origin: record.metadata.origin ?? null,
    forgotten: record.forgotten,
    auth_events: await summaries(session, event.authEvents),
    prev_events: await summaries(session, event.prevEvents),
    checks: checks
      .slice(0, isPlaced ? undefined : 1)
      .map(({ check, verdict }) =>
        verdict.allowed
          ? { check, allowed: true }
          : { check, allowed: false, rule: verdict.rule, reason: verdict.reason },
      ),
    state_before: isPlaced ? data.state_before : null,
    state_after: isPlaced ? data.state_after : null,
    changed: isPlaced ? await stateChanges(session, at(data.state_before), at(data.state_after)) : [],
    changed_current: await stateChanges(session, at(rootBefore), at(rootAfter)),
    redaction: record.type === 'room.event.accepted' ? (record.data.redaction ?? null) : null,
    extremities: session.snapshot.graph?.extremities ?? [],
    resolutions: isPlaced
      ? [
          ...(await resolveAgain(session, 'state_before', event.prevEvents)),
          ...(record.type === 'room.event.accepted' && extremitiesBefore.length > 0
            ? await resolveAgain(session, 'current_state', record.data.extremities)
            : []),
        ]
      : [],
  };
}

/** The resolution of the states after these events; none where they are one state. */
async function resolveAgain(
  session: RoomSession,
  of: ResolutionAgain['of'],
  after: readonly string[],
): Promise<ResolutionAgain[]> {
  const roots = after.flatMap((id) => session.place(id)?.stateAfter ?? []);
  if (new Set(roots).size < 2) return [];
  const steps: TraceStep[] = [];
  await resolveState(session, roots, (step) => {
    // The first step, again where events had to be loaded and it began anew.
    if (step.step === 'conflicted') steps.length = 0;
    steps.push(step);
  });
  return [{ of, after, steps, events: await summaries(session, [...new Set(steps.flatMap(eventsOf))]) }];
}

function eventsOf(step: TraceStep): readonly string[] {
  switch (step.step) {
    case 'conflicted':
      return step.keys.flatMap(({ values }) => values.filter((id) => id !== undefined));
    case 'added':
      return [...step.authDifference, ...step.conflictedSubgraph];
    case 'ordered':
      return step.events;
    case 'resolved':
      return step.candidates.map(({ event }) => event);
    default:
      return [step.event];
  }
}

function requireVersion(id: string): RoomVersion {
  const version = roomVersion(id);
  if (version === undefined) throw new AuditError(`The room has the version ${id}, which is not known here.`);
  return version;
}
