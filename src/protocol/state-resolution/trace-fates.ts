import { stateKeyText, type RoomEvent } from '../events.js';
import type { Resolution } from './resolution.js';
import type { Fate, Tracer, TraceStep } from './trace.js';

type Refusal = Extract<Fate, { fate: 'refused' }>;

/** Passes the steps on, and keeps what the last ones say of each event, to report per key what won and why. */
export interface FateTracer {
  readonly trace: Tracer;
  /**
   * Tells the tracer the result of every key that a candidate stood for.
   *
   * @param unconflicted the event on which all sets agree, at the key of an event
   */
  report(
    candidates: readonly RoomEvent[],
    resolution: Resolution,
    unconflicted: (event: RoomEvent) => string | undefined,
  ): void;
}

export function traceFates(out: Tracer): FateTracer {
  const refused = new Map<string, Refusal>();
  const trace: Tracer = (step: TraceStep) => {
    if (step.step === 'refused') {
      refused.set(step.event, { fate: 'refused', rule: step.rule, reason: step.reason });
    }
    out(step);
  };
  return {
    trace,
    report: (candidates, resolution, unconflicted) => {
      const byKey = new Map<string, RoomEvent[]>();
      for (const event of candidates) {
        if (event.stateKey === undefined) continue;
        const text = stateKeyText(event.type, event.stateKey);
        const others = byKey.get(text);
        if (others === undefined) byKey.set(text, [event]);
        else others.push(event);
      }
      for (const [text, events] of byKey) {
        const [{ type, stateKey = '' }] = events as [RoomEvent, ...RoomEvent[]];
        const agreed = unconflicted(events[0] as RoomEvent);
        const winner = agreed ?? resolution.get(text);
        const fates = events.map(({ eventId }) => ({
          event: eventId,
          ...fateOf(eventId, winner, agreed, refused.get(eventId)),
        }));
        out({ step: 'resolved', key: { type, stateKey }, winner, candidates: fates });
      }
    },
  };
}

function fateOf(
  event: string,
  winner: string | undefined,
  agreed: string | undefined,
  refusal: Refusal | undefined,
): Fate {
  if (event === winner) return { fate: 'won' };
  if (refusal !== undefined) return refusal;
  if (agreed !== undefined) return { fate: 'unconflicted', by: agreed };
  // Allowed and not the winner: a later one took its place, so that there is a winner.
  return { fate: 'replaced', by: winner ?? '' };
}
