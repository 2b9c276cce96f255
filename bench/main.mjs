// `npm run bench`: what docs/performance.md says. Prints the table of what is measured, and writes it as JSON.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Bench } from './bench.mjs';
import { machine, machineText } from './machine.mjs';
import { measureRow } from './measure.mjs';
import { RESULT_HEAD, resultLine } from './report.mjs';
import { rowsNamed } from './rows.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    seconds: { type: 'string' },
    small: { type: 'boolean', default: false },
    scale: { type: 'string' },
    json: { type: 'string' },
    profiles: { type: 'string' },
  },
});

const rows = rowsNamed(options.only?.split(','));
const scale = Number(options.scale ?? (options.small ? 0.02 : 1));
const seconds = Number(options.seconds ?? (options.small ? 1 : 5));
const facts = machine(ROOT);
const stamp = facts.date.replace(/[:.]/g, '-');
const file = options.json ?? join(ROOT, 'bench', 'results', `${stamp}.json`);

console.log(`${machineText(facts)}\n`);
if (scale < 1)
  console.log(`A quick pass, with data of ${scale} of the size: it shows that all works, no more.\n`);
console.log(RESULT_HEAD);
const bench = new Bench({ root: ROOT, seconds, scale, profiles: options.profiles });
const results = [];
try {
  for (const row of rows) {
    const result = await measureRow(row, bench);
    results.push({ name: row.name, what: row.what, ...result });
    console.log(resultLine(row, result, scale));
  }
} finally {
  bench.close();
}
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${JSON.stringify({ machine: facts, seconds, scale, results }, null, 2)}\n`);
console.log(`\nWritten to ${file}`);
if (results.some(({ failed }) => failed === true)) process.exitCode = 1;
