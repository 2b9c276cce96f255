import type { StateKey } from '../events.js';

/** What became of one candidate for a key. */
export type Fate =
  | { readonly fate: 'won' }
  /** It was allowed, and an event later in the order took its place. */
  | { readonly fate: 'replaced'; readonly by: string }
  | { readonly fate: 'refused'; readonly rule: string; readonly reason: string }
  /** Version 1: an event before it in the order decided the matter, it was not looked at. */
  | { readonly fate: 'passed over' }
  /** Version 2 and later: all sets agree on another event (algorithm, step 5). */
  | { readonly fate: 'unconflicted'; readonly by: string };

/** One step of a resolution, in the order in which they happen. */
export type TraceStep =
  | {
      readonly step: 'conflicted';
      /** The key, and per set its event ID. */
      readonly keys: readonly (StateKey & { readonly values: readonly (string | undefined)[] })[];
    }
  /** The events that come in besides: the auth difference and (version 2.1) the conflicted state subgraph. */
  | {
      readonly step: 'added';
      readonly authDifference: readonly string[];
      readonly conflictedSubgraph: readonly string[];
    }
  /** The order in which events are about to be applied; version 1 has one such list per key. */
  | { readonly step: 'ordered'; readonly phase: Phase; readonly events: readonly string[] }
  | { readonly step: 'allowed'; readonly phase: Phase; readonly event: string }
  | {
      readonly step: 'refused';
      readonly phase: Phase;
      readonly event: string;
      readonly rule: string;
      readonly reason: string;
    }
  /** Version 1: taken without a check, as the first of a list or because every other one was refused. */
  | { readonly step: 'assumed'; readonly phase: Phase; readonly event: string }
  /** A key's result; `winner` is `undefined` where no candidate was allowed. */
  | {
      readonly step: 'resolved';
      readonly key: StateKey;
      readonly winner: string | undefined;
      readonly candidates: readonly (Fate & { readonly event: string })[];
    };

/**
 * Versions 2 and later: `power` (reverse topological power ordering), then `mainline`. Version 1: `power_levels`,
 * `join_rules`, `members`, `others`.
 */
export type Phase = 'power' | 'mainline' | 'power_levels' | 'join_rules' | 'members' | 'others';

/** Is told every step of a resolution. Where there is none, nothing is collected. */
export type Tracer = (step: TraceStep) => void;

/** What a refusal says of an event that had been rejected on receipt. */
export const REJECTED = {
  rule: 'rejected',
  reason: 'The event was rejected when it was received, and rejected events never enter the state.',
} as const;
