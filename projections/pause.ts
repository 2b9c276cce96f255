export { pause } from '../src/runtime/pause.js';

/** The pause before trying for the nth time again (from 0), in milliseconds: doubling, from 50 ms to 10 s. */
export function backoff(attempt: number): number {
  return Math.min(10_000, 50 * 2 ** Math.min(attempt, 20));
}
