// `npm start [-- options of serve]`: install and build where needed, then serve in this very process,
// so that signals reach the server and not a wrapper.
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { build, install, root } from './prepare.mjs';

install();
build();
process.argv.splice(2, 0, 'serve');
await import(pathToFileURL(join(root, 'dist', 'main.js')).href);
