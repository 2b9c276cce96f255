import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { StartThread } from './messages.js';

/** How to start the thread, as built; undefined where there is one core, on which it would only cost. */
export function projectionThread(): StartThread | undefined {
  if (availableParallelism() < 2) return undefined;
  const file = new URL('./thread.js', import.meta.url);
  return (workerData) => new Worker(file, { workerData });
}
