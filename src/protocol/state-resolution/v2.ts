import type { RoomEvent } from '../events.js';
import { powerLevels, userLevel } from '../power-levels.js';
import { authChainDifference } from './auth-chain-difference.js';
import { AuthEdges } from './auth-edges.js';
import { conflictedStateSet, type StateConflict } from './conflict.js';
import { conflictedSubgraph } from './conflicted-subgraph.js';
import { authEventsOf, findAt, iterativeAuthChecks, PartialState } from './iterative-auth-checks.js';
import { mainlineOrdering } from './mainline-ordering.js';
import { powerGraph } from './power-events.js';
import { powerSort } from './power-sort.js';
import type { Resolution, ResolutionInput } from './resolution.js';
import { requireEvent, requireEvents } from './sources.js';
import { traceFates } from './trace-fates.js';

/**
 * State resolution of room versions 2 to 11, and with `version.stateResolution` "v2.1" that of room version 12,
 * which begins with an empty state and adds the conflicted state subgraph (specification: Room Version 2 and
 * Room Version 12, State resolution, Algorithm).
 *
 * Cost: follows the conflicted events and what their auth chains do not have in common, not the room. Every key
 * that the rules look at is one look-up.
 */
export function resolveV2(input: ResolutionInput): Resolution {
  const { conflict, events, graph, trace } = input;
  const v21 = input.version.stateResolution === 'v2.1';
  const fates = trace === undefined ? undefined : traceFates(trace);
  const context = { ...input, trace: fates?.trace };

  const conflicted = conflictedStateSet(conflict);
  const difference = differenceOf(input);
  const subgraph = v21 ? conflictedSubgraph(conflicted, graph) : new Set<string>();
  trace?.({
    step: 'added',
    authDifference: [...difference].sort(),
    conflictedSubgraph: [...subgraph].sort(),
  });
  const full = new Set([...conflicted, ...difference, ...subgraph]);
  const fullConflictedSet = requireEvents(events, full);

  // 1. "Select the set X of all power events that appear in the full conflicted set", with their auth chains.
  const power = powerGraph(fullConflictedSet, new AuthEdges(full, difference, graph));
  const sortedPower = powerSort(power, (id) => {
    const event = requireEvent(events, id);
    return { event, senderPower: senderPower(event, input) };
  });

  // 2. "Apply the iterative auth checks algorithm, starting from the unconflicted [2.1: an empty] state map."
  const base = v21 ? () => undefined : conflict.unconflicted.bind(conflict);
  const state = new PartialState(base, events);
  iterativeAuthChecks(sortedPower, state, context, 'power');

  // 3. "Take all remaining events that weren't picked in step 1 and order them by the mainline ordering."
  const remaining = fullConflictedSet.filter((event) => !power.has(event.eventId));
  const levels = state.get('m.room.power_levels', '');
  const sortedRemaining = mainlineOrdering(remaining, levels, events, graph);

  // 4. "Apply the iterative auth checks algorithm on the partial resolved state and the list of events."
  iterativeAuthChecks(sortedRemaining, state, context, 'mainline');

  // 5. "Update the result by replacing any event with the event with the same key from the unconflicted state map."
  const resolution = new Map<string, string | undefined>();
  for (const key of conflict.conflicted.keys()) resolution.set(key, state.applied.get(key)?.eventId);
  for (const [key, event] of state.applied) {
    if (unconflictedAt(event, conflict) === undefined) resolution.set(key, event.eventId);
  }
  fates?.report(fullConflictedSet, resolution, (event) => unconflictedAt(event, conflict));
  return resolution;
}

function differenceOf({ conflict, events, graph }: ResolutionInput): Set<string> {
  const sets: string[][] = Array.from({ length: conflict.setCount }, () => []);
  for (const values of conflict.conflicted.values()) {
    values.forEach((id, set) => {
      if (id !== undefined) sets[set]?.push(id);
    });
  }
  return authChainDifference(sets, graph, {
    has: (id) => unconflictedAt(requireEvent(events, id), conflict) === id,
    ids: () => conflict.unconflictedIds(),
  });
}

function unconflictedAt(event: RoomEvent, conflict: StateConflict): string | undefined {
  return event.stateKey === undefined ? undefined : conflict.unconflicted(event.type, event.stateKey);
}

/** The sender's power level "when looking at their respective auth_events". */
function senderPower(event: RoomEvent, { version, events }: ResolutionInput): number {
  const own = authEventsOf(event, version, events);
  const levels = powerLevels(
    findAt(own, 'm.room.power_levels', ''),
    findAt(own, 'm.room.create', ''),
    version,
  );
  return userLevel(levels, event.sender);
}
