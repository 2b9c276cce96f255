import { stateKeyText, type RoomEvent } from '../events.js';
import type { RoomVersion } from '../room-versions.js';
import type { Authorise } from './rules.js';
import { requireEvent, requireEvents, type EventSource } from './sources.js';
import { REJECTED, type Phase, type Tracer } from './trace.js';

/** A state in the making: what was applied, over what it started from. */
export class PartialState {
  /** By `stateKeyText`. */
  readonly applied = new Map<string, RoomEvent>();
  readonly #base: (type: string, stateKey: string) => string | undefined;
  readonly #events: EventSource;

  constructor(base: (type: string, stateKey: string) => string | undefined, events: EventSource) {
    this.#base = base;
    this.#events = events;
  }

  get(type: string, stateKey: string): RoomEvent | undefined {
    const applied = this.applied.get(stateKeyText(type, stateKey));
    if (applied !== undefined) return applied;
    const id = this.#base(type, stateKey);
    if (id === undefined || this.#events.rejected(id)) return undefined;
    return requireEvent(this.#events, id);
  }

  apply(event: RoomEvent): void {
    if (event.stateKey === undefined) return;
    this.applied.set(stateKeyText(event.type, event.stateKey), event);
  }
}

/**
 * Specification, room version 2, Iterative auth checks: "takes as input an initial room state and a sorted list
 * of state events, and constructs a new room state by iterating through the event list and applying the state
 * event to the room state if the state event is allowed by the authorisation rules. If the state event is not
 * allowed by the authorisation rules, then the event is ignored. If a (event_type, state_key) key that is
 * required for checking the authorisation rules is not present in the state, then the appropriate state event
 * from the event's auth_events is used if the auth event is not rejected."
 *
 * From room version 12 the create event is implied by the room ID instead of being among the auth events.
 *
 * @param state is changed
 */
export function iterativeAuthChecks(
  sorted: readonly RoomEvent[],
  state: PartialState,
  context: { version: RoomVersion; events: EventSource; authorise: Authorise; trace: Tracer | undefined },
  phase: Phase,
): void {
  const { version, events, authorise, trace } = context;
  trace?.({ step: 'ordered', phase, events: sorted.map((event) => event.eventId) });
  for (const event of sorted) {
    if (events.rejected(event.eventId)) {
      trace?.({ step: 'refused', phase, event: event.eventId, ...REJECTED });
      continue;
    }
    const own = authEventsOf(event, version, events).filter(({ eventId }) => !events.rejected(eventId));
    const verdict = authorise(event, version, {
      get: (type, stateKey) => state.get(type, stateKey) ?? findAt(own, type, stateKey),
    });
    if (verdict.allowed) {
      state.apply(event);
      trace?.({ step: 'allowed', phase, event: event.eventId });
    } else {
      trace?.({ step: 'refused', phase, event: event.eventId, rule: verdict.rule, reason: verdict.reason });
    }
  }
}

/** An event's auth events, and from room version 12 the implied create event. Throws MissingEventsError. */
export function authEventsOf(event: RoomEvent, version: RoomVersion, events: EventSource): RoomEvent[] {
  const implied = !version.auth.createInAuthEvents && event.type !== 'm.room.create';
  return requireEvents(events, implied ? [...event.authEvents, impliedCreateId(event)] : event.authEvents);
}

/** Room version 12: "The room ID is the event ID of the event with sigil ! instead of $". */
function impliedCreateId(event: RoomEvent): string {
  return `$${event.roomId.slice(1)}`;
}

/** The event at a key, among events that have each key once. */
export function findAt(events: readonly RoomEvent[], type: string, stateKey: string): RoomEvent | undefined {
  return events.find((event) => event.type === type && event.stateKey === stateKey);
}
