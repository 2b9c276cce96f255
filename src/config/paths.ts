import { resolve } from 'node:path';
import { child, configSchema, type ConfigSchema } from './schema.js';

/** A copy in which every file's path is absolute, relative ones taken from `folder`. What does not fit stays. */
export function resolvePaths(value: unknown, folder: string, schema: ConfigSchema = configSchema): unknown {
  if (typeof value === 'string') {
    return schema.format === 'path' && value !== '' ? resolve(folder, value) : value;
  }
  if (Array.isArray(value)) {
    return value.map((item: unknown, i) => below(item, folder, child(schema, i)));
  }
  if (typeof value !== 'object' || value === null) return value;
  // Object.fromEntries defines its keys: one that is called "__proto__" stays a key, to be found unknown.
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, below(inner, folder, child(schema, key))]),
  );
}

function below(value: unknown, folder: string, schema: ConfigSchema | undefined): unknown {
  return schema === undefined ? value : resolvePaths(value, folder, schema);
}
