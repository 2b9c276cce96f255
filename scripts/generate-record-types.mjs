// schemas/records/*.json -> src/log/records.ts. With --check: says whether the file is what generation gives.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile } from 'json-schema-to-typescript';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'schemas', 'records');
const target = join(root, 'src', 'log', 'records.ts');

/** `room.event.accepted.v1.json` -> its type, version, schema and interface. */
function load(file) {
  const schema = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  const match = /^([a-z_.]+)\.v([1-9][0-9]*)\.json$/.exec(file);
  if (match === null) throw new Error(`${file}: a record schema is named <type>.v<version>.json.`);
  const [, type, version] = match;
  const words = type.split(/[._]/).map((word) => word[0].toUpperCase() + word.slice(1));
  const title = `${words.join('')}V${version}`;
  if (schema.$id !== `${type}.v${version}`) throw new Error(`${file}: $id should be "${type}.v${version}".`);
  if (schema.title !== title) throw new Error(`${file}: title should be "${title}".`);
  const sealed = schema['x-sealed'] ?? [];
  for (const field of sealed) {
    if (schema.properties[field] === undefined)
      throw new Error(`${file}: x-sealed names no property: ${field}.`);
    if (schema.required.includes(field))
      throw new Error(`${file}: ${field} may be forgotten, so it cannot be required.`);
  }
  return { type, version: Number(version), title, schema, sealed };
}

/** Makes every property and array readonly: records are values. */
function readonly(source) {
  const positions = [];
  const visit = (node) => {
    if (ts.isPropertySignature(node) || ts.isIndexSignatureDeclaration(node) || ts.isArrayTypeNode(node)) {
      positions.push(node.getStart(file));
    }
    ts.forEachChild(node, visit);
  };
  const file = ts.createSourceFile('records.ts', source, ts.ScriptTarget.ESNext, true);
  visit(file);
  positions.sort((a, b) => b - a);
  return positions.reduce((text, at) => `${text.slice(0, at)}readonly ${text.slice(at)}`, source);
}

async function generate() {
  const records = readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map(load);
  const newest = new Map();
  for (const record of records) {
    const other = newest.get(record.type);
    if (other === undefined || other.version < record.version) newest.set(record.type, record);
  }
  // What the log stages large appends with is its own affair: nobody else appends or reads it.
  const members = [...newest.values()].filter(({ type }) => !type.startsWith('log.'));
  const parts = ['// Generated from schemas/records by `npm run generate`. Do not edit.\n'];
  for (const { schema, title } of records) {
    parts.push(
      readonly(
        await compile(schema, title, {
          bannerComment: '',
          ignoreMinAndMaxItems: true,
          style: { singleQuote: true, printWidth: 110 },
        }),
      ),
    );
  }
  parts.push(
    '/** What a record says: its type, the version of its schema, and data. The newest version of each type. */',
    'export type RecordBody =',
    ...members
      .map(
        ({ type, version, title }) =>
          `  | { readonly type: '${type}'; readonly version: ${version}; readonly data: ${title} }`,
      )
      .map((line, index, all) => (index === all.length - 1 ? `${line};\n` : line)),
    "export type RecordType = RecordBody['type'];\n",
    'export type RecordOf<T extends RecordType> = Extract<RecordBody, { readonly type: T }>;\n',
    '/** The newest version of every type. */',
    'export const RECORD_VERSIONS = {',
    ...members.map(({ type, version }) => `  '${type}': ${version},`),
    "} as const satisfies { readonly [T in RecordType]: RecordOf<T>['version'] };\n",
    'export const RECORD_TYPES: readonly RecordType[] = [',
    ...members.map(({ type }) => `  '${type}',`),
    '];\n',
    '/** The data properties that are sealed, by type and version; those without any are not listed. */',
    'export const SEALED_FIELDS: ReadonlyMap<string, readonly string[]> = new Map([',
    ...records
      .filter(({ sealed }) => sealed.length > 0)
      .map(
        ({ type, version, sealed }) =>
          `  ['${type}.v${version}', [${sealed.map((f) => `'${f}'`).join(', ')}]],`,
      ),
    ']);\n',
  );
  return parts.join('\n');
}

const text = await generate();
if (process.argv.includes('--check')) {
  if (!existsSync(target) || readFileSync(target, 'utf8') !== text) {
    console.error(
      'src/log/records.ts is not what schemas/records gives: run `npm run generate` and commit it.',
    );
    process.exit(1);
  }
} else {
  writeFileSync(target, text);
}
