// A server without listeners that forgets what a data folder has to be forgotten, and kills itself on the way:
// `node forgetting-child.js FOLDER STEP`. A step is a look at the clock or a call of the file system that changes
// something: there are some before and after everything that is written. Says `done` and the number of steps when nothing
// was left to be done.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { setTimeout } from 'node:timers/promises';
import type { Clock } from '../../src/runtime/clock.js';

const [folder = '', last = '0'] = process.argv.slice(2);
let steps = 0;

function step(): void {
  if (++steps === Number(last)) process.kill(process.pid, 'SIGKILL');
}

/** The functions of the file system that write durable files: each call is a step before and one after it. */
function watchFiles(): void {
  const { fsyncSync, renameSync, writeSync, rmSync } = fs;
  const watched =
    <A extends unknown[], R>(call: (...args: A) => R) =>
    (...args: A): R => {
      step();
      const result = call(...args);
      step();
      return result;
    };
  Object.assign(fs, {
    fsyncSync: watched(fsyncSync),
    renameSync: watched(renameSync),
    writeSync: watched(writeSync as (...args: Parameters<typeof fs.writeSync>) => number),
    rmSync: watched(rmSync),
  });
  syncBuiltinESMExports();
}

watchFiles();
const { loadConfig } = await import('../../src/config.js');
const { openCore } = await import('../../src/server.js');
const { systemClock } = await import('../../src/runtime/clock.js');

const clock: Clock = {
  now: () => {
    step();
    return systemClock.now();
  },
  monotonic: () => {
    step();
    return systemClock.monotonic();
  },
  after: (milliseconds, callback) => systemClock.after(milliseconds, callback),
};
const config = loadConfig({ file: undefined, env: process.env, cwd: folder });
const core = await openCore(config, { clock });
const { log } = core;

async function isDone(): Promise<boolean> {
  let to = -1;
  let isErased = false;
  let isRedacted = false;
  for await (const { records } of log.read('forgotten')) {
    for (const record of records) {
      if (record.type !== 'content.forgotten') continue;
      to = record.position;
      isRedacted ||= record.data.cause === 'redacted';
      // The account's own stream comes last.
      isErased ||= record.data.events.length === 0;
    }
  }
  if (!isErased || !isRedacted) return false;
  return ((await core.read.store.scrubbing?.scrubbed()) ?? -1) >= to;
}

while (!(await isDone())) await setTimeout(5);
await core.close();
fs.writeSync(1, `done ${steps}\n`);
