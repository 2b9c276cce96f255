import { isJsonObject, type JsonObject, type JsonValue } from './json.js';
import { parsePropertyPath } from './property-paths.js';

/** Which properties to keep: all of a value, or some of an object. */
type Selection = 'all' | Map<string, Selection>;

/**
 * A function that keeps of an event what `event_fields` of a filter names (specification: Filtering; dotted paths
 * with escapes). Paths are put into one tree first: the cost follows the event, not the number of paths.
 */
export function projectFields(paths: readonly string[]): (event: JsonObject) => JsonObject {
  const wanted = new Map<string, Selection>();
  for (const path of paths) select(wanted, parsePropertyPath(path));
  return (event) => projectObject(event, wanted);
}

function select(selection: Map<string, Selection>, names: readonly string[]): void {
  let level = selection;
  for (const [at, name] of names.entries()) {
    const known = level.get(name);
    if (known === 'all') return;
    if (at === names.length - 1) {
      level.set(name, 'all');
      return;
    }
    const next = known ?? new Map<string, Selection>();
    level.set(name, next);
    level = next;
  }
}

function projectObject(object: JsonObject, wanted: Map<string, Selection>): JsonObject {
  const kept: [string, JsonValue][] = [];
  for (const [name, selection] of wanted) {
    const value = Object.hasOwn(object, name) ? object[name] : undefined;
    if (value === undefined) continue;
    if (selection === 'all') kept.push([name, value]);
    else if (isJsonObject(value)) kept.push([name, projectObject(value, selection)]);
  }
  // Not by assignment: a property named `__proto__` is one like any other.
  return Object.fromEntries(kept);
}
