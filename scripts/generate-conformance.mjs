// The routes, test/fixtures/spec/endpoints.tsv and test/conformance -> docs/conformance.md.
// With --check: says whether the file is what generation gives.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, root } from './prepare.mjs';
import { passingTests, readReasons } from './sytest-lists.mjs';

const target = join(root, 'docs', 'conformance.md');
const text = (...parts) => readFileSync(join(root, ...parts), 'utf8');

const TITLES = {
  'client-server': 'Client-Server API',
  'server-server': 'Server-Server API',
  'application-service': 'Application Service API',
  identity: 'Identity Service API',
  'push-gateway': 'Push Gateway API',
};

/** The specification's operations, in its order. */
function operations() {
  const [head, ...lines] = text('test', 'fixtures', 'spec', 'endpoints.tsv').trim().split('\n');
  const names = head.split('\t');
  return lines
    .filter((line) => !line.startsWith('#'))
    .map((line) => Object.fromEntries(line.split('\t').map((value, i) => [names[i], value])));
}

/** What is answered: `GET /_matrix/client/v3/sync`. The handlers are never called, so what they stand on is not there. */
async function registered() {
  build();
  const of = (file) => import(join(root, 'dist', 'src', file));
  const [{ clientRoutes }, { clientSettings }, { loadConfig }] = [
    await of('http/client/routes.js'),
    await of('http/client/client-api.js'),
    await of('config.js'),
  ];
  const config = loadConfig({ file: undefined, env: {}, cwd: root });
  const write = { ports: { clock: undefined, random: undefined } };
  const routes = clientRoutes({ settings: clientSettings(config), write }, config);
  return new Set(routes.flatMap(({ method, paths }) => paths.map((path) => `${method} ${path}`)));
}

const code = (value) => `\`${value}\``;

async function generate() {
  const all = operations();
  const there = await registered();
  const { differs, absent } = JSON.parse(text('test', 'conformance', 'remarks.json'));
  const known = new Set(all.map(({ method, path }) => `${method} ${path}`));
  for (const name of Object.keys(differs)) {
    if (!known.has(name) || !there.has(name)) throw new Error(`remarks.json: ${name} is not there.`);
  }
  const rows = all.map((operation) => {
    const name = `${operation.method} ${operation.path}`;
    if (there.has(name)) {
      const remark = differs[name];
      return { ...operation, name, state: remark === undefined ? 'there' : 'differs', remark: remark ?? '' };
    }
    const reason = absent.find(
      ({ api, tag = operation.tag, operation: id = operation.operationId }) =>
        api === operation.api && tag === operation.tag && id === operation.operationId,
    );
    return { ...operation, name, state: 'not there', remark: reason.why };
  });
  return [
    '# Conformance',
    '',
    'Made by `npm run generate` from the routes, from the specification’s list of operations and from what `test/conformance` says. Do not edit.',
    '',
    'What is not there answers 404 `M_UNRECOGNIZED`, and what is there is held against the specification’s schemas by every test.',
    '',
    ...totals(rows),
    ...Object.entries(TITLES).flatMap(([api, title]) =>
      table(
        title,
        rows.filter((row) => row.api === api),
      ),
    ),
    ...sytest(),
    '',
  ].join('\n');
}

function totals(rows) {
  const count = (api, state) => rows.filter((row) => row.api === api && row.state === state).length;
  const line = (api, title) =>
    `| ${title} | ${count(api, 'there')} | ${count(api, 'differs')} | ${count(api, 'not there')} |`;
  return [
    '| | there | differs | not there |',
    '| --- | --- | --- | --- |',
    ...Object.entries(TITLES).map(([api, title]) => line(api, title)),
    '',
  ];
}

function table(title, rows) {
  const line = ({ name, state, remark, deprecated }) =>
    `| ${code(name)}${deprecated === 'y' ? ' (deprecated)' : ''} | ${state} | ${remark} |`;
  return [`## ${title}`, '', '| operation | | |', '| --- | --- | --- |', ...rows.map(line), ''];
}

/** The tests of the public suite that do not pass, by reason. */
function sytest() {
  const reasons = { ...readReasons('failing'), ...readReasons('undecided') };
  const failing = Object.values(reasons).flat().length;
  const lines = Object.entries(reasons).flatMap(([reason, tests]) => [
    `### ${reason}`,
    '',
    ...tests.map(({ file, name }) => `- ${name} (${code(file)})`),
    '',
  ]);
  return [
    '## Sytest',
    '',
    `Of the tests of \`matrix-org/sytest\` that are run (docs/testing.md), ${passingTests().length} pass: \`test/conformance/sytest-passing.txt\`. The other ${failing}, by reason:`,
    '',
    ...lines,
  ];
}

const made = await generate();
if (process.argv.includes('--check')) {
  if (!existsSync(target) || readFileSync(target, 'utf8') !== made) {
    console.error('docs/conformance.md is not what generation gives: run `npm run generate` and commit it.');
    process.exit(1);
  }
} else {
  writeFileSync(target, made);
}
