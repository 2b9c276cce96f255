import type { ErrorObject } from 'ajv';
import { nearest } from './nearest.js';
import {
  child,
  configSchema,
  describe,
  pathText,
  schemaAt,
  type ConfigPath,
  type ConfigSchema,
} from './schema.js';

/** One thing that is wrong with a configuration. No secret is in it. */
export interface ConfigProblem {
  /** `listeners[0].port`; empty for the configuration as a whole. */
  readonly path: string;
  /** The environment variable or the file that said so, where that is known. */
  readonly source?: string;
  readonly found: string;
  readonly expected: string;
}

/** A configuration that cannot be used, with everything that is wrong with it. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const count = problems.length === 1 ? 'an error' : `${problems.length} errors`;
    super(
      [`The configuration has ${count}:`, ...problems.map((problem) => `  ${problemText(problem)}`)].join(
        '\n',
      ),
    );
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** `listeners[0].port (ENGRAM_LISTENERS__0__PORT): found 99999; expected an integer from 0 to 65535` */
function problemText({ path, source, found, expected }: ConfigProblem): string {
  const where =
    path === '' ? (source ?? 'configuration') : source === undefined ? path : `${path} (${source})`;
  return `${where}: found ${found}; expected ${expected}`;
}

/** The problem at a path: what was found there does not fit its schema. */
export function problemAt(
  path: ConfigPath,
  found: string,
  expected: string,
  sources: ReadonlyMap<string, string>,
): ConfigProblem {
  // What says so is the variable or file for the value itself, or for what it is a part of.
  for (let length = path.length; length > 0; length -= 1) {
    const source = sources.get(pathText(path.slice(0, length)));
    if (source !== undefined) return { path: pathText(path), source, found, expected };
  }
  return { path: pathText(path), found, expected };
}

/** What ajv found, a problem for each place. */
export function problemsOf(
  errors: readonly ErrorObject[],
  sources: ReadonlyMap<string, string>,
): ConfigProblem[] {
  const problems = new Map<string, ConfigProblem>();
  for (const error of errors) {
    const problem = problemOf(error, sources);
    // A wrong type often breaks the enum and the format too: one line says it all.
    if (!problems.has(problem.path)) problems.set(problem.path, problem);
  }
  return [...problems.values()];
}

function problemOf(error: ErrorObject, sources: ReadonlyMap<string, string>): ConfigProblem {
  const path = pathOf(error.instancePath);
  const schema = schemaAt(path) ?? configSchema;
  const params: Readonly<Record<string, unknown>> = error.params;
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(params['additionalProperty']);
      return problemAt([...path, key], 'a key that does not exist', expectedKey(key, path, schema), sources);
    }
    case 'required': {
      const key = String(params['missingProperty']);
      const missing = child(schema, key);
      return problemAt(
        [...path, key],
        'nothing',
        missing === undefined ? 'a value' : describe(missing),
        sources,
      );
    }
    case 'uniqueItems':
      return problemAt(path, 'the same item twice', describe(schema), sources);
    default:
      return problemAt(path, found(error.data, schema), describe(schema), sources);
  }
}

/** ajv's JSON pointer as a path. Keys that are numbers are list indexes: no key of the schema is one. */
function pathOf(pointer: string): ConfigPath {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part.replaceAll('~1', '/').replaceAll('~0', '~')));
}

/** The key that was meant: the nearest beside it, or else the same key elsewhere. */
function expectedKey(key: string, path: ConfigPath, schema: ConfigSchema): string {
  const siblings = Object.keys(schema.properties ?? {});
  const near = nearest(key, siblings);
  if (near !== undefined) return `${pathText([...path, near])}, the nearest one`;
  const elsewhere = allPaths(configSchema, []).find((known) => known.at(-1) === key);
  if (elsewhere !== undefined) return `it at ${pathText(elsewhere)}`;
  return `one of ${siblings.join(', ')}`;
}

/** The paths of all keys, an item of a list standing for all of them. */
export function allPaths(schema: ConfigSchema, path: ConfigPath): ConfigPath[] {
  const below: ConfigPath[] = [];
  for (const [key, inner] of Object.entries(schema.properties ?? {})) {
    below.push([...path, key], ...allPaths(inner, [...path, key]));
  }
  if (schema.items !== undefined) below.push([...path, 0], ...allPaths(schema.items, [...path, 0]));
  return below;
}

const MAX_SHOWN = 80;

/** What was found, shortened. Neither secrets nor what may hold one (an object, a list, a URL's user) are shown. */
function found(value: unknown, schema: ConfigSchema): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  if (typeof value === 'object') return 'an object';
  if (schema.writeOnly === true) return 'something else (not shown, as it is a secret)';
  if (schema.properties !== undefined || schema.items !== undefined) return `a ${typeof value}`;
  if (typeof value === 'string') {
    // Everything up to the last @ may be a password that was not encoded as it should be.
    const shown = value.replace(/\/\/.*@/s, '//...@');
    return JSON.stringify(shown.length > MAX_SHOWN ? `${shown.slice(0, MAX_SHOWN)}...` : shown);
  }
  return typeof value === 'number' ? `the number ${value}` : value === true ? 'true' : 'false';
}
