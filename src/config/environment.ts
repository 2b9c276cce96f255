import { parseConfig } from './file.js';
import { nearest } from './nearest.js';
import { allPaths, type ConfigProblem } from './problems.js';
import {
  configSchema,
  pathText,
  types,
  VARIABLE_PREFIX,
  variableName,
  type ConfigPath,
  type ConfigSchema,
} from './schema.js';

/** Variables of tools that start the server and hand it their whole environment: they are not ours to judge. */
const OTHERS = new Set([
  'ENGRAM_CMD',
  'ENGRAM_CONFIG_EXTRA',
  'ENGRAM_CWD',
  'ENGRAM_JSON_APP_SERVICES',
  'ENGRAM_LOG_LEVEL',
  'ENGRAM_PLAIN_CLIENTS',
  'ENGRAM_TSV',
]);
/** What Docker and Kubernetes set for a service of the name "engram". */
const SERVICE = /^ENGRAM_(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP)(?:_\w+)?)$/;
const SERVICE_URL = /^(?:tcp|udp):\/\//;

/** A value that an environment variable sets. */
export interface Override {
  readonly path: ConfigPath;
  readonly value: unknown;
  readonly variable: string;
}

/**
 * What the environment says, whole objects and lists before their parts. An empty variable counts as not set.
 * Text is taken as it is; everything else is read as YAML, so as JSON too.
 */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): {
  overrides: Override[];
  problems: ConfigProblem[];
} {
  const overrides: Override[] = [];
  const problems: ConfigProblem[] = [];
  for (const [variable, text] of Object.entries(env)) {
    if (
      !variable.startsWith(VARIABLE_PREFIX) ||
      text === undefined ||
      text === '' ||
      isForeign(variable, text)
    )
      continue;
    const target = find(variable);
    if (target === undefined) {
      problems.push(unknown(variable));
      continue;
    }
    const read = valueOf(text, target.schema, variable);
    problems.push(...read.problems);
    if (read.problems.length === 0) overrides.push({ path: target.path, value: read.value, variable });
  }
  overrides.sort((a, b) => a.path.length - b.path.length || (a.variable < b.variable ? -1 : 1));
  return { overrides, problems };
}

function isForeign(variable: string, text: string): boolean {
  return OTHERS.has(variable) || SERVICE.test(variable) || SERVICE_URL.test(text);
}

function find(variable: string): { path: ConfigPath; schema: ConfigSchema } | undefined {
  let schema = configSchema;
  const path: (string | number)[] = [];
  for (const segment of variable.slice(VARIABLE_PREFIX.length).split('__')) {
    if (schema.items !== undefined && /^\d{1,4}$/.test(segment)) {
      path.push(Number(segment));
      schema = schema.items;
      continue;
    }
    const entry = Object.entries(schema.properties ?? {}).find(([key]) => key.toUpperCase() === segment);
    if (entry === undefined) return undefined;
    path.push(entry[0]);
    schema = entry[1];
  }
  return { path, schema };
}

function unknown(variable: string): ConfigProblem {
  const known = allPaths(configSchema, []).map(variableName);
  const near = nearest(variable, known);
  const expected =
    near === undefined ? `a key's path, such as ${variableName(['log', 'url'])}` : `${near}, the nearest one`;
  return { path: '', source: variable, found: 'a variable that sets no key', expected };
}

function valueOf(text: string, schema: ConfigSchema, variable: string): ReturnType<typeof parseConfig> {
  const allowed = types(schema);
  if (allowed.includes('null') && text === 'null') return { value: null, problems: [] };
  if (allowed.includes('string')) return { value: text, problems: [] };
  return parseConfig(text, variable);
}

/**
 * Puts an environment variable's value into the document, which it changes. An item beyond a list's end is a
 * problem. What is in the way (text where an object should be) is left: the schema will say so.
 */
export function applyOverride(
  document: Record<string, unknown>,
  { path, value, variable }: Override,
): ConfigProblem | undefined {
  let container: Record<string | number, unknown> = document;
  for (const [i, part] of path.entries()) {
    if (i === path.length - 1) {
      container[part] = value;
      return undefined;
    }
    const inner = container[part] ?? (typeof path[i + 1] === 'number' ? [] : {});
    if (!isContainer(inner)) return undefined;
    const [count, next] = [Array.isArray(inner) ? inner.length : Infinity, path[i + 1]];
    if (typeof next === 'number' && next > count) {
      const found = `item ${next} of a list of ${count}`;
      return {
        path: pathText(path.slice(0, i + 1)),
        source: variable,
        found,
        expected: `item ${count} before it`,
      };
    }
    container[part] = inner;
    container = inner;
  }
  return undefined;
}

function isContainer(value: unknown): value is Record<string | number, unknown> {
  return typeof value === 'object' && value !== null;
}
