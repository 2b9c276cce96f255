import type { RoomEvent } from '../events.js';
import { Heap } from './heap.js';
import { compareEventIds } from './sources.js';

/** What the ordering compares of an event. */
export interface PowerSortItem {
  readonly event: RoomEvent;
  /** The sender's power level by the event's own auth events. */
  readonly senderPower: number;
}

/**
 * Specification, room version 2, Reverse topological power ordering: the "lexicographically smallest topological
 * ordering based on the DAG formed by auth events", earliest event first, where x < y if x's sender has the
 * greater power level, or else x's origin_server_ts is less, or else x's event_id is less. Found "using Kahn's
 * algorithm for topological sorting, and at each step selecting, among all the candidate vertices, the smallest
 * vertex".
 *
 * @param graph per event, those of the set that must come before it
 */
export function powerSort(
  graph: ReadonlyMap<string, ReadonlySet<string>>,
  item: (id: string) => PowerSortItem,
): RoomEvent[] {
  const waitingFor = new Map<string, number>();
  const followers = new Map<string, string[]>();
  const ready = new Heap<PowerSortItem>(comparePowerSortItems);
  for (const [id, before] of graph) {
    waitingFor.set(id, before.size);
    if (before.size === 0) ready.push(item(id));
    for (const earlier of before) {
      const list = followers.get(earlier);
      if (list === undefined) followers.set(earlier, [id]);
      else list.push(id);
    }
  }
  const sorted: RoomEvent[] = [];
  for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
    sorted.push(next.event);
    for (const id of followers.get(next.event.eventId) ?? []) {
      const left = (waitingFor.get(id) ?? 0) - 1;
      waitingFor.set(id, left);
      if (left === 0) ready.push(item(id));
    }
  }
  return sorted;
}

function comparePowerSortItems(x: PowerSortItem, y: PowerSortItem): number {
  // Creators' levels are infinite, so that a difference would not do.
  if (x.senderPower !== y.senderPower) return x.senderPower > y.senderPower ? -1 : 1;
  if (x.event.originServerTs !== y.event.originServerTs) {
    return x.event.originServerTs < y.event.originServerTs ? -1 : 1;
  }
  return compareEventIds(x.event.eventId, y.event.eventId);
}
