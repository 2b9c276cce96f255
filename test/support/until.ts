import { setImmediate } from 'node:timers/promises';

/** Lets the event loop turn until something holds; gives up where a test would have hung (20 seconds). */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error('It never came to what the test waits for.');
    await setImmediate();
  }
}
