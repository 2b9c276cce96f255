import { oldestOrder, requireAuthEvents, requireOrder, type AuthGraph } from './sources.js';

/**
 * Specification, room version 12, Conflicted state subgraph: "Starting from an event in the conflicted state set
 * and following auth_events edges may lead to another event in the conflicted state set. The union of all such
 * paths between any pair of events in the conflicted state set (including endpoints) forms a subgraph of the
 * original auth_event graph, called the conflicted state subgraph."
 *
 * An event is on such a path if it can be reached from a conflicted event and reaches one itself. Nothing older
 * than the oldest conflicted event can reach one, so that the walk ends there.
 *
 * Cost: the auth chains of the conflicted events, as far back as the oldest of them.
 *
 * @param conflictedIds the conflicted state set; all of it is part of the result
 */
export function conflictedSubgraph(conflictedIds: ReadonlySet<string>, graph: AuthGraph): Set<string> {
  const oldest = oldestOrder(conflictedIds, graph);
  const reached = new Map<string, number>();
  const queue = [...conflictedIds];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    if (reached.has(id)) continue;
    const order = requireOrder(graph, id);
    if (order < oldest) continue;
    reached.set(id, order);
    queue.push(...requireAuthEvents(graph, id));
  }

  const subgraph = new Set<string>();
  const oldestFirst = [...reached].sort(([, a], [, b]) => a - b);
  for (const [id] of oldestFirst) {
    const leadsToConflicted = requireAuthEvents(graph, id).some((cited) => subgraph.has(cited));
    if (leadsToConflicted || conflictedIds.has(id)) subgraph.add(id);
  }
  return subgraph;
}
