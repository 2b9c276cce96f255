import type { RoomVersion } from '../room-versions.js';
import { ruleNumbers, type RuleName } from './rule-numbers.js';

/**
 * What the authorisation rules say about an event. `rule` is the number of the rule that refused it, in the
 * list of the room's own version (`5.3.1.4`); `reason` is a sentence that a person can act on.
 */
export type Verdict = Allowed | Refused;

export interface Allowed {
  readonly allowed: true;
}

export interface Refused {
  readonly allowed: false;
  readonly rule: string;
  readonly reason: string;
}

export const ALLOWED: Allowed = Object.freeze({ allowed: true });

/** Refuses by a rule. A rule that the version does not have is a fault of the caller, and thrown. */
export function refuse(name: RuleName, version: RoomVersion, reason: string): Refused {
  const rule = ruleNumbers(version).get(name);
  if (rule === undefined) throw new Error(`Room version ${version.id} has no rule ${name}.`);
  return { allowed: false, rule, reason };
}
