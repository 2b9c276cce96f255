import type { RoomEvent } from '../events.js';
import type { AuthEdges } from './auth-edges.js';

/**
 * Specification, room version 2, Power events: "A power event is a state event with type m.room.power_levels or
 * m.room.join_rules, or a state event with type m.room.member where the membership is leave or ban and the
 * sender does not match the state_key."
 */
export function isPowerEvent(event: RoomEvent): boolean {
  if (event.stateKey === undefined) return false;
  if (event.type === 'm.room.power_levels' || event.type === 'm.room.join_rules') return true;
  if (event.type !== 'm.room.member' || event.sender === event.stateKey) return false;
  const membership = event.content['membership'];
  return membership === 'leave' || membership === 'ban';
}

/**
 * Specification, room version 2, Algorithm, step 1: "Select the set X of all power events that appear in the
 * full conflicted set. For each such power event P, enlarge X by adding the events in the auth chain of P which
 * also belong to the full conflicted set."
 *
 * @returns per event of X, the events of X that its auth chain reaches first
 */
export function powerGraph(
  fullConflictedSet: readonly RoomEvent[],
  edges: AuthEdges,
): Map<string, ReadonlySet<string>> {
  const graph = new Map<string, ReadonlySet<string>>();
  const queue = fullConflictedSet.filter(isPowerEvent).map((event) => event.eventId);
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    if (graph.has(id)) continue;
    const reached = edges.of(id);
    graph.set(id, reached);
    queue.push(...reached);
  }
  return graph;
}
