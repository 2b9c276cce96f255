// `npm run fuzz [-- seconds]`: random requests for longer than the tests have time for, and many stories of rooms.
import { join } from 'node:path';
import { build, install, root, run } from './prepare.mjs';

const seconds = process.argv[2] ?? '600';
install();
build();
run(process.execPath, [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', 'test/fuzz'], {
  env: { ENGRAM_MODEL_RUNS: '1000', ...process.env, ENGRAM_FUZZ_SECONDS: seconds },
});
