import type { RoomEvent } from '../events.js';
import { findAt } from './iterative-auth-checks.js';
import { compareEventIds, requireEvents, requireOrder } from './sources.js';
import type { AuthGraph, EventSource } from './sources.js';

/**
 * Specification, room version 2, Mainline ordering. The mainline of P_0 is the list P_0, P_1, ... where P_i+1 is
 * "the m.room.power_levels event in the auth_events of P_i". The mainline position of an event e is the index of
 * the first event on it that is found by going from e, in the same way, to e_1, e_2, ... (e itself excluded), or
 * infinite. Then x < y if "the mainline position of x is greater than the mainline position of y", or else x's
 * origin_server_ts is less, or else x's event_id is less.
 *
 * Both lists are followed only as far as needed: an event of the mainline that is older than e_j is not e_j.
 *
 * @param powerLevels P_0, or `undefined` where the partially resolved state has none: every position is infinite
 */
export function mainlineOrdering(
  set: readonly RoomEvent[],
  powerLevels: RoomEvent | undefined,
  events: EventSource,
  graph: AuthGraph,
): RoomEvent[] {
  const mainline = new Mainline(powerLevels, events, graph);
  return set
    .map((event) => ({ event, position: mainline.position(event) }))
    .sort((x, y) => {
      if (x.position !== y.position) return x.position > y.position ? -1 : 1;
      if (x.event.originServerTs !== y.event.originServerTs) {
        return x.event.originServerTs < y.event.originServerTs ? -1 : 1;
      }
      return compareEventIds(x.event.eventId, y.event.eventId);
    })
    .map(({ event }) => event);
}

class Mainline {
  readonly #events: EventSource;
  readonly #graph: AuthGraph;
  /** Mainline positions of power level events, on the mainline (as they are followed) and beside it. */
  readonly #positions = new Map<string, number>();
  /** The oldest event of the mainline so far. */
  #last: RoomEvent | undefined;
  #length = 0;

  constructor(powerLevels: RoomEvent | undefined, events: EventSource, graph: AuthGraph) {
    this.#events = events;
    this.#graph = graph;
    this.#extend(powerLevels);
  }

  position(event: RoomEvent): number {
    const beside: string[] = [];
    let position = Infinity;
    for (let step = this.#powerLevelsOf(event); step !== undefined; step = this.#powerLevelsOf(step)) {
      this.#followTo(requireOrder(this.#graph, step.eventId));
      const known = this.#positions.get(step.eventId);
      if (known !== undefined) {
        position = known;
        break;
      }
      beside.push(step.eventId);
    }
    for (const id of beside) this.#positions.set(id, position);
    return position;
  }

  /** Follows the mainline until it is at least as old as this place in the log. */
  #followTo(order: number): void {
    while (this.#last !== undefined && requireOrder(this.#graph, this.#last.eventId) > order) {
      this.#extend(this.#powerLevelsOf(this.#last));
    }
  }

  #extend(next: RoomEvent | undefined): void {
    this.#last = next;
    if (next !== undefined) this.#positions.set(next.eventId, this.#length++);
  }

  #powerLevelsOf(event: RoomEvent): RoomEvent | undefined {
    return findAt(requireEvents(this.#events, event.authEvents), 'm.room.power_levels', '');
  }
}
