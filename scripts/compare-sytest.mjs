// Compares a run of the public suite with the lists: `node scripts/compare-sytest.mjs [--write] RESULTS.tsv`.
// With --write, the list of what passes becomes that of the run. Ends with 1 where something passes no more, or
// fails without a reason.
import { key, passingTests, readReasons, readResults, writePassing } from './sytest-lists.mjs';

const args = process.argv.slice(2).filter((arg) => arg !== '--write');
if (args.length !== 1) {
  console.error('Usage: node scripts/compare-sytest.mjs [--write] RESULTS.tsv');
  process.exit(2);
}
const results = readResults(args[0]);
const undecided = new Set(Object.values(readReasons('undecided')).flat().map(key));
const passing = results.filter((test) => test.result === 'ok' && !undecided.has(key(test)));
if (process.argv.includes('--write')) writePassing(passing);

const run = new Map(results.map((test) => [key(test), test.result]));
// Some names are there twice, even in one file: both have to pass.
for (const test of results) if (test.result !== 'ok') run.set(key(test), test.result);
const listed = new Set(passingTests().map(key));
const files = new Set(results.map(({ file }) => file));
const explained = new Set(Object.values(readReasons('failing')).flat().map(key));

const lost = passingTests().filter((test) => files.has(test.file) && run.get(key(test)) !== 'ok');
const gained = passing.filter((test) => !listed.has(key(test)));
const unexplained = results.filter(
  (test) => test.result !== 'ok' && ![listed, explained, undecided].some((known) => known.has(key(test))),
);
const outdated = [...explained].filter((test) => run.get(test) === 'ok');

function tell(title, tests) {
  if (tests.length > 0) console.log(`${title}\n${tests.map((test) => `  ${test}`).join('\n')}`);
}
tell('Passes no more:', lost.map(key));
tell('Passes, and is not listed (--write):', gained.map(key));
tell('Does not pass, and test/conformance/sytest-reasons.json does not say why:', unexplained.map(key));
tell('Passes, although sytest-reasons.json says why not:', outdated);
console.log(`${passing.length} of ${results.length} pass.`);
process.exit(lost.length + unexplained.length + outdated.length > 0 ? 1 : 0);
