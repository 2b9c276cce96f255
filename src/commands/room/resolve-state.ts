import { authorise } from '../../protocol/auth-rules/index.js';
import { parseStateKeyText, stateKeyText } from '../../protocol/events.js';
import {
  MissingEventsError,
  resolve,
  type AuthGraph,
  type EventSource,
  type StateConflict,
  type Tracer,
} from '../../protocol/state-resolution/index.js';
import { conflicts } from '../../room-state/diff.js';
import type { Hash } from '../../room-state/node.js';
import { entries, lookup } from '../../room-state/trie.js';
import type { RoomSession } from './room-session.js';

/** A change at one key between two states, as records have it. */
export interface DeltaEntry {
  readonly type: string;
  readonly state_key: string;
  readonly event_id: string | null;
  readonly replaces: string | null;
}

export interface ResolvedState {
  readonly root: Hash;
  /** Relative to the first of the states. */
  readonly delta: readonly DeltaEntry[];
}

/**
 * Resolves states of a room into one, loading the events that it takes. Costs what is in conflict: where the
 * tries agree nothing is read.
 */
export async function resolveState(
  session: RoomSession,
  roots: readonly Hash[],
  trace?: Tracer,
): Promise<ResolvedState> {
  const [base, ...others] = [...new Set(roots)];
  if (base === undefined) throw new Error('There is no state to resolve.');
  if (others.length === 0) return { root: base, delta: [] };
  const conflict = conflictOf(session, [base, ...others]);
  for (;;) {
    try {
      const changes = resolve({
        version: session.version,
        conflict,
        events: eventsOf(session),
        graph: graphOf(session),
        authorise,
        trace,
      });
      const delta = deltaOf(session, base, changes);
      const changed = new Map(delta.map((d) => [stateKeyText(d.type, d.state_key), d.event_id ?? undefined]));
      return { root: session.changed(base, changed), delta };
    } catch (error) {
      if (!(error instanceof MissingEventsError)) throw error;
      await session.load(error.eventIds);
      const absent = error.eventIds.find((id) => session.event(id) === undefined);
      if (absent !== undefined) throw error;
    }
  }
}

/** What of these changes differs from a state. */
export function deltaOf(
  session: RoomSession,
  root: Hash,
  changes: ReadonlyMap<string, string | undefined>,
): DeltaEntry[] {
  const delta: DeltaEntry[] = [];
  for (const [key, eventId] of changes) {
    const before = lookup(session.ports.reader, root, key);
    if (before === eventId) continue;
    const { type, stateKey } = parseStateKeyText(key);
    delta.push({ type, state_key: stateKey, event_id: eventId ?? null, replaces: before ?? null });
  }
  return delta;
}

function conflictOf(session: RoomSession, roots: readonly [Hash, ...Hash[]]): StateConflict {
  const { reader } = session.ports;
  const conflicted = new Map(conflicts(reader, roots).map(({ key, values }) => [key, values]));
  return {
    setCount: roots.length,
    conflicted,
    unconflicted(type, stateKey) {
      const key = stateKeyText(type, stateKey);
      return conflicted.has(key) ? undefined : lookup(reader, roots[0], key);
    },
    *unconflictedIds() {
      for (const [key, id] of entries(reader, roots[0])) if (!conflicted.has(key)) yield id;
    },
  };
}

function eventsOf(session: RoomSession): EventSource {
  return {
    event: (id) => session.event(id),
    rejected: (id) => isRejected(session, id),
  };
}

function graphOf(session: RoomSession): AuthGraph {
  return {
    order(id) {
      const place = session.place(id);
      // Staged records share a position; their order among themselves is that of the auth chain.
      return place === undefined ? undefined : place.position + place.index / 2 ** 20;
    },
    authEvents: (id) => session.place(id)?.authEvents,
    citedBy: (id) => session.citedBy(id),
  };
}

/** Rejected when it was received, or an outlier that its own auth events refuse. */
export function isRejected(session: RoomSession, id: string): boolean {
  const place = session.place(id);
  return place?.standing === 'rejected' || (place?.standing === 'outlier' && place.refusal !== undefined);
}
