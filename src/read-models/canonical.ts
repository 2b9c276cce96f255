/**
 * The canonical JSON text of a document: fields by code point, nothing undefined. Only for comparing stores; what
 * Matrix signs is canonical in a stricter sense (src/protocol).
 */
export function canonicalText(value: unknown): string {
  return JSON.stringify(sorted(value));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter((entry) => entry[1] !== undefined);
  entries.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  // fromEntries defines fields, so that one named `__proto__` is a field like others.
  return Object.fromEntries(entries.map(([name, field]) => [name, sorted(field)]));
}
