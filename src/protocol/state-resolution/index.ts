import { authorise } from '../auth-rules/index.js';
import type { RoomEvent } from '../events.js';
import type { RoomVersion } from '../room-versions.js';
import { splitConflicted, type StateConflict } from './conflict.js';
import { EventTable } from './event-table.js';
import type { Resolution, ResolutionInput } from './resolution.js';
import type { Authorise } from './rules.js';
import type { AuthGraph, EventSource } from './sources.js';
import type { Tracer } from './trace.js';
import { resolveV1 } from './v1.js';
import { resolveV2 } from './v2.js';

export { splitConflicted, type StateConflict } from './conflict.js';
export { EventTable } from './event-table.js';
export type { Resolution } from './resolution.js';
export type { Authorise } from './rules.js';
export { MissingEventsError, type AuthGraph, type EventSource } from './sources.js';
export type { Fate, Phase, Tracer, TraceStep } from './trace.js';

/** What a caller with stored states hands over. */
export interface ResolveRequest {
  readonly version: RoomVersion;
  readonly conflict: StateConflict;
  readonly events: EventSource;
  readonly graph: AuthGraph;
  /** `authorise` of `auth-rules`, unless a test says otherwise. */
  readonly authorise?: Authorise | undefined;
  /** Is told every step; nothing is collected without it. */
  readonly trace?: Tracer | undefined;
}

/**
 * Resolves several states of a room into one (specification: Server-Server API, Room State Resolution; Room
 * Versions, State resolution): v1 in room version 1, v2 in 2 to 11, v2.1 in 12. Pure; the result does not depend
 * on the order of the sets, nor on when events arrived.
 *
 * @throws MissingEventsError naming the events that are needed and not there
 */
export function resolve(request: ResolveRequest): Resolution {
  const input: ResolutionInput = {
    ...request,
    authorise: request.authorise ?? authorise,
    trace: request.trace,
  };
  if (request.conflict.conflicted.size === 0) return new Map();
  if (request.trace !== undefined) traceConflict(request.conflict, request.events, request.trace);
  return request.version.stateResolution === 'v1' ? resolveV1(input) : resolveV2(input);
}

/**
 * Resolves whole state maps: for tests and small rooms, as the cost is that of the maps and of all events.
 *
 * @param sets maps of `stateKeyText` to event ID
 * @param events every event that the sets and their auth chains name, in any order
 * @returns the resolved state, a map of the same kind
 * @throws MissingEventsError naming the events that are needed and not there
 */
export function resolveMaps(
  version: RoomVersion,
  sets: readonly ReadonlyMap<string, string>[],
  events: Iterable<RoomEvent>,
  options: { rejected?: ReadonlySet<string>; authorise?: Authorise; trace?: Tracer } = {},
): Map<string, string> {
  const table = new EventTable(events, options.rejected);
  const conflict = splitConflicted(sets);
  const { authorise, trace } = options;
  const resolution = resolve({ version, conflict, events: table, graph: table, authorise, trace });
  const state = new Map<string, string>();
  for (const [key, id] of sets[0] ?? []) if (!conflict.conflicted.has(key)) state.set(key, id);
  for (const [key, id] of resolution) if (id !== undefined) state.set(key, id);
  return state;
}

function traceConflict(conflict: StateConflict, events: EventSource, trace: Tracer): void {
  const keys = [...conflict.conflicted].map(([text, values]) => {
    const id = values.find((value) => value !== undefined);
    const event = id === undefined ? undefined : events.event(id);
    const { type, stateKey = '' } = event ?? { type: text };
    return { type, stateKey, values };
  });
  trace({ step: 'conflicted', keys });
}
