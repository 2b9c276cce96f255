import { stateKeyText } from '../events.js';

/**
 * Where several state sets of a room differ. A caller that keeps states as tries hands over only what the walk
 * over their differing nodes yields; whatever all sets agree on is asked for by key and never listed, except
 * by `unconflictedIds` (see there).
 */
export interface StateConflict {
  /** The number of state sets. */
  readonly setCount: number;
  /**
   * Every key on which the sets do not all have the same value. Per key the event ID in each set, in the order
   * of the sets, `undefined` where a set has none. The map's key is `stateKeyText(type, stateKey)`.
   */
  readonly conflicted: ReadonlyMap<string, readonly (string | undefined)[]>;
  /** The event ID at a key on which all sets agree; `undefined` for conflicted keys and keys that no set has. */
  unconflicted(type: string, stateKey: string): string | undefined;
  /** The event IDs that all sets agree on. Walked only where the auth graph has no `citedBy` (`sources.ts`). */
  unconflictedIds(): Iterable<string>;
}

/**
 * Splits whole state maps into what is in conflict and what is not: for tests and small rooms, since the cost
 * is that of the maps.
 *
 * Specification, room version 2, Unconflicted state map and conflicted state set: "If a given key K is present
 * in every S_i with the same value V in each state map, then the pair (K, V) belongs to the unconflicted state
 * map. Otherwise, V belongs to the conflicted state set."
 *
 * @param sets maps of `stateKeyText` to event ID
 */
export function splitConflicted(sets: readonly ReadonlyMap<string, string>[]): StateConflict {
  const conflicted = new Map<string, readonly (string | undefined)[]>();
  const unconflicted = new Map<string, string>();
  for (const key of new Set(sets.flatMap((set) => [...set.keys()]))) {
    const values = sets.map((set) => set.get(key));
    const [first] = values;
    if (first !== undefined && values.every((value) => value === first)) unconflicted.set(key, first);
    else conflicted.set(key, values);
  }
  return {
    setCount: sets.length,
    conflicted,
    unconflicted: (type, stateKey) => unconflicted.get(stateKeyText(type, stateKey)),
    unconflictedIds: () => unconflicted.values(),
  };
}

/** The conflicted state set: every event ID that some set has at a conflicted key. */
export function conflictedStateSet(conflict: StateConflict): Set<string> {
  const ids = new Set<string>();
  for (const values of conflict.conflicted.values()) {
    for (const id of values) if (id !== undefined) ids.add(id);
  }
  return ids;
}
