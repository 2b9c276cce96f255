import document from '../../schemas/config.json' with { type: 'json' };

/** The part of JSON Schema that schemas/config.json is written in. */
export interface ConfigSchema {
  readonly type: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, ConfigSchema>>;
  readonly items?: ConfigSchema;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly format?: string;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  /** A secret: never shown. */
  readonly writeOnly?: boolean;
  /** What a number counts. */
  readonly unit?: string;
  /** What it takes, in words, where the rest of the schema does not say so well. */
  readonly expected?: string;
}

/** What an operator can set; every key is documented there and nowhere else. */
export const configSchema: ConfigSchema = document;

/** Where a value is: keys and list indexes from the top. */
export type ConfigPath = readonly (string | number)[];

/** `listeners[0].port` */
export function pathText(path: ConfigPath): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? part : `.${part}`))
    .join('');
}

export const VARIABLE_PREFIX = 'ENGRAM_';

/** The environment variable that sets a key: `ENGRAM_LISTENERS__0__PORT` */
export function variableName(path: ConfigPath): string {
  return VARIABLE_PREFIX + path.map((part) => String(part).toUpperCase()).join('__');
}

export function types(schema: ConfigSchema): readonly string[] {
  return typeof schema.type === 'string' ? [schema.type] : schema.type;
}

/** The schema of what is below: of a key, or of any item of a list. */
export function child(schema: ConfigSchema, part: string | number): ConfigSchema | undefined {
  if (typeof part === 'number') return schema.items;
  return schema.properties !== undefined && Object.hasOwn(schema.properties, part)
    ? schema.properties[part]
    : undefined;
}

export function schemaAt(path: ConfigPath): ConfigSchema | undefined {
  let schema: ConfigSchema | undefined = configSchema;
  for (const part of path) schema = schema && child(schema, part);
  return schema;
}

/** What a value must be, in words. */
export function describe(schema: ConfigSchema): string {
  const nullable = types(schema).includes('null') ? ', or null' : '';
  return describeValue(schema) + nullable;
}

function describeValue(schema: ConfigSchema): string {
  if (schema.expected !== undefined) return schema.expected;
  if (schema.enum !== undefined) return oneOf(schema.enum.map((value) => `"${value}"`));
  switch (types(schema).find((type) => type !== 'null')) {
    case 'boolean':
      return 'true or false';
    case 'integer':
      return `an integer${range(schema)}`;
    case 'number':
      return `a number${range(schema)}`;
    case 'array':
      return `a ${(schema.minItems ?? 0) > 0 ? 'non-empty ' : ''}list, each item ${schema.items ? describe(schema.items) : 'a value'}`;
    case 'object':
      return `an object with the keys ${Object.keys(schema.properties ?? {}).join(', ')}`;
    default:
      return FORMATS[schema.format ?? ''] ?? 'text';
  }
}

const FORMATS: Readonly<Record<string, string>> = {
  'http-url': 'an http:// or https:// URL without user name and password',
  path: 'the path of a file or folder',
  'server-name': 'a server name (a host name or address, and perhaps a port)',
};

function range(schema: ConfigSchema): string {
  const unit = schema.unit === undefined ? '' : ` (${schema.unit})`;
  const { minimum, exclusiveMinimum, maximum } = schema;
  const from = exclusiveMinimum === undefined ? ` from ${minimum ?? 0}` : ` above ${exclusiveMinimum}`;
  return `${from}${maximum === undefined ? '' : ` to ${maximum}`}${unit}`;
}

/** `"a"`, `"a" or "b"`, `"a", "b" or "c"` */
function oneOf(values: readonly string[]): string {
  const last = values.at(-1) ?? '';
  return values.length < 2 ? last : `${values.slice(0, -1).join(', ')} or ${last}`;
}
