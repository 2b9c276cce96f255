// schemas/config.json -> src/config/types.ts and docs/configuration.md.
// With --check: says whether the files are what generation gives.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { compile } from 'json-schema-to-typescript';
import { format, resolveConfig } from 'prettier';
import ts from 'typescript';
import { root } from './prepare.mjs';
import { readonlyTypes } from './readonly-types.mjs';

const check = process.argv.includes('--check');
const schema = JSON.parse(readFileSync(join(root, 'schemas', 'config.json'), 'utf8'));
const stale = [];

/** Writes the file, or with --check notes that it is not what it should be. */
function put(path, text) {
  const file = join(root, path);
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
  if (check) stale.push(path);
  else writeFileSync(file, text);
}

/** The schema of a configuration that is loaded: whatever has a default is there. */
function loaded(schema) {
  const properties = Object.entries(schema.properties ?? {});
  const required = properties.filter(
    ([key, { default: d }]) => d !== undefined || schema.required?.includes(key),
  );
  return {
    ...schema,
    ...(schema.properties && {
      required: required.map(([key]) => key),
      properties: Object.fromEntries(properties.map(([key, inner]) => [key, loaded(inner)])),
    }),
    ...(schema.items && { items: loaded(schema.items) }),
  };
}

/** src/config/schema.ts itself, so that the words for what a key takes are those of the error messages. */
async function helpers() {
  const source = readFileSync(join(root, 'src', 'config', 'schema.ts'), 'utf8');
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
  });
  // As deep as its source, so that it finds the schema.
  const file = join(root, 'dist', 'generate', 'schema.js');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, outputText);
  return import(pathToFileURL(file).href);
}

async function types() {
  const source = await compile(loaded(schema), 'Config', {
    additionalProperties: false,
    bannerComment: '// Generated from schemas/config.json by scripts/generate-config-docs.mjs. Do not edit.',
    ignoreMinAndMaxItems: true,
    format: false,
  });
  const file = join(root, 'src', 'config', 'types.ts');
  return format(readonlyTypes(source), { ...(await resolveConfig(file)), filepath: file });
}

/** A key's line, then those of the keys in it. */
function rows(schema, path, helpers) {
  const lines = [];
  for (const [key, inner] of Object.entries(schema.properties)) {
    const here = [...path, key];
    const isObject = inner.properties !== undefined;
    const isList = inner.items?.properties !== undefined;
    const takes = isObject || isList ? kind(inner) : helpers.describe(inner);
    const example = inner.examples ?? inner.items?.examples;
    const description =
      example === undefined ? inner.description : `${inner.description} Example: ${code(example[0])}`;
    lines.push(
      `| ${[`\`${helpers.pathText(here)}\``, description, takes, byDefault(schema, key, inner), `\`${helpers.variableName(here)}\``].map(cell).join(' | ')} |`,
    );
    if (isObject) lines.push(...rows(inner, here, helpers));
    if (isList) lines.push(...rows(inner.items, [...here, 0], helpers));
  }
  return lines;
}

const kind = (schema) =>
  schema.items !== undefined
    ? 'a list of objects'
    : schema.type.includes('null')
      ? 'an object, or null'
      : 'an object';
const code = (value) => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
const cell = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function byDefault(parent, key, { default: value, properties, items }) {
  if (value === undefined) return parent.required?.includes(key) ? 'required' : '';
  if (properties !== undefined && value !== null) return '';
  if (items?.properties !== undefined) return 'one, with the defaults below';
  return code(typeof value === 'string' ? JSON.stringify(value) : value);
}

function docs(helpers) {
  return [
    '<!-- Generated from schemas/config.json by scripts/generate-config-docs.mjs. Do not edit. -->',
    '',
    '# Configuration',
    '',
    'Every key has a default: without any configuration Engram serves `localhost`, from `./data`, on port 8008.',
    'What is set comes from a file, `engram serve --config FILE`, in YAML or JSON, and from environment variables,',
    'which win over the file.',
    '',
    '```yaml',
    'server_name: example.org',
    'public_baseurl: https://matrix.example.org',
    'data_dir: /var/lib/engram',
    'listeners:',
    '  - { host: 127.0.0.1, port: 8008, resources: [client, federation] }',
    '```',
    '',
    "A variable's name is `ENGRAM_` and the key's path in capitals, its levels joined by `__`; items of a list are",
    'counted from 0. Lists and objects can also be given whole, as YAML or JSON:',
    '',
    '```sh',
    'ENGRAM_SERVER_NAME=example.org',
    'ENGRAM_LISTENERS__0__PORT=8009',
    'ENGRAM_LISTENERS=\'[{ "port": 8009, "resources": ["client", "health"] }]\'',
    '```',
    '',
    'An empty variable counts as not set. Paths in the file are relative to its folder, all others to the folder that',
    'the server is started in.',
    '',
    '`engram config check --config FILE` tells everything that is wrong, or what the configuration comes to.',
    '',
    '| key | what it is | takes | default | variable |',
    '| --- | --- | --- | --- | --- |',
    ...rows(schema, [], helpers),
    '',
  ].join('\n');
}

put(join('src', 'config', 'types.ts'), await types());
put(join('docs', 'configuration.md'), docs(await helpers()));

if (stale.length > 0) {
  console.error(`Not as generated: ${stale.join(', ')}. Run: node scripts/generate-config-docs.mjs`);
  process.exit(1);
}
