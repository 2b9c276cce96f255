// `npm run bench`: what docs/performance.md says. Prints the table of what is measured, and writes it as JSON.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Bench } from './bench.mjs';
import { compare } from './compare.mjs';
import { machine, machineText } from './machine.mjs';
import { measureRow } from './measure.mjs';
import { readOptions } from './options.mjs';
import { RESULT_HEAD, resultLine } from './report.mjs';
import { rowsNamed } from './rows.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Measures every row once. */
async function measureAll(rows, options) {
  console.log(RESULT_HEAD);
  const bench = new Bench({ root: ROOT, ...options });
  const results = [];
  try {
    for (const row of rows) {
      const result = await measureRow(row, bench);
      results.push({ name: row.name, what: row.what, ...result });
      console.log(resultLine(row, result, options.scale));
    }
  } finally {
    bench.close();
  }
  if (results.some(({ failed }) => failed === true)) process.exitCode = 1;
  return { results };
}

let options;
let rows;
try {
  options = readOptions(process.argv.slice(2));
  rows = rowsNamed(options.only);
} catch (error) {
  console.error(error.message);
  process.exit(2);
}
// What was started and made goes with this process: see the listeners of `exit`.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
const facts = machine(ROOT);
const { seconds, scale } = options;
console.log(`${machineText(facts)}\n`);
if (scale < 1)
  console.log(`A quick pass, with data of ${scale} of the size: it shows that all works, no more.\n`);
const measured =
  options.compare === undefined
    ? await measureAll(rows, options)
    : { compared: await compare(options.compare, rows, { root: ROOT, ...options }) };
const file = options.json ?? join(ROOT, 'bench', 'results', `${facts.date.replace(/[:.]/g, '-')}.json`);
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${JSON.stringify({ machine: facts, seconds, scale, ...measured }, null, 2)}\n`);
console.log(`\nWritten to ${file}`);
