import type { Clock } from '../runtime/clock.js';

/** Milliseconds; who looks at the health does not wait for long either. */
const PATIENCE = 2000;

/** Whether a store answers: where it is on a server, that may be away. */
export function answers(asked: Promise<unknown>, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = clock.after(PATIENCE, () => {
      resolve(false);
    });
    const settle = (answered: boolean) => () => {
      timer.cancel();
      resolve(answered);
    };
    asked.then(settle(true), settle(false));
  });
}
