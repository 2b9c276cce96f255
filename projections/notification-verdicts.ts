import type { PushDecision } from '../src/protocol/push-rules/evaluate.js';
import { keptDecision, type KeptDecision } from '../src/read-models/notified-events.js';

/** What a rule says is the same object for every event that it decides about. */
const kept = new WeakMap<PushDecision, KeptDecision>();

/** What is kept of what a user's rules say about an event; undefined where it notifies the user of nothing. */
export function keptVerdict(decision: PushDecision): KeptDecision | undefined {
  if (!decision.notify) return undefined;
  const known = kept.get(decision);
  if (known !== undefined) return known;
  const made = keptDecision(decision.highlight, decision.actions, decision.sound);
  kept.set(decision, made);
  return made;
}
