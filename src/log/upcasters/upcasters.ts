import type { JsonObject } from '../json.js';

/** Lifts data of one version of a record type to the next. Pure: an old record reads the same for ever. */
export interface Upcaster {
  readonly type: string;
  /** The version it takes; it gives the one above. */
  readonly from: number;
  lift(data: JsonObject): JsonObject;
}

/** Every upcaster there is; none while every type is at its first version. */
export const UPCASTERS: readonly Upcaster[] = [];

/** Data at the newest version of its type, or the reason why it cannot be had. */
export type Lifted =
  | { readonly ok: true; readonly version: number; readonly data: JsonObject }
  | { readonly ok: false; readonly reason: string };

/** A function that lifts data of any version to the newest, step by step. The newest costs one look-up. */
export function lifter(
  newest: ReadonlyMap<string, number>,
  upcasters: readonly Upcaster[],
): (type: string, version: number, data: JsonObject) => Lifted {
  const steps = new Map(upcasters.map((upcaster) => [`${upcaster.type}.v${upcaster.from}`, upcaster]));
  return (type, version, data) => {
    const target = newest.get(type);
    if (target === undefined) return { ok: false, reason: `The type ${type} is not known.` };
    if (version > target) {
      return { ok: false, reason: `Version ${version} of ${type} is newer than this program.` };
    }
    let lifted = data;
    for (let at = version; at < target; at++) {
      const step = steps.get(`${type}.v${at}`);
      if (step === undefined) return { ok: false, reason: `No upcaster lifts version ${at} of ${type}.` };
      try {
        lifted = step.lift(lifted);
      } catch (error) {
        const why = error instanceof Error ? error.message : 'it failed';
        return { ok: false, reason: `The upcaster of version ${at} of ${type}: ${why}` };
      }
    }
    return { ok: true, version: target, data: lifted };
  };
}
