import { Interrupted, type Io } from './cli/io.js';
import { runCommandLine } from './cli/program.js';
import { reportCrash } from './logger/crash.js';

/**
 * A second signal ends the program at once; but npm passes on a Ctrl-C that the terminal has already sent to the
 * whole group, so what follows within this time (milliseconds) is the same one.
 */
const SAME_SIGNAL = 500;

/** Aborts at the first SIGINT or SIGTERM. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  let first = 0;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      const reason = new Interrupted(signal);
      if (!controller.signal.aborted) {
        first = performance.now();
        controller.abort(reason);
      } else if (performance.now() - first > SAME_SIGNAL) {
        process.exit(reason.exitCode);
      }
    });
  }
  return controller.signal;
}

/** Nobody knows what state a program is in after an error that nobody expected: it is logged whole, and that is all. */
process.on('uncaughtException', (error) => {
  reportCrash(error);
  process.exit(1);
});

// `engram log cat | head` is done when head is; a log that nobody reads any more is no reason to end.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});
process.stderr.on('error', () => undefined);

const io: Io = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  signal: interruption(),
};

// What is waited for may be nothing but time: for a store to come back, before anything is listened to.
setInterval(() => undefined, 60_000);
const exitCode = await runCommandLine(process.argv.slice(2), io);

// What was written to a pipe may still be on its way; whatever else is open is not waited for.
await new Promise<void>((resolve) => {
  process.stdout.write('', () => {
    process.stderr.write('', () => {
      resolve();
    });
  });
});
process.exit(exitCode);
