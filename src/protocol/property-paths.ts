import { isJsonObject, type JsonObject, type JsonValue } from './json.js';

/**
 * The property names of a dotted path such as `content.m\.relates_to` (specification: Appendices, Dot-separated
 * property paths): `\.` and `\\` stand for a dot and a backslash within a name, other escapes for themselves.
 */
export function parsePropertyPath(path: string): string[] {
  const names: string[] = [];
  let name = '';
  for (let at = 0; at < path.length; at++) {
    const character = path.charAt(at);
    const next = path.charAt(at + 1);
    if (character === '\\' && (next === '.' || next === '\\')) {
      name += next;
      at++;
    } else if (character === '.') {
      names.push(name);
      name = '';
    } else {
      name += character;
    }
  }
  names.push(name);
  return names;
}

/** The value at a path of names, through objects' own properties only; `undefined` where there is none. */
export function readProperty(object: JsonObject, names: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = object;
  for (const name of names) {
    if (!isJsonObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}
