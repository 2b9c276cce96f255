// schemas/client/*.json -> src/http/client/types.ts. With --check: says whether the file is what generation gives.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile } from 'json-schema-to-typescript';
import { readonlyTypes } from './readonly-types.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'schemas', 'client');
const target = join(root, 'src', 'http', 'client', 'types.ts');

/** `getUserProfile` -> `GetUserProfile`, `logout_all` -> `LogoutAll`. */
const typeName = (name) =>
  name
    .split('_')
    .map((word) => word[0].toUpperCase() + word.slice(1))
    .join('');

/** References become local, since all definitions end up in one schema. */
function localise(value) {
  if (Array.isArray(value)) return value.map(localise);
  if (typeof value !== 'object' || value === null) return value;
  const copy = {};
  for (const [key, member] of Object.entries(value)) {
    copy[key] =
      key === '$ref'
        ? member.replace(/^.*#\/\$defs\/(.*)$/, (_, name) => `#/$defs/${typeName(name)}`)
        : localise(member);
  }
  return copy;
}

/** What a handler is given has defaults filled in, so a parameter with one is always there. */
function filled(part) {
  if (part.properties === undefined) return part;
  const present = Object.keys(part.properties).filter((name) => part.properties[name].default !== undefined);
  return { ...part, required: [...new Set([...(part.required ?? []), ...present])] };
}

async function generate() {
  const definitions = {};
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()) {
    const schema = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    for (const [name, definition] of Object.entries(schema.$defs)) {
      const title = typeName(name);
      if (definitions[title] !== undefined) throw new Error(`${file}: ${name} is defined twice.`);
      const local = localise(definition);
      if (file !== 'identifiers.json') {
        for (const part of ['params', 'query']) {
          if (local.properties[part] !== undefined) local.properties[part] = filled(local.properties[part]);
        }
        local.required = Object.keys(local.properties);
      }
      definitions[title] = { ...local, title };
    }
  }
  const text = await compile({ title: 'Root', type: 'object', $defs: definitions }, 'Root', {
    additionalProperties: false,
    bannerComment: '',
    ignoreMinAndMaxItems: true,
    unreachableDefinitions: true,
    style: { singleQuote: true, printWidth: 110, trailingComma: 'all' },
  });
  const banner =
    '// Generated from schemas/client by `node scripts/generate-http-types.mjs`. Do not edit.\n' +
    "import type { JsonObject, JsonValue } from '../../protocol/json.js';\n\n";
  return (
    banner +
    readonlyTypes(text)
      .replace(/export interface Root \{\}\n+/, '')
      // The generator explains where each definition came from, in the bundle that nobody sees.
      .replaceAll(/\n \*\n \* This interface was referenced by [^\n]*\n \* via the `definition` [^\n]*/g, '')
      .replaceAll(
        /\/\*\*\n \* This interface was referenced by [^\n]*\n \* via the `definition` [^\n]*\n \*\/\n/g,
        '',
      )
  );
}

const text = await generate();
if (process.argv.includes('--check')) {
  if (!existsSync(target) || readFileSync(target, 'utf8') !== text) {
    console.error(
      'src/http/client/types.ts is not what schemas/client gives: run `node scripts/generate-http-types.mjs` and commit it.',
    );
    process.exit(1);
  }
} else {
  writeFileSync(target, text);
}
