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
export function unserialisable(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined;
    case 'number':
      return Number.isFinite(value) ? undefined : '';
    case 'object':
      break;
    default:
      return '';
  }
  if (value === null) return undefined;
  if (Array.isArray(value)) {
    // By index, so that holes count as undefined.
    for (let i = 0; i < value.length; i++) {
      const found = unserialisable(value[i]);
      if (found !== undefined) return `/${i}${found}`;
    }
    return undefined;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return '';
  for (const key of Object.keys(value)) {
    const found = unserialisable((value as JsonObject)[key]);
    if (found !== undefined) return `/${key}${found}`;
  }
  return undefined;
}
