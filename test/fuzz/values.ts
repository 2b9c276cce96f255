import type { AnySchemaObject } from 'ajv';
import type { Dice } from './dice.js';
import type { Pool } from './pool.js';

/** Values that a careless program stumbles over. */
const ODD: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e21,
  2 ** 53,
  -(2 ** 53),
  Number.MIN_VALUE,
  '',
  ' ',
  '\0',
  '\u{ffff}\u202e',
  '😀'.repeat(70),
  'x'.repeat(300),
  'x'.repeat(70_000),
  '../../../etc/passwd',
  '%2e%2e%2f',
  "'; DROP TABLE users; --",
  '${7*7}',
  '<script>',
  '@',
  '@:',
  '!',
  '$',
  '#',
  '@a:b:c:d',
  '@nobody:elsewhere.example',
  '!nowhere:elsewhere.example',
  'NaN',
  '__proto__',
  'constructor',
  [],
  {},
  [[[[]]]],
  [null],
  [{}],
  { a: { b: { c: {} } } },
  JSON.parse('{"__proto__":1,"constructor":{"prototype":1}}'),
  Array.from({ length: 90 }).reduce<unknown>((inner) => [inner], 1),
  Array.from({ length: 2000 }, (_, n) => n),
  Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`key${n}`, n])),
];

const MOST_DEPTH = 6;

/** Makes values by the schemas of the specification's data, and others in their place. */
export class Values {
  readonly #dice: Dice;
  readonly #pool: Pool;
  readonly #resolve: (ref: string) => AnySchemaObject;
  /** How often something is not what its schema says, from 0 to 1. */
  oddity = 0;

  constructor(dice: Dice, pool: Pool, resolve: (ref: string) => AnySchemaObject) {
    this.#dice = dice;
    this.#pool = pool;
    this.#resolve = resolve;
  }

  odd(): unknown {
    return this.#dice.pick(ODD);
  }

  /** Something that the schema allows, mostly; `name` is that of the field or parameter. */
  of(schema: AnySchemaObject | undefined, name: string, depth = 0): unknown {
    const dice = this.#dice;
    if (schema === undefined || depth > MOST_DEPTH || dice.chance(this.oddity)) return this.odd();
    if (typeof schema['$ref'] === 'string') return this.of(this.#resolve(schema['$ref']), name, depth);
    for (const key of ['oneOf', 'anyOf']) {
      const choices = schema[key] as AnySchemaObject[] | undefined;
      if (choices !== undefined) return this.of(dice.pick(choices), name, depth);
    }
    if (Array.isArray(schema['enum']) && dice.chance(0.9)) return dice.pick(schema['enum'] as unknown[]);
    if (schema['example'] !== undefined && depth === 0 && dice.chance(0.15)) return schema['example'];
    const type: unknown = Array.isArray(schema['type'])
      ? dice.pick(schema['type'] as unknown[])
      : schema['type'];
    switch (type) {
      case 'string':
        return this.text(name);
      case 'integer':
      case 'number':
        return dice.pick([0, 1, 5, 50, 100, 1000, -1, 30_000]);
      case 'boolean':
        return dice.chance(0.5);
      case 'array':
        return Array.from({ length: dice.below(4) }, () =>
          this.of(schema['items'] as AnySchemaObject | undefined, name, depth + 1),
        );
      case 'null':
        return null;
      default:
        return this.#object(schema, depth);
    }
  }

  text(name: string): string {
    const known = this.#dice.chance(this.oddity > 0 ? 0.85 : 0.98) ? this.#pool.find(name) : undefined;
    return known ?? this.#dice.pick(['text', 'a', 'x y', '1', 'org.example.key', 'm.text']);
  }

  #object(schema: AnySchemaObject, depth: number): Record<string, unknown> {
    const dice = this.#dice;
    const result: Record<string, unknown> = {};
    for (const part of (schema['allOf'] as AnySchemaObject[] | undefined) ?? []) {
      const value = this.of(part, '', depth);
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) Object.assign(result, value);
    }
    const required = new Set((schema['required'] as string[] | undefined) ?? []);
    const properties = (schema['properties'] ?? {}) as Readonly<Record<string, AnySchemaObject>>;
    for (const [name, property] of Object.entries(properties)) {
      if (dice.chance(required.has(name) ? 0.95 : 0.4)) result[name] = this.of(property, name, depth + 1);
    }
    if (Object.keys(properties).length === 0 || dice.chance(0.1)) {
      const more: unknown = schema['additionalProperties'];
      const key = dice.pick([
        'body',
        'msgtype',
        'org.example',
        'membership',
        'users',
        'm.relates_to',
        '__proto__',
        '',
      ]);
      Object.defineProperty(result, key, {
        value: this.of(typeof more === 'object' ? (more as AnySchemaObject) : undefined, key, depth + 1),
        enumerable: true,
      });
    }
    return result;
  }
}
