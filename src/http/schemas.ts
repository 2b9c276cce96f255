import { readFileSync, readdirSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { AnySchemaObject, ErrorObject, ValidateFunction } from 'ajv';
import type { JsonObject } from '../protocol/json.js';
import { fieldsNotNull, withoutNulls } from './absent-nulls.js';
import { queryPlan, readQuery, type QueryPlan } from './query.js';
import { refusal, type Part } from './validation.js';

/** The checks of one operation. Each returns its input, or throws the `MatrixError` that answers the request. */
export interface OperationChecks {
  params(params: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
  query(query: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
  body(body: JsonObject): JsonObject;
  /** False where the operation has no body: it is then not even parsed. */
  readonly hasBody: boolean;
}

/**
 * The input schemas in `schemas/<api>/`, each compiled when it is first needed (some ms), so that a start waits for
 * none. A file is a module of the specification; each entry
 * of its `$defs` is an operation, whose properties `params`, `query` and `body` are the schemas of its parts. Types
 * of bodies are never converted; query parameters are, by their schema. An optional field of a body that is `null`
 * counts as absent.
 */
export class Schemas {
  readonly #ajv: Ajv2020;
  readonly #files = new Map<string, AnySchemaObject>();

  /** @param api the folder's name: `client`, later `federation` and others */
  constructor(api: string) {
    // `allErrors` stays off: one violation is enough, and collecting them lets a hostile body cost more.
    this.#ajv = new Ajv2020({
      strict: true,
      strictRequired: false,
      allowUnionTypes: true,
      ownProperties: true,
      // They are part of the program: a test checks them, and no start has to (test/architecture/schemas.test.ts).
      validateSchema: false,
    });
    this.#ajv.addVocabulary(['tsType']);
    this.#ajv.addKeyword({
      keyword: 'maxBytes',
      type: 'string',
      schemaType: 'number',
      validate: maxBytes,
      errors: true,
    });
    const folder = join(schemaFolder(), api);
    for (const name of readdirSync(folder).filter((file) => file.endsWith('.json'))) {
      const schema = JSON.parse(readFileSync(join(folder, name), 'utf8')) as AnySchemaObject;
      this.#files.set(name.slice(0, -'.json'.length), schema);
      this.#ajv.addSchema(schema, name);
    }
  }

  /** Every module and its operations, for tests and generators. */
  operations(): { module: string; name: string }[] {
    return [...this.#files].flatMap(([module, schema]) =>
      module === 'identifiers'
        ? []
        : Object.keys((schema['$defs'] ?? {}) as object).map((name) => ({ module, name })),
    );
  }

  /** @throws {Error} when the schemas do not know the operation: a fault of ours, found at start */
  compile(module: string, name: string): OperationChecks {
    const operations = this.#files.get(module)?.['$defs'] as Record<string, AnySchemaObject> | undefined;
    const operation = operations?.[name];
    if (operation === undefined) throw new Error(`schemas: ${module}.json has no operation ${name}`);
    const parts = (operation['properties'] ?? {}) as Partial<Record<Part, AnySchemaObject>>;
    const check = (part: Part): ((value: Readonly<Record<string, unknown>>) => void) => {
      if (parts[part] === undefined) return () => undefined;
      let validate: ValidateFunction | undefined;
      return (value) => {
        validate ??= this.#ajv.compile({ $ref: `${module}.json#/$defs/${name}/properties/${part}` });
        if (!validate(value)) throw refusal(part, validate.errors);
      };
    };
    const [params, query, body] = [check('params'), check('query'), check('body')];
    const plan: QueryPlan = queryPlan(parts.query ?? {});
    const defaults = Object.entries(pathDefaults(parts.params));
    const notNull = fieldsNotNull(parts.body ?? {}, (ref) => this.#schemaAt(module, ref));
    return {
      params(value) {
        for (const [key, fallback] of defaults) (value as Record<string, unknown>)[key] ??= fallback;
        params(value);
        return value;
      },
      query(value) {
        const converted = readQuery(plan, value);
        query(converted);
        return converted;
      },
      body(value) {
        const read = withoutNulls(value, notNull);
        body(read);
        return read;
      },
      hasBody: parts.body !== undefined,
    };
  }

  /** What a reference of a module's file names: `identifiers.json#/$defs/auth`. */
  #schemaAt(module: string, ref: string): AnySchemaObject {
    const [file = '', pointer = ''] = ref.split('#');
    let at: unknown = this.#files.get(file === '' ? module : file.slice(0, -'.json'.length));
    for (const step of pointer.split('/').slice(1)) at = (at as Record<string, unknown> | undefined)?.[step];
    if (at === undefined) throw new Error(`schemas: ${module}.json refers to ${ref}, which is not there`);
    return at as AnySchemaObject;
  }
}

/** Defaults of path parameters: an empty state key may be left out of the path. */
function pathDefaults(schema: AnySchemaObject | undefined): Record<string, unknown> {
  const defaults: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(
    (schema?.['properties'] ?? {}) as Record<string, AnySchemaObject>,
  )) {
    if (property['default'] !== undefined) defaults[name] = property['default'];
  }
  return defaults;
}

/** The keyword `maxBytes`: Matrix counts bytes of UTF-8, where JSON Schema's `maxLength` counts code points. */
function maxBytes(limit: number, text: string): boolean {
  // A string has at most three bytes for each of its units, so most need no counting.
  if (text.length * 3 <= limit || Buffer.byteLength(text, 'utf8') <= limit) return true;
  const violation: Partial<ErrorObject> = { keyword: 'maxBytes', params: { limit }, message: 'is too long' };
  (maxBytes as { errors?: Partial<ErrorObject>[] }).errors = [violation];
  return false;
}

/** `schemas/` lies at the top of the project, above `src/http` as above `dist/src/http`. */
function schemaFolder(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const candidate = join(folder, 'schemas');
    if (existsSync(join(candidate, 'client'))) return candidate;
    if (folder === dirname(folder)) throw new Error(`schemas: no such folder above ${import.meta.dirname}`);
  }
}
