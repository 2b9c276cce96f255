// The lists of test/conformance: which tests of the public suite pass, and why the others do not.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './prepare.mjs';

const PASSING = join(root, 'test', 'conformance', 'sytest-passing.txt');
const REASONS = join(root, 'test', 'conformance', 'sytest-reasons.json');

/** A test is known by its file and its name: some names are in several files. */
export const key = ({ file, name }) => `${file}: ${name}`;

/** `sytest-passing.txt`: names, below the files that they are in. */
export function passingTests() {
  if (!existsSync(PASSING)) return [];
  const tests = [];
  let file = '';
  for (const line of readFileSync(PASSING, 'utf8').split('\n')) {
    if (line.startsWith('# ')) file = line.slice(2);
    else if (line !== '') tests.push({ file, name: line });
  }
  return tests;
}

export function writePassing(tests) {
  const parts = [...byFile(tests)].sort(([a], [b]) => (a < b ? -1 : 1));
  const text = parts.map(([file, found]) => `# ${file}\n${found.map(({ name }) => `${name}\n`).join('')}`);
  writeFileSync(PASSING, text.join('\n'));
}

function byFile(tests) {
  const groups = new Map();
  for (const test of tests) groups.set(test.file, [...(groups.get(test.file) ?? []), test]);
  return groups;
}

/** `sytest-reasons.json`: lists of `file: name` by the reason why they do not pass, or why it is chance whether they do. */
export function readReasons(kind) {
  const reasons = JSON.parse(readFileSync(REASONS, 'utf8'))[kind];
  const parsed = Object.entries(reasons).map(([reason, tests]) => [
    reason,
    tests.map((text) => {
      const colon = text.indexOf(': ');
      return { file: text.slice(0, colon), name: text.slice(colon + 2) };
    }),
  ]);
  return Object.fromEntries(parsed);
}

/** The tests of a run: `results.tsv` as the tool writes it. */
export function readResults(file) {
  const [head, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n');
  const names = head.split('\t');
  return lines.map((line) => Object.fromEntries(line.split('\t').map((value, i) => [names[i], value])));
}
