export interface JsonObject {
  readonly [key: string]: unknown;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Where a value is not what JSON can hold (undefined, functions, bigints, NaN, dates, instances of classes), as a
 * path, or undefined where all is well. JSON.stringify would drop or bend such values in silence.
 * Cost: one visit per value.
 *
 * @throws RangeError for cycles and depths beyond the call stack.
 */
export function unserialisable(value: unknown, path = ''): string | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined;
    case 'number':
      return Number.isFinite(value) ? undefined : path;
    case 'object':
      break;
    default:
      return path;
  }
  if (value === null) return undefined;
  if (Array.isArray(value)) {
    // By index, so that holes count as undefined.
    for (let i = 0; i < value.length; i++) {
      const found = unserialisable(value[i], `${path}/${i}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return path;
  for (const [key, member] of Object.entries(value)) {
    const found = unserialisable(member, `${path}/${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}
