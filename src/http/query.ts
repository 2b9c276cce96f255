/** What a query parameter becomes; the schema then judges it. */
type Kind = 'string' | 'integer' | 'boolean' | 'array';

/** Which parameters a route knows, and what each becomes. */
export type QueryPlan = ReadonlyMap<string, { readonly kind: Kind; readonly fallback: unknown }>;

const INTEGER = /^-?\d{1,16}$/;

/**
 * Reads the plan from the JSON Schema of a route's query parameters: `type` and `default` of each property.
 * References are not followed; a property without a `type` of its own is a string.
 */
export function queryPlan(schema: Readonly<Record<string, unknown>>): QueryPlan {
  const plan = new Map<string, { kind: Kind; fallback: unknown }>();
  for (const [name, property] of Object.entries(
    (schema['properties'] ?? {}) as Record<string, PropertySchema>,
  )) {
    const kind = property.type;
    const known = kind === 'integer' || kind === 'boolean' || kind === 'array';
    plan.set(name, { kind: known ? kind : 'string', fallback: property.default });
  }
  return plan;
}

interface PropertySchema {
  readonly type?: string;
  readonly default?: unknown;
}

/**
 * The parameters that a route knows, converted by its plan; others are dropped. What cannot be converted stays a
 * string, so that the schema refuses it. A repeated key is a list where the schema wants one; elsewhere the first
 * counts.
 */
export function readQuery(
  plan: QueryPlan,
  query: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const result = Object.create(null) as Record<string, unknown>;
  for (const [name, { kind, fallback }] of plan) {
    const given = query[name];
    if (given === undefined) {
      if (fallback !== undefined) result[name] = fallback;
    } else if (kind === 'array') {
      result[name] = Array.isArray(given) ? given : [given];
    } else {
      result[name] = convert(kind, Array.isArray(given) ? given[0] : given);
    }
  }
  return result;
}

function convert(kind: Kind, text: unknown): unknown {
  if (kind === 'integer' && typeof text === 'string' && INTEGER.test(text)) return Number(text);
  if (kind === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}
