import type { RoomVersion } from '../room-versions.js';
import type { StateConflict } from './conflict.js';
import type { Authorise } from './rules.js';
import type { AuthGraph, EventSource } from './sources.js';
import type { Tracer } from './trace.js';

/** All that a resolution looks at. */
export interface ResolutionInput {
  readonly version: RoomVersion;
  readonly conflict: StateConflict;
  readonly events: EventSource;
  /** Not used by version 1 of the algorithm. */
  readonly graph: AuthGraph;
  readonly authorise: Authorise;
  readonly trace: Tracer | undefined;
}

/**
 * What the resolution says beyond the unconflicted state: for every conflicted key (and every other key that the
 * auth difference brought in) its event ID, or `undefined` where no candidate was allowed and the key is absent
 * from the resolved state. Keys are `stateKeyText`. Laid over the unconflicted state it is the resolved state.
 */
export type Resolution = ReadonlyMap<string, string | undefined>;
