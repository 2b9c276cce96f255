/** The thread in which projections run: see read-models.ts, which starts it. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ThreadData } from './messages.js';
import { runProjections } from './run.js';

if (parentPort === null) throw new Error('This runs in a thread of a server.');
await runProjections(parentPort, workerData as ThreadData);
