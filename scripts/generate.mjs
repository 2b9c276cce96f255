// Everything that is generated from schemas: `npm run generate`, or `-- --check` to see whether it is up to date.
import { join } from 'node:path';
import { root, run } from './prepare.mjs';

const GENERATORS = [
  'generate-record-types.mjs',
  'generate-http-types.mjs',
  'generate-config-docs.mjs',
  'generate-conformance.mjs',
];

for (const generator of GENERATORS) {
  run(process.execPath, [join(root, 'scripts', generator), ...process.argv.slice(2)]);
}
