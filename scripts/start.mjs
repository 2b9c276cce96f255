// `npm start [-- options of serve]`: install and build where needed, then serve in this very process,
// so that signals reach the server and not a wrapper.
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { build, install, root } from './prepare.mjs';

/** Milliseconds between two looks whether the parent is still there. */
const LOOK = 250;

install();
build();

// npm puts a shell in between. A signal to npm ends the shell, which does not pass it on: the server would be left
// running without anybody. That its parent has changed is how it gets to know.
if (process.env.npm_lifecycle_event !== undefined) {
  const parent = process.ppid;
  const look = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(look);
    process.kill(process.pid, 'SIGTERM');
  }, LOOK);
  look.unref();
}

process.argv.splice(2, 0, 'serve');
await import(pathToFileURL(join(root, 'dist', 'main.js')).href);
