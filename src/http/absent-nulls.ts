import type { AnySchemaObject } from 'ajv';
import type { JsonObject } from '../protocol/json.js';

/**
 * The top-level fields of a body that are optional and cannot be `null` by their schema. Clients send `null` in
 * them where they have nothing to say (`"since": null`), and other servers take that for absent.
 *
 * @param resolve gives the schema that a `$ref` names
 */
export function fieldsNotNull(
  schema: AnySchemaObject,
  resolve: (ref: string) => AnySchemaObject,
): readonly string[] {
  const { properties = {}, required = [] } = followed(schema, resolve) as {
    properties?: Record<string, AnySchemaObject>;
    required?: string[];
  };
  return Object.entries(properties)
    .filter(([name, property]) => !required.includes(name) && !allowsNull(followed(property, resolve)))
    .map(([name]) => name);
}

/** The body without those of the fields that are `null`; the very same where there are none. */
export function withoutNulls(body: JsonObject, fields: readonly string[]): JsonObject {
  const absent = fields.filter((field) => Object.hasOwn(body, field) && body[field] === null);
  if (absent.length === 0) return body;
  return Object.fromEntries(Object.entries(body).filter(([field]) => !absent.includes(field)));
}

/** What says nothing about the type allows every type. */
function allowsNull({ type, enum: values, anyOf, oneOf }: AnySchemaObject): boolean {
  if (Array.isArray(values)) return values.includes(null);
  if (type !== undefined) return type === 'null' || (Array.isArray(type) && type.includes('null'));
  return anyOf === undefined && oneOf === undefined;
}

function followed(schema: AnySchemaObject, resolve: (ref: string) => AnySchemaObject): AnySchemaObject {
  const ref: unknown = schema['$ref'];
  return typeof ref === 'string' ? followed(resolve(ref), resolve) : schema;
}
